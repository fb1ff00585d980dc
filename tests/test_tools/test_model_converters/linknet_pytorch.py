"""What checkpoints of linknet-pytorch hold, in any width."""

from dataclasses import dataclass

import torch

VGG = [64, 64, 'M', 128, 128, 'M', 256, 256, 256, 'M', 512, 512, 512, 'M',
       512, 512, 512]  # fmt: skip


@dataclass
class Widths:
    """The sizes that shapes are made of; by default those of VG150."""

    classes: int = 150
    predicates: int = 50
    channels: int = 512
    rpn: int = 512
    anchors: int = 20
    fmap: int = 37
    fc: int = 4096  # of the detector and of objects
    pooling: int = 4096  # of union boxes
    embed: int = 200
    hidden: int = 256
    layout: int = 128


def convolutions():
    """Yield (index in ``features``, channels in, channels out) of VGG16."""
    index, channels = 0, 3
    for width in VGG:
        if width == 'M':
            index += 1
            continue
        yield index, channels, width
        channels = width
        index += 2  # convolution and ReLU


def weighted(name, *shape):
    return {f'{name}.weight': shape, f'{name}.bias': shape[:1]}


def norm(name, channels):
    shapes = weighted(name, channels)
    shapes |= {f'{name}.running_{k}': (channels,) for k in ('mean', 'var')}
    return shapes | {f'{name}.num_batches_tracked': ()}


def fc67(name, channels, width):
    first = weighted(f'{name}.0', width, channels * 49)
    return first | weighted(f'{name}.3', width, width)


def detector_shapes(w):
    """Shapes in ``vg-N.tar``."""
    shapes = {}
    for index, channels, width in convolutions():
        shapes |= weighted(f'features.{index}', width, channels, 3, 3)
    shapes |= fc67('roi_fmap', 512, w.fc)
    shapes |= weighted('score_fc', w.classes + 1, w.fc)
    shapes |= weighted('bbox_fc', 4 * (w.classes + 1), w.fc)
    shapes['rpn_head.anchors'] = (w.fmap, w.fmap, w.anchors, 4)
    shapes |= weighted('rpn_head.conv.0', w.rpn, 512, 3, 3)
    shapes |= weighted('rpn_head.conv.2', 6 * w.anchors, w.rpn, 1, 1)
    return shapes


def block(name, channels, out):
    shapes = {}
    for part in 'WUH':
        shapes |= weighted(f'{name}.{part}', channels // 2, channels)
    shapes |= weighted(f'{name}.fc0', channels, channels // 2)
    return shapes | weighted(f'{name}.fc1', out, channels)


def head_shapes(w):
    """Shapes in ``vgrel-N.tar`` without its detector."""
    half = w.channels // 2
    objects = w.fc + w.embed + w.channels
    table = (w.classes + 1, w.embed)
    shapes = {
        'context.obj_embed.weight': table,
        'context.obj_embed2.weight': table,
        'freq_bias.obj_baseline.weight': (
            (w.classes + 1) ** 2,
            w.predicates + 1,
        ),
    }
    shapes |= block('context.RE1', objects, w.hidden)
    shapes |= block('context.RE2', w.hidden, w.classes + 1)
    shapes |= block('context.RE3', w.embed + w.hidden, w.hidden)
    shapes |= block('context.RE4', w.hidden, 2 * w.pooling)
    shapes |= weighted('union_boxes.conv.0', half, 2, 7, 7)
    shapes |= norm('union_boxes.conv.2', half)
    shapes |= weighted('union_boxes.conv.4', w.channels, half, 3, 3)
    shapes |= norm('union_boxes.conv.6', w.channels)
    shapes |= fc67('roi_fmap.1', w.channels, w.pooling)
    shapes |= fc67('roi_fmap_obj', w.channels, w.fc)
    shapes |= weighted('GCE.multi_score_fc', w.classes + 1, w.channels)
    shapes |= norm('pos_embed.0', 4)
    shapes |= weighted('pos_embed.1', w.layout, 4)
    return shapes | weighted(
        'rel_compress', w.predicates + 1, w.pooling + w.layout
    )


def model_shapes(w):
    """Shapes in ``vgrel-N.tar``."""
    detector = {f'detector.{k}': v for k, v in detector_shapes(w).items()}
    return detector | head_shapes(w)


def slow_anchors(size):
    """(size, size, 20, 4) anchors as py-faster-rcnn enumerates them."""
    base = []
    for ratio in (0.23232838, 0.63365731, 1.28478321, 3.15089189):
        width = (16 * 16 / ratio) ** 0.5
        height = width * ratio
        for scale in (2.22152954, 4.12315647, 7.21692515, 12.60263013,
                      22.7102731):  # fmt: skip
            dx, dy = (width * scale - 1) / 2, (height * scale - 1) / 2
            base.append([7.5 - dx, 7.5 - dy, 7.5 + dx, 7.5 + dy])
    rows = [
        [
            [[x1 + 16 * i, y1 + 16 * j, x2 + 16 * i, y2 + 16 * j]
             for x1, y1, x2, y2 in base]
            for i in range(size)
        ]
        for j in range(size)
    ]  # fmt: skip
    return torch.tensor(rows, dtype=torch.float64).float()


def random_weights(shapes, seed=0, largest=None):
    """Random weights of these shapes, activations of about unit size.

    Args:
        shapes: By name.
        seed: Of the generator.
        largest: Values a tensor may have; a larger one repeats its first row
            and takes no more memory than that.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        if name.endswith('rpn_head.anchors'):
            weights[name] = slow_anchors(shape[0])
        elif name.endswith('num_batches_tracked'):
            weights[name] = torch.tensor(3)
        elif largest and torch.Size(shape).numel() > largest:
            row = torch.randn(shape[1:], generator=generator)
            weights[name] = row.expand(shape)
        else:
            values = torch.randn(shape, generator=generator)
            fan_in = max(torch.Size(shape[1:]).numel(), 1)
            weights[name] = values * (2 / fan_in) ** 0.5
        if name.endswith('running_var'):
            weights[name] = weights[name].abs() + 0.5
    return weights
