"""Fetch the weights that training starts from, or say how else to start."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlparse

import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_external_models


def fetch_initial_weights(cfg: Config) -> None:
    """Fetch the checkpoints of each ``init_cfg`` and, by address, load_from.

    mmengine would do so after the data sets are read, and fail with the
    words of the network library. What is fetched here it finds in the cache.
    With several processes, to be called in all of them once they are
    connected: the first one fetches.

    Args:
        cfg: Config of a runner.

    Raises:
        SystemExit: If a checkpoint is not there or cannot be had, naming it,
            the places of the config that ask for it, and what to do.
    """
    places = defaultdict(list)
    for place, checkpoint in _pretrained(cfg.model, 'model'):
        places[checkpoint].append(place)
    start = str(cfg.get('load_from') or '')
    if '://' in start:
        places[start].append('load_from')
    elif start and not Path(start).is_file():
        raise SystemExit(
            f"error: there is no checkpoint '{start}', which load_from names: "
            'train the stage before, or name another with --cfg-options '
            'load_from=FILE.pth'
        )
    for checkpoint, wanted_by in places.items():
        try:
            CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
        # each scheme fails in its own way
        except Exception as error:
            raise SystemExit(_advice(checkpoint, wanted_by, error)) from error


def _pretrained(node: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield each ``init_cfg`` that loads: its place and its checkpoint."""
    if isinstance(node, Mapping):
        if node.get('type') == 'Pretrained' and 'checkpoint' in node:
            yield place, node['checkpoint']
        for key, child in node.items():
            yield from _pretrained(child, f'{place}.{key}')
    elif isinstance(node, (list, tuple)):
        for i, child in enumerate(node):
            yield from _pretrained(child, f'{place}.{i}')


def _advice(checkpoint: str, wanted_by: list[str], error: Exception) -> str:
    """Say which checkpoint is missing, why, and three ways on."""
    ways = []
    scheme, _, name = checkpoint.partition('://')
    address = checkpoint
    if scheme in ('open-mmlab', 'openmmlab'):
        address = get_external_models().get(name, '')
    if address.startswith(('http://', 'https://')):
        cache = Path(torch.hub.get_dir(), 'checkpoints')
        file = cache / Path(urlparse(address).path).name
        ways.append(f'  get {address} elsewhere and put it at {file}')
    named = ' '.join(
        f'{place}=FILE.pth'
        if place == 'load_from'
        else f'{place}.checkpoint=FILE.pth'
        for place in wanted_by
    )
    ways.append(f'  name another file: --cfg-options {named}')
    none = ' '.join(f'{place}=None' for place in wanted_by)
    ways.append(
        f'  do without, as when load_from brings the whole model: '
        f'--cfg-options {none}'
    )
    return '\n'.join(
        [
            f'The initial weights {checkpoint} could not be had '
            f'({type(error).__name__}: {error}). One of these helps:',
            *ways,
        ]
    )
