"""Say what of a checkpoint does not fit the model."""

import logging

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner

from mmsgg.registry import HOOKS


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Name the layers whose shape in a checkpoint is another one.

    mmengine leaves such layers out when it loads. For training that is how a
    detector with other classes (mmdet's of COCO) serves as a start; a test
    with layers left random means nothing and is refused.
    """

    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint with the model, before it takes effect.

        Raises:
            ValueError: If layers do not fit in a test.
        """
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        weights = dict(checkpoint.get('state_dict', checkpoint))
        if hasattr(model, 'rename_weights'):
            model.rename_weights(weights)
        misfits = [
            f'{name} {tuple(weights[name].shape)}, here {tuple(value.shape)}'
            for name, value in model.state_dict().items()
            if name in weights and weights[name].shape != value.shape
        ]
        if not misfits:
            return
        layers = '; '.join(misfits)
        if isinstance(runner._test_loop, BaseLoop):
            raise ValueError(
                f'The checkpoint does not fit the model of the config: '
                f'{layers}. Test it with the config it was trained with'
            )
        print_log(
            f'Layers of the checkpoint left out, since they have another '
            f'shape here: {layers}. They start anew',
            logger='current',
            level=logging.WARNING,
        )
