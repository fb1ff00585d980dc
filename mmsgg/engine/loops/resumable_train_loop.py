"""Training that goes on from any step as if it had not stopped."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.runner import EpochBasedTrainLoop
from torch import nn
from torch.utils.data import BatchSampler

from mmsgg.registry import LOOPS


def start_random_numbers(*place: int) -> None:
    """Start the generators of Python, numpy and torch for a place in a run.

    Those of the GPUs go on.

    Args:
        *place: Numbers that tell the place from all others.
    """
    seeds = np.random.SeedSequence(place).generate_state(4)
    random.seed(int(seeds[0]))
    np.random.seed(int(seeds[1]))
    # torch.manual_seed looks for GPUs first, which takes as long as an item
    torch.default_generator.manual_seed(int(seeds[2]) << 32 | int(seeds[3]))


@dataclass
class SeededBatch:
    """Indices of a batch. Whoever goes through them gets seeds with them.

    That is the loader's fetcher, in a worker process or not, which fetches an
    item before it asks for the next index. So what is drawn for an item does
    not depend on what was drawn before, nor on how many workers there are.
    """

    indices: Sequence[int]
    seed: int
    epoch: int

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        states = random.getstate(), np.random.get_state()
        torch_state = torch.get_rng_state()
        try:
            for index in self.indices:
                start_random_numbers(self.seed, self.epoch, int(index))
                yield index
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(torch_state)


class SeededBatches(BatchSampler):
    """The batches of a sampler, with seeds, from a given one on.

    Args:
        batches: What gives the indices of the batches of an epoch.
    """

    def __init__(self, batches: BatchSampler) -> None:
        self.batches = batches
        self.sampler = batches.sampler
        self.batch_size = batches.batch_size
        self.drop_last = batches.drop_last
        self.seed = self.epoch = self.first = 0

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[SeededBatch]:  # type: ignore[override]
        for indices in islice(self.batches, self.first, None):
            yield SeededBatch(indices, self.seed, self.epoch)


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's loop over epochs, whose resumed runs equal whole ones.

    - A checkpoint within an epoch goes on with the next batch of it.
    - Each step, and each item of the training set, starts the random numbers
      from the seed of the run and its place in it. A resumed run draws what
      it would have drawn, in every process, with any number of workers, and
      nothing has to be kept.

    The seed, and the start and length of an epoch, are in the message hub,
    with which they are saved and resumed. With another number of processes an
    epoch has another length: then the run goes on behind the same share of
    it. Its start cannot be told from its number, since the epochs before may
    have been of another length.

    Args:
        *args: Of :class:`mmengine.runner.EpochBasedTrainLoop`.
        **kwargs: Of the same.
    """

    _batches: SeededBatches | None = None
    _seed: int
    _first = 0  # batch of the epoch that comes next

    def run(self) -> nn.Module:
        """Train, from where a resumed checkpoint stands."""
        loader, hub = self.dataloader, self.runner.message_hub
        self._seed = hub.runtime_info.get('sampler_seed', self.runner.seed)
        if loader.batch_sampler is not None:
            self._batches = SeededBatches(loader.batch_sampler)
            sampler = self._batches.sampler
            if hasattr(sampler, 'seed'):
                self._seed = hub.runtime_info.get('sampler_seed', sampler.seed)
                sampler.seed = self._seed
            # the loader itself refuses another one once it is built
            object.__setattr__(loader, 'batch_sampler', self._batches)
        length = hub.runtime_info.get('epoch_length', len(loader))
        epoch, start = hub.runtime_info.get('epoch_start', (0, 0))
        # what another loop wrote starts its epoch anew, as it would there
        done = self.iter - start if epoch == self.epoch else 0
        if 0 < done <= length:
            self._first = done * len(loader) // length
            self.runner.logger.info(
                f'Epoch {self.epoch + 1} goes on behind {self._first} of its '
                f'{len(loader)} batches'
            )
        hub.update_info('sampler_seed', self._seed)
        hub.update_info('epoch_length', len(loader))
        return super().run()

    def run_epoch(self) -> None:
        """Train an epoch, or what is left of it."""
        if self._batches is not None:
            self._batches.seed = self._seed
            self._batches.epoch = self.epoch
            self._batches.first = self._first
        start = [self.epoch, self.iter - self._first]
        self.runner.message_hub.update_info('epoch_start', start)
        super().run_epoch()
        self._first = 0

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Train a step.

        Args:
            idx: Of the batch, among those that are left of the epoch.
            data_batch: The batch.
        """
        start_random_numbers(self._seed, get_rank(), self.iter)
        torch.manual_seed(torch.initial_seed())  # the GPUs' as well
        super().run_iter(self._first + idx, data_batch)
