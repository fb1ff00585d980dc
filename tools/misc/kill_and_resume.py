"""Kill small trainings at random moments, resume them, and compare.

Each training is one of seconds (kill_and_resume_config.py), killed again and
again until it ends. Its losses, rates, scores and best checkpoint have to be
those of a training that nobody killed, to the bit. A third of the kills each:

- SIGKILL at a random moment,
- SIGKILL while a checkpoint is written,
- SIGTERM at a random moment, as batch systems send it.

With several processes the launcher is what is killed; its workers have to
end, too. The command prints a table, and fails where a number is not right.

Example:
    python tools/misc/kill_and_resume.py --processes 1 2 --kills 20
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch

from mmsgg.engine import read_checkpoint
from mmsgg.engine.whole_file_backend import UNFINISHED
from mmsgg.testing import write_toy_vg

HERE = Path(__file__).parent
CONFIG = HERE / 'kill_and_resume_config.py'
KINDS = ('SIGKILL', 'SIGKILL in a write', 'SIGTERM')
#: Seconds after which something hangs.
TIMEOUT = 300

Values = dict[tuple, set]


def start(work_dir: Path, data: Path, processes: int) -> subprocess.Popen:
    """Start a training, or go on with it, in a session of its own."""
    command = [sys.executable, HERE.parent / 'train.py', CONFIG]
    if processes > 1:
        command = [HERE.parent / 'dist_train.sh', CONFIG, str(processes)]
    root = 'dataset.data_root'
    command += [
        *('--resume', '--work-dir', work_dir, '--cfg-options'),
        *(f'{part}_dataloader.{root}={data}' for part in ('train', 'val')),
        'randomness.seed=0',
    ]
    with (work_dir / 'output.txt').open('ab') as output:
        return subprocess.Popen(
            [str(word) for word in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | dict(PYTHON=sys.executable),
        )


def logs(work_dir: Path) -> list[Path]:
    return list(work_dir.glob('*/vis_data/scalars.json'))


def is_writing(work_dir: Path) -> bool:
    return any(name.endswith(UNFINISHED) for name in os.listdir(work_dir))


def moment(
    process: subprocess.Popen, kind: str, work_dir: Path, duration: float
) -> None:
    """Wait for the moment of the kill, or for the end of the process."""
    old = len(logs(work_dir))
    deadline = time.monotonic() + TIMEOUT

    def goes_on() -> bool:
        assert time.monotonic() < deadline, f'{work_dir} hangs'
        return process.poll() is None

    while goes_on() and len(logs(work_dir)) == old:
        time.sleep(0.02)
    if kind != 'SIGKILL in a write':
        end = time.monotonic() + random.uniform(0, duration)
        while goes_on() and time.monotonic() < end:
            time.sleep(0.01)
        return
    writes = random.randint(1, 4)
    while goes_on():
        if is_writing(work_dir):
            writes -= 1
            if writes == 0:
                return
            while goes_on() and is_writing(work_dir):
                pass


def members(session: int) -> Iterator[int]:
    """The processes of a session that are at work."""
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = stat.read_text().rpartition(')')[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == session and fields[0] != 'Z':
            yield int(stat.parent.name)


def kill(process: subprocess.Popen, kind: str) -> int:
    """Kill a training; how many of its processes outlive it by 20 seconds."""
    number = signal.SIGTERM if kind == 'SIGTERM' else signal.SIGKILL
    process.send_signal(number)
    process.wait(TIMEOUT)
    end = time.monotonic() + 20
    while (left := [*members(process.pid)]) and time.monotonic() < end:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return len(left)


def values(work_dir: Path) -> Values:
    """Losses, rates and scores of a run, all that were logged of each."""
    found = defaultdict(set)
    for path in logs(work_dir):
        for line in path.read_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # the kill cut it off
                continue
            step = entry.get('iter', entry['step'])
            if 'loss' in entry:
                found['loss', step].add(entry['loss'])
                found['lr', step].add(entry['lr'])
            else:
                scores = {k: v for k, v in entry.items() if 'R@' in k}
                found['recall', step].add(tuple(scores.items()))
    return found


def weights(work_dir: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The weights of the best and of the last checkpoints, by file."""
    return {
        path.name: read_checkpoint(path)['state_dict']
        for path in work_dir.glob('*.pth')
    }


def differences(work_dir: Path, whole: Path) -> Counter:
    """What of a run is not as in the one that nobody killed."""
    found, expected = values(work_dir), values(whole)
    wrong: Counter = Counter()
    for key in found.keys() | expected.keys():
        wrong[key[0]] += found.get(key) != expected.get(key)
    files, expected_files = weights(work_dir), weights(whole)
    if files.keys() != expected_files.keys():
        wrong['files'] = len(files.keys() ^ expected_files.keys())
    for name in files.keys() & expected_files.keys():
        wrong['weights'] += any(
            not torch.equal(files[name][key], value)
            for key, value in expected_files[name].items()
        )
    return wrong


def kill_runs(
    folder: Path, data: Path, processes: int, num_kills: int
) -> Counter:
    """Kill trainings that many times, and count how it went."""
    whole = folder / 'whole'
    whole.mkdir(parents=True)
    began = time.time()
    assert start(whole, data, processes).wait(TIMEOUT) == 0, whole
    first = min(path.parent.stat().st_ctime for path in logs(whole))
    duration = time.time() - max(began, first)
    count = Counter(processes=processes)
    kinds = [KINDS[i % len(KINDS)] for i in range(num_kills)]
    random.shuffle(kinds)
    while kinds:
        work_dir = folder / f'run_{count["runs"]}'
        work_dir.mkdir()
        while True:
            process = start(work_dir, data, processes)
            if kinds:
                moment(process, kinds[-1], work_dir, duration)
            ended = process.poll() if kinds else process.wait(TIMEOUT)
            if ended is not None:
                assert ended == 0, f'{work_dir} ended with {ended}'
                break
            kind = kinds.pop()
            count['left'] += kill(process, kind)
            count['cut_off'] += is_writing(work_dir)
            count[kind] += 1
            print(processes, kind, work_dir.name, flush=True)
        count['runs'] += 1
        count['values'] += len(values(work_dir))
        count.update(differences(work_dir, whole))
        shutil.rmtree(work_dir)
    return count


#: What is printed, by its name in the count.
COLUMNS = dict(
    processes='processes',
    **{kind: kind for kind in KINDS},
    cut_off='files cut off',
    left='processes left behind',
    loss='losses that differ',
    lr='rates',
    recall='scores',
    files='files',
    weights='weights',
    values='values compared',
)


def main() -> None:
    """Kill, resume, compare, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        '--processes',
        type=int,
        nargs='+',
        default=[1, 2],
        help='that train together',
    )
    parser.add_argument(
        '--kills', type=int, default=20, help='at random moments'
    )
    parser.add_argument('--seed', type=int, default=0, help='of these moments')
    args = parser.parse_args()
    random.seed(args.seed)
    folder = Path(tempfile.mkdtemp(prefix='kill_and_resume_'))
    write_toy_vg(folder, num_train=80, num_test=4, progress=False)
    rows = [
        kill_runs(folder / str(n), folder, n, args.kills)
        for n in args.processes
    ]
    print(f'| {" | ".join(COLUMNS.values())} |\n|{"---|" * len(COLUMNS)}')
    for row in rows:
        print(f'| {" | ".join(str(row[name]) for name in COLUMNS)} |')
    shutil.rmtree(folder)
    wrong = ('left', 'loss', 'lr', 'recall', 'files', 'weights')
    if any(row[name] for row in rows for name in wrong):
        raise SystemExit('a run differs from the one that nobody killed')


if __name__ == '__main__':
    main()
