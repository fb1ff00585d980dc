"""Write a toy data set in the files of VG150, and say what is in it."""

import argparse

from mmsgg.testing import write_toy_vg


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('out_dir', help='folder to write to')
    parser.add_argument(
        '--num-train', type=int, default=2000, help='training images'
    )
    parser.add_argument(
        '--num-test', type=int, default=200, help='test images'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the scenes')
    parser.add_argument(
        '--image-size', type=int, default=144, help='typical longer side'
    )
    return parser.parse_args()


def main() -> None:
    """Write the data set and print its statistics."""
    args = parse_args()
    stats = write_toy_vg(
        args.out_dir,
        num_train=args.num_train,
        num_test=args.num_test,
        seed=args.seed,
        image_size=args.image_size,
    )
    print(
        f'{args.out_dir}: {stats["images"]} images, {stats["boxes"]} boxes, '
        f'{stats["relations"]} relations'
    )
    for name, share in stats['predicates'].items():
        print(f'  {name:<12}{share:6.1%}')
    print(f'pairs with several predicates: {stats["multi_predicate"]:.1%}')
    if stats['prior_R@20'] is not None:
        print(f'test R@20 of the label prior: {stats["prior_R@20"]:.4f}')
        print(
            'test R@20 of a perfect model with one predicate a pair: '
            f'{stats["ceiling_R@20"]:.4f}'
        )


if __name__ == '__main__':
    main()
