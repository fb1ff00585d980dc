"""When a resumed epoch is validated; see also test_resume_point.py."""

from types import SimpleNamespace

import pytest

from mmsgg.engine.hooks import ResumeValidationHook


def validates(epoch, known=None, seen=(), interval=1, begin=1):
    """Whether a run of 5 epochs, resumed at one, validates first.

    Args:
        epoch: Epochs that are trained.
        known: The epoch that was validated last, None in old checkpoints.
        seen: How many scores each plateau was told.
        interval: Epochs from one validation to the next.
        begin: The first epoch that is validated.
    """
    runs = []
    runner = SimpleNamespace(
        epoch=epoch,
        train_loop=SimpleNamespace(
            val_begin=begin,
            val_interval=interval,
            max_epochs=5,
            _decide_current_val_interval=lambda: None,
        ),
        val_loop=SimpleNamespace(run=lambda: runs.append(epoch)),
        message_hub=SimpleNamespace(
            runtime_info={} if known is None else dict(last_validation=known)
        ),
        param_schedulers=[
            SimpleNamespace(last_step=number - 1, need_val_args=True)
            for number in seen
        ],
        logger=SimpleNamespace(info=lambda text: None),
    )
    ResumeValidationHook().before_train(runner)
    return runs == [epoch]


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (dict(epoch=2, known=1), True),
        (dict(epoch=2, known=2), False),
        (dict(epoch=0, known=0), False),
        (dict(epoch=3, known=2, interval=2), False),
        (dict(epoch=4, known=2, interval=2), True),
        (dict(epoch=5, known=4, interval=2), True),  # the last one always
        (dict(epoch=1, known=0, begin=2), False),
        # of an earlier version: by what its plateaus have seen
        (dict(epoch=2, seen=[2, 1]), True),
        (dict(epoch=2, seen=[2, 2]), False),
        (dict(epoch=2), False),
    ],
)
def test_an_epoch_without_its_score_is_validated(arguments, expected):
    assert validates(**arguments) == expected
