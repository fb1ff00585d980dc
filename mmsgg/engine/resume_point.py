"""Find the checkpoint that a stopped run goes on from."""

from pathlib import Path
from typing import NamedTuple

from mmsgg.engine.checkpoint_reading import read_checkpoint

#: How many files are read to compare them.
AT_ONCE = 5


class ResumePoint(NamedTuple):
    """Where to go on.

    Args:
        path: The checkpoint, or None where the run wrote none.
        passed_over: Newer files, or such whose age nobody knows, that cannot
            be resumed, each with the reason.
    """

    path: Path | None
    passed_over: list[str]


def newest_checkpoint(
    work_dir: str | Path, trust: bool = False
) -> ResumePoint:
    """The readable checkpoint of a work dir that was trained longest.

    Args:
        work_dir: Folder of a run; it may have been moved since.
        trust: Whether to run code that a checkpoint may hold.

    Returns:
        The checkpoint, and what was passed over for it.

    Raises:
        ValueError: If there are checkpoints and none can be resumed.
    """
    passed_over = []
    paths = _checkpoints(Path(work_dir))
    # times are of no use in a copy, so the first ones are compared
    for group in paths[:AT_ONCE], *([path] for path in paths[AT_ONCE:]):
        ages = {}
        for path in group:
            try:
                ages[path] = _age(read_checkpoint(path, trust=trust))
            except (OSError, ValueError) as error:
                text = str(error)
                named = '' if str(path) in text else f'{path} '
                passed_over.append(f'{named}{text}')
        if ages:
            return ResumePoint(max(ages, key=lambda p: ages[p]), passed_over)
    if passed_over:
        raise ValueError(
            f'No checkpoint in {work_dir} can be resumed: '
            f'{"; ".join(passed_over)}. Put one back, or move them away to '
            'start anew'
        )
    return ResumePoint(None, [])


def _checkpoints(work_dir: Path) -> list[Path]:
    """What a run may have written to go on from, the last one first."""
    folder, last = work_dir, Path()
    pointer = work_dir / 'last_checkpoint'
    if pointer.is_file():
        last = Path(pointer.read_text().strip())
        # it may name a folder of its own (out_dir), or one of the past
        if not (work_dir / last.name).is_file() and last.is_file():
            folder = last.parent
    return sorted(
        (
            path
            for path in folder.glob('*.pth')
            if not path.name.startswith('best_')  # weights alone
        ),
        key=lambda path: (path.name == last.name, path.stat().st_mtime_ns),
        reverse=True,
    )


def _age(checkpoint: dict) -> tuple[int, int]:
    """How far a checkpoint was trained, in steps and epochs."""
    if 'optimizer' not in checkpoint or 'meta' not in checkpoint:
        raise ValueError('holds weights alone')
    return checkpoint['meta']['iter'], checkpoint['meta']['epoch']
