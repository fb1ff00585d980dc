"""Stop where numbers are no longer finite."""

import math
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmsgg.engine.checkpoint_fit import check_finite_weights
from mmsgg.evaluation.functional import check_finite
from mmsgg.registry import HOOKS


@HOOKS.register_module()
class FiniteHook(Hook):
    """Stop training and evaluation at values that are infinite or no number.

    - A loss: named with its iteration and the images of the batch. The
      values are those that mmengine's RuntimeInfoHook has just brought to
      the host for the log, so a step costs nothing more. Of several
      processes the one that has the loss stops and the launcher ends the
      others, whose weights are no numbers by then.
    - The weights of a checkpoint about to be written, which are on the host
      already: one reading of them, 0.1 s for VGG16.
    - Boxes and scores of a prediction, for any metric. They are looked at
      where they are: on a GPU that waits once an image, as copying them to
      the host does in the metric.
    """

    priority = 'HIGH'  # after RuntimeInfoHook, before all that logs or saves

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Look at the losses of an iteration.

        Raises:
            ValueError: If one is not finite.
        """
        hub = runner.message_hub
        wrong = [
            name
            for name in outputs or ()
            if 'loss' in name
            and not math.isfinite(hub.get_scalar(f'train/{name}').current())
        ]
        if not wrong:
            return
        terms = [name for name in wrong if name != 'loss'] or wrong
        raise ValueError(
            f'{", ".join(terms)} is not finite in iteration '
            f'{runner.iter + 1} of epoch {runner.epoch + 1}, on the images '
            f'{", ".join(images_of(data_batch)) or "(not named)"}; lower the '
            'learning rate, or look at their annotations. The checkpoints '
            'are from before it'
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Look at the weights of a checkpoint.

        A gradient that is not finite spoils them under a finite loss.

        Raises:
            ValueError: If one is not finite; nothing is written.
        """
        check_finite_weights(checkpoint['state_dict'])

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
        mode: str = 'train',
    ) -> None:
        """Look at the predictions of a batch of validation or test.

        Raises:
            ValueError: On the first image with one that is not finite.
        """
        if mode != 'train':
            for sample in outputs or ():
                if sample is not None:
                    check_finite(sample)


def images_of(data_batch: Any) -> list[str]:
    """Name the images of a batch by their paths, or else by their ids."""
    samples = (
        data_batch.get('data_samples') or ()
        if isinstance(data_batch, dict)
        else ()
    )
    return [
        str(sample.get('img_path') or sample.get('img_id'))
        for sample in samples
    ]
