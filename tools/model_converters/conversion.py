"""What the converters of others' checkpoints share."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from torch import Tensor

from mmsgg.datasets import VG150Dataset
from mmsgg.engine import (
    add_cfg_options,
    add_trust,
    checkpoint_file,
    config_file,
    read_checkpoint,
)
from mmsgg.registry import MODELS

COUNTER = '.num_batches_tracked'


def converter_parser(
    doc: str, config_help: str, config: Path | None = None
) -> ArgumentParser:
    """Make the parser of a converter.

    Args:
        doc: Of the converter; its first line says what it does.
        config_help: What ``--config`` stands for.
        config: Its default.
    """
    parser = ArgumentParser(description=doc.split('\n', maxsplit=1)[0])
    parser.add_argument('src', type=checkpoint_file, help='the file to read')
    parser.add_argument('dst', type=Path, help='the file to write')
    parser.add_argument(
        '--config',
        type=config_file,
        default=config and str(config),
        help=f'config of the model that is to hold the weights{config_help}',
    )
    add_cfg_options(parser)
    add_trust(parser)
    return parser


def state_dict_of(content: Any, field: str) -> dict[str, Tensor]:
    """Find the weights in what a file holds.

    Args:
        content: A state dict, or a dict that has one as ``field``.
        field: Its key.

    Raises:
        ValueError: If there are none.
    """
    state_dict = content
    if isinstance(content, dict):
        state_dict = content.get(field, content)
    if not (
        isinstance(state_dict, dict)
        and state_dict
        and all(isinstance(values, Tensor) for values in state_dict.values())
    ):
        raise ValueError(
            f'it holds neither a state dict nor a dict with one as {field}'
        )
    return state_dict


class RenamedWeights(NamedTuple):
    """What :func:`rename` makes of a checkpoint."""

    state_dict: dict[str, Tensor]  # by our names
    sources: dict[str, str]  # the name there of each of our names


def rename(
    state_dict: Mapping[str, Tensor], rules: Iterable[tuple[str, str]]
) -> RenamedWeights:
    """Give weights the names that they have here.

    Batch norms that count no batches get a counter, which torch wants.

    Args:
        state_dict: Weights of others.
        rules: Regular expressions of whole names there, and what they are
            here; the first that fits counts.

    Raises:
        ValueError: If a weight is left over, naming all of them.
    """
    rules = [*rules]
    out, sources, left_over = {}, {}, []
    for name, values in state_dict.items():
        for pattern, replacement in rules:
            match = re.fullmatch(pattern, name)
            if match:
                here = match.expand(replacement)
                out[here], sources[here] = values, name
                break
        else:
            left_over.append(f'{name} {tuple(values.shape)}')
    refuse_left_over(left_over)
    count_batches(out, sources)
    return RenamedWeights(out, sources)


def refuse_left_over(weights: list[str]) -> None:
    """Raise a ValueError that names the weights left over, if any."""
    if weights:
        raise ValueError(
            f'nothing here stands for {len(weights)} of its weights:\n  '
            + '\n  '.join(weights)
        )


def count_batches(
    state_dict: dict[str, Tensor], sources: dict[str, str]
) -> None:
    """Add the batch counters of batch norms that have none."""
    for key in list(state_dict):
        norm, _, field = key.rpartition('.')
        if field == 'running_mean' and norm + COUNTER not in state_dict:
            state_dict[norm + COUNTER] = torch.tensor(0)
            sources[norm + COUNTER] = sources[key]


class Converted(Protocol):
    """Converted weights."""

    @property
    def state_dict(self) -> dict[str, Tensor]:
        """By our names."""

    @property
    def sources(self) -> dict[str, str]:
        """The name in the checkpoint of each of our names."""


def check_weights(weights: Converted, model: ConfigDict) -> None:
    """Make sure that a model can load the weights strictly.

    Args:
        weights: Converted weights, of a detector alone or of a relation
            model. Parts of the model of which they hold nothing are passed
            over.
        model: Config of the model; it is built without memory for weights.

    Raises:
        ValueError: If something is missing, is too much or has another shape,
            naming it as the checkpoint and as the model do.
    """
    if not any(k.startswith('relation_head.') for k in weights.state_dict):
        model = model.get('detector', model)
    with DefaultScope.overwrite_default_scope('mmsgg'), torch.device('meta'):
        expected = MODELS.build(model).state_dict()
    parts = {key.partition('.')[0] for key in weights.state_dict}
    problems = [
        f'{key} of the model is not in the checkpoint'
        for key in expected
        if key.partition('.')[0] in parts and key not in weights.state_dict
    ]
    for key, values in weights.state_dict.items():
        source = weights.sources[key]
        if key not in expected:
            problems.append(
                f'the model has no {key}, which is made of {source}'
            )
        elif values.shape != expected[key].shape:
            problems.append(
                f'{source} makes {key} of shape {tuple(values.shape)}, the '
                f'model has {tuple(expected[key].shape)}'
            )
    if problems:
        raise ValueError('\n  '.join(['the weights do not fit:', *problems]))


def names_of(model: ConfigDict) -> tuple[dict, list[str]]:
    """Name classes and predicates where their numbers are those of VG150.

    The order is that of ``VG-SGG-dicts.json`` in all code bases.

    Args:
        model: Config of a detector or of a relation model.

    Returns:
        The ``meta`` of a checkpoint, and a line to print where it has none.
    """
    names = VG150Dataset.METAINFO
    detector = model.get('detector', model)
    heads = [detector.get('roi_head', detector).bbox_head]
    if 'relation_head' in model:
        heads.append(model.relation_head)
    fits = all(
        head.get(size, len(names[field])) == len(names[field])
        for head in heads
        for size, field in (
            ('num_classes', 'classes'),
            ('num_predicates', 'predicates'),
        )
    )
    if fits:
        return dict(dataset_meta=dict(names)), []
    return {}, ['no names of classes: their number is not that of VG150']


def convert_file(
    args: Namespace,
    convert: Callable[[dict, str, dict], tuple[dict, list[str]]],
    field: str = 'state_dict',
) -> None:
    """Read a checkpoint, convert it and write it, or say in a line why not.

    Args:
        args: Of :func:`converter_parser`.
        convert: Maps what the file holds, the config of the model and the
            entries that override it to the checkpoint and lines to print.
        field: Where the weights are in the checkpoint.

    Raises:
        SystemExit: If the file cannot be read or does not fit the model.
    """
    print(f'reading {args.src}')
    try:
        content = read_checkpoint(args.src, trust=args.trust)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from error
    try:
        checkpoint, notes = convert(content, args.config, args.cfg_options)
    except ValueError as error:
        raise SystemExit(f'{args.src}: {error}') from error
    for note in notes:
        print(note)
    print(f'writing {args.dst}')
    args.dst.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint, args.dst)
    print(f'done: {len(checkpoint[field])} tensors')
