"""Checkpoints that are there whole or not at all, and hold plain data."""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.dist import (
    all_gather_object,
    get_rank,
    get_world_size,
    is_main_process,
)
from mmengine.fileio import LocalBackend, get_file_backend
from mmengine.hooks import CheckpointHook, EMAHook
from mmengine.runner import BaseLoop, Runner

from mmsgg.engine.bare_model import bare_model
from mmsgg.engine.plain_data import history_buffer, plain_data
from mmsgg.engine.whole_file_backend import UNFINISHED, WholeFileBackend
from mmsgg.registry import HOOKS


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's hook, such that a kill at any moment does no harm.

    - A file is written under another name and then takes its place.
    - What is outdated (the best before, the oldest of ``max_keep_ckpts``) is
      deleted once what follows it is written. The checkpoint lists it, so
      that a resumed run deletes what a killed one could not.
    - The checkpoint of an epoch is written before its validation, and again
      after it, with the score in it that a plateau and the best depend on.
    - Everything but weights is plain data, which loads without running code.

    Paths in a checkpoint count in the folder that is written to now, so a
    work dir may be moved.

    Args:
        **kwargs: Of :class:`mmengine.hooks.CheckpointHook`.
    """

    backend_args: dict | None
    outdated: set[str]
    #: Buffers of all processes but the first: those of batch normalization
    #: follow the batches that a process sees.
    _buffers: Sequence[dict[str, torch.Tensor]] = ()
    _written = 0  # steps that the last checkpoint has been trained

    def before_train(self, runner: Runner) -> None:
        """Find the files of the run that goes on, and delete leftovers."""
        folder = self.out_dir or runner.work_dir
        local = isinstance(get_file_backend(folder), LocalBackend)
        if local and not (self.backend_args or self.file_client_args):
            self.backend_args = dict(backend='whole_file')
        super().before_train(runner)
        info = runner.message_hub.runtime_info
        for key in info:
            named = key in ('last_ckpt', 'stopped_at') or 'best_ckpt' in key
            if named and info[key]:
                info[key] = self._here(info[key])
        if runner.iter == 0:  # see ResumeValidationHook
            runner.message_hub.update_info('last_validation', 0)
        self.last_ckpt = info.get('last_ckpt')
        self._written = runner.iter
        self.bests = {
            key: path and self._here(path) for key, path in self.bests.items()
        }
        own = self._buffers[get_rank() - 1 :] if get_rank() > 0 else []
        if own and len(self._buffers) == get_world_size() - 1:
            for name, buffer in bare_model(runner.model).named_buffers():
                buffer.copy_(own[0][name])
        self._buffers = ()
        self.outdated = set()
        start = runner._load_from
        if start is None or self._here(start) == os.path.abspath(start):
            self.outdated = {
                self._here(path) for path in info.get('outdated', ())
            }
        self._delete_outdated(runner)
        if local and is_main_process():
            for folder, name in (
                (self.out_dir, '*.pth'),
                (runner.work_dir, 'last_checkpoint'),
            ):
                for path in Path(folder).glob(name + UNFINISHED):
                    path.unlink(missing_ok=True)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write the best, then the checkpoint again, which knows of it."""
        if not isinstance(runner._train_loop, BaseLoop):
            return  # a validation by itself has nothing to save
        before, last = self.bests, self.last_ckpt
        # mmengine would delete the one and overwrite the other too early
        self.bests, self.last_ckpt = dict.fromkeys(before), None
        runner.message_hub.update_info('last_validation', runner.epoch)
        super().after_val_epoch(runner, metrics or {})
        better = {key for key, path in self.bests.items() if path}
        self.bests = {
            key: path or before[key] for key, path in self.bests.items()
        }
        self.last_ckpt = last
        replaced = {before[key] for key in better} - {*self.bests.values()}
        self.outdated |= {path for path in replaced if path}
        step = runner.epoch if self.by_epoch else runner.iter
        is_last = last == self._here(self.filename_tmpl.format(step))
        if is_last or (better and last is not None):
            meta = dict(epoch=runner.epoch, iter=runner.iter)
            self._save_checkpoint_with_step(runner, step, meta)
        self._delete_outdated(runner)

    def save_within_epoch(self, runner: Runner) -> None:
        """Write a checkpoint after a step, for a run that has to stop.

        The next one takes its place. To be called in all processes, in
        ``after_train_iter``.
        """
        if not self.by_epoch:
            self._save_checkpoint(runner)
            return
        step = runner.iter + 1
        path = self._here(f'iter_{step}.pth')
        runner.message_hub.update_info('stopped_at', path)
        self._write(runner, path, dict(epoch=runner.epoch, iter=step))

    def save_within_validation(self, runner: Runner) -> None:
        """Write what was trained since the last checkpoint, to stop.

        To be called in the first process; where the others are is not known,
        so that their buffers are left out. A resumed run validates anew.
        """
        if self._written == runner.iter or not is_main_process():
            return
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):  # the average is in the model
                hook._swap_ema_parameters()
        path = self._here(f'iter_{runner.iter}.pth')
        runner.message_hub.update_info('stopped_at', path)
        meta = dict(epoch=runner.epoch, iter=runner.iter)
        self._write(runner, path, meta, with_buffers=False)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep to plain data, and add what the other processes have."""
        if self._buffers:
            checkpoint['process_buffers'] = self._buffers
        for key in checkpoint:
            if not key.endswith('state_dict'):  # tensors, and their versions
                checkpoint[key] = plain_data(checkpoint[key])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Make buffers of the scalars in the log history."""
        if runner._resume:
            self._buffers = checkpoint.get('process_buffers', ())
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for key, value in scalars.items():
            if isinstance(value, dict):
                scalars[key] = history_buffer(value)

    @property
    def bests(self) -> dict[str, str | None]:
        """The file of the best of each score, None before there is one."""
        if not self.save_best:
            return {}
        if len(self.key_indicators) > 1:
            return dict(self.best_ckpt_path_dict)
        # 'auto' becomes the name of a score later
        return {'': self.best_ckpt_path}

    @bests.setter
    def bests(self, paths: dict[str, str | None]) -> None:
        if len(paths) > 1:
            self.best_ckpt_path_dict = paths
        elif paths:
            [self.best_ckpt_path] = paths.values()

    def _here(self, path: str) -> str:
        """Where a file of that name is, or would be, in this work dir."""
        return self.file_backend.join_path(
            self.out_dir, os.path.basename(path)
        )

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict
    ) -> None:
        """Write a checkpoint; delete what it makes outdated after that."""
        hub = runner.message_hub
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                oldest = self.filename_tmpl.format(self.keep_ckpt_ids[0])
                self.outdated.add(self._here(oldest))
            self.keep_ckpt_ids.append(step)  # of a fixed length
            hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        if hub.runtime_info.get('stopped_at'):
            self.outdated.add(hub.get_info('stopped_at'))
            hub.update_info('stopped_at', None)
        path = self._here(self.filename_tmpl.format(step))
        self._write(runner, path, meta)
        self._delete_outdated(runner)

    def _write(
        self, runner: Runner, path: str, meta: dict, with_buffers: bool = True
    ) -> None:
        """Write a checkpoint, then what names it as the last one."""
        self.last_ckpt = path
        self._written = meta['iter']
        runner.message_hub.update_info('last_ckpt', path)
        runner.message_hub.update_info('outdated', sorted(self.outdated))
        if with_buffers:
            model = bare_model(runner.model)
            self._buffers = all_gather_object(
                {name: buffer.cpu() for name, buffer in model.named_buffers()}
            )[1:]
        runner.save_checkpoint(
            self.out_dir,
            os.path.basename(path),
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        self._buffers = ()
        if is_main_process():
            pointer = Path(runner.work_dir, 'last_checkpoint')
            WholeFileBackend().put(path.encode(), pointer)

    def _delete_outdated(self, runner: Runner) -> None:
        """Delete what later files have taken the place of."""
        for path in sorted(self.outdated) if is_main_process() else ():
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)
                runner.logger.info(f'Removed {path}, which is outdated')
        self.outdated = set()
