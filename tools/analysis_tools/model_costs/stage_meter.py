"""Time and memory of the stages that a model goes through."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from process_memory import process_memory

#: A stage lasts until the next one begins: before these modules run, ...
BEGINS_BEFORE = {
    'backbone': 'backbone',
    'rpn_head': 'proposals',
    'roi_head.bbox_roi_extractor': 'detector boxes',
    'bbox_head': 'detector boxes',
    'encoder': 'detector boxes',
    'relation_head': 'object branch',
    'relation_head.features.union_roi_extractor': 'union branch',
    'relation_head.geometric_layout': 'pairs',
    'relation_head.predicate_fc': 'pairs',
    'relation_head.frequency_bias': 'pairs',
}
#: ... or after these did.
BEGINS_AFTER = {'relation_head.features.union_head': 'pairs'}
STAGES = (
    'input',
    'backbone',
    'proposals',
    'detector boxes',
    'object branch',
    'union branch',
    'pairs',
    'backward',
    'optimizer',
)
MB = 2**20


class StageCost(NamedTuple):
    """What a stage took."""

    seconds: float
    peak_mb: float | None  # None where memory cannot be measured


class PeakMemory:
    """The most memory in use since the last reset, in MB.

    On a GPU what torch allocated there, elsewhere what this process holds
    resident, which Linux alone tells.

    Args:
        device: Where the model is.
    """

    _clear_refs = Path('/proc/self/clear_refs')

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.known = device.type == 'cuda' or os.access(
            self._clear_refs, os.W_OK
        )

    def reset(self) -> None:
        """Start again from what is in use now."""
        if self.device.type == 'cuda':
            torch.cuda.reset_peak_memory_stats(self.device)
        elif self.known:
            self._clear_refs.write_text('5')

    def read(self) -> float | None:
        """Read the peak."""
        if self.device.type == 'cuda':
            return torch.cuda.max_memory_allocated(self.device) / MB
        if not self.known:
            return None
        return process_memory('VmHWM')


class StageMeter:
    """Splits a step of a model into stages, by hooks on its modules.

    Args:
        model: A detector, or a model over one, on the device that is
            measured.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.device = next(model.parameters()).device
        self.memory = PeakMemory(self.device)
        self._stage: str | None = None
        self._since = 0.0
        self._costs: dict[str, StageCost] = {}

    def measure(
        self,
        step: Callable[[], object],
        optimizer: torch.optim.Optimizer | None = None,
    ) -> dict[str, StageCost]:
        """Run a step once.

        Args:
            step: Runs the model once.
            optimizer: The one that steps in it, where one does.

        Returns:
            The stages that occurred, in the order of ``STAGES``. Memory is
            that at the worst moment of a stage, of all that lives then.
        """
        self._costs = {}
        with self._hooks(optimizer):
            self._begin('input')
            step()
            self._begin(None)
        return {
            stage: self._costs[stage]
            for stage in STAGES
            if stage in self._costs
        }

    @contextmanager
    def _hooks(
        self, optimizer: torch.optim.Optimizer | None
    ) -> Iterator[None]:
        """Have the stages announced while the context lasts."""
        handles = []
        for names, register in (
            (BEGINS_BEFORE, 'register_forward_pre_hook'),
            (BEGINS_AFTER, 'register_forward_hook'),
        ):
            for name, stage in names.items():
                hook = partial(self._hook, stage)
                handles += [
                    getattr(part, register)(hook) for part in self._parts(name)
                ]
        if optimizer is not None:
            for register, stage in (
                (self.model.register_forward_hook, 'backward'),
                (optimizer.register_step_pre_hook, 'optimizer'),
            ):
                handles.append(register(partial(self._hook, stage)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _parts(self, name: str) -> list[nn.Module]:
        """Find a module; of a list, as cascades have, what is in it."""
        modules = dict(self.model.named_modules())
        module = modules.get(f'detector.{name}', modules.get(name))
        if isinstance(module, nn.ModuleList):
            return list(module)
        return [] if module is None else [module]

    def _hook(self, stage: str, *_: object) -> None:
        self._begin(stage)

    def _begin(self, stage: str | None) -> None:
        """Book what passed on the stage that ends here."""
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)
        now, peak = time.perf_counter(), self.memory.read()
        if self._stage is not None:
            seconds, before = self._costs.get(self._stage, StageCost(0, peak))
            self._costs[self._stage] = StageCost(
                seconds + now - self._since,
                None if peak is None else max(peak, before),
            )
        self._stage = stage
        self.memory.reset()
        self._since = time.perf_counter()
