"""Fetch files over HTTP so that a broken download goes on, and unpack them."""

import errno
import hashlib
import shutil
import sys
import time
import zipfile
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from mmengine.utils import ProgressBar

MEGABYTE = 1_000_000
#: What a server says of a Range that it has not.
RANGE_REFUSED = 416
#: Bytes read in one go.
CHUNK = 1 << 16
#: Seconds that a server may be silent.
TIMEOUT = 60


class FetchError(RuntimeError):
    """A file that could not be had, with what to do."""


def fetch(
    url: str,
    path: Path,
    size: int | None = None,
    sha256: str | None = None,
    attempts: int = 5,
    pause: float = 2.0,
) -> None:
    """Download a file, unless it is there whole.

    What has come is in ``<path>.part``, from where the next attempt goes on
    where the server still has the same file (HTTP Range and If-Range).

    Args:
        url: Its address, http or https.
        path: Where to put it.
        size: Bytes it must have; None where nobody knows.
        sha256: Its digest, or the first digits of it; None likewise.
        attempts: How often to go on where nothing came any more.
        pause: Seconds before the next of these.

    Raises:
        FetchError: If it cannot be had, or is not what was promised.
    """
    if urlsplit(url).scheme not in ('http', 'https'):
        raise FetchError(f'{url} is no http or https address')
    if path.is_file():
        _check(path, url, size, sha256)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.part')
    left = attempts
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _append(url, part, size)
            break
        # a connection that ends early, times out or is refused
        except (HTTPException, OSError) as error:
            _refuse_final(error, url)
            if isinstance(error, HTTPError) and error.code == RANGE_REFUSED:
                if error.headers.get('Content-Range') == f'bytes */{before}':
                    break  # whole: the last run ended before its check
                part.unlink(missing_ok=True)  # longer than the file
            _refuse_full_disk(error, part)
            came = part.stat().st_size if part.exists() else 0
            # as long as something comes, go on
            left = attempts if came > before else left - 1
            if not left:
                raise FetchError(
                    f'{url}: {error}; {came} bytes are in {part}: run the '
                    'same command again to go on'
                ) from error
            time.sleep(pause)
    _check(part, url, size, sha256)
    part.rename(path)
    _etag_of(part).unlink(missing_ok=True)


def _refuse_final(error: Exception, url: str) -> None:
    """Raise what the next attempt would not change."""
    if (
        isinstance(error, HTTPError)
        and error.code < 500
        and error.code != RANGE_REFUSED
    ):
        raise FetchError(
            f'{url}: the server says {error.code} {error.reason}; look up the '
            'address on the page of the data set (docs/datasets.md)'
        ) from error


def _append(url: str, part: Path, size: int | None) -> None:
    """Fetch what is missing of a file."""
    etag = _etag_of(part)
    start = part.stat().st_size if part.exists() else 0
    headers = {'User-Agent': 'mmsgg'}
    if start and etag.exists():
        headers |= {'Range': f'bytes={start}-', 'If-Range': etag.read_text()}
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as answer:
        # 200 is the whole file: another one, or a server without ranges
        goes_on = answer.status == 206
        start = start if goes_on else 0
        length = answer.headers.get('Content-Length')
        total = start + int(length) if length else size
        _refuse_small_disk(part, total, start)
        mark = answer.headers.get('ETag') or answer.headers.get(
            'Last-Modified', ''
        )
        if mark and not mark.startswith('W/'):
            etag.write_text(mark)
        else:
            etag.unlink(missing_ok=True)
        bar = ProgressBar((total or 0) // MEGABYTE, file=sys.stderr)
        with part.open('ab' if goes_on else 'wb') as file:
            done = start
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                steps = (done + len(chunk)) // MEGABYTE - done // MEGABYTE
                done += len(chunk)
                if steps:
                    bar.update(steps)
        print(file=sys.stderr)  # the bar leaves its line open
    if total is not None and done < total:
        raise ConnectionError(f'the connection ended after {done} bytes')


def _etag_of(part: Path) -> Path:
    return part.with_name(f'{part.name}.etag')


def _refuse_small_disk(part: Path, total: int | None, start: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - start > free:
        raise FetchError(
            f'{part}: {total - start} bytes are to come, and {free} are free '
            'on the disk; free some, or pass another --data-root'
        )


def _refuse_full_disk(error: Exception, part: Path) -> None:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        raise FetchError(
            f'{part}: the disk is full; free some and run the same command '
            'again, which goes on from what has come'
        ) from error


def _check(path: Path, url: str, size: int | None, sha256: str | None) -> None:
    """Remove a file that is not what was promised, and say so."""
    found = path.stat().st_size
    what = ''
    if size is not None and found != size:
        what = f'{found} bytes instead of {size}'
    elif sha256 and not (digest := sha256_of(path)).startswith(sha256):
        what = f'SHA-256 {digest} instead of {sha256}'
    if what:
        path.unlink()
        raise FetchError(
            f'{url} came with {what} and was removed; run the same command '
            'again, and if that repeats, the file on the server is another'
        )


def sha256_of(path: Path) -> str:
    """Return the digest of a file in hexadecimal digits."""
    with path.open('rb') as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip file; all of it, or nothing that leaves the folder.

    Args:
        archive: The file.
        folder: Made if it is not there.

    Raises:
        FetchError: If it is broken, leads out of the folder, or the disk has
            no room for what is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = zipped.infolist()
            for member in members:
                if not (root / member.filename).resolve().is_relative_to(root):
                    raise FetchError(
                        f'{archive} has {member.filename!r}, which leads out '
                        f'of {folder}; nothing was unpacked'
                    )
            need = sum(member.file_size for member in members)
            if need > (free := shutil.disk_usage(folder).free):
                raise FetchError(
                    f'{archive} needs {need} bytes unpacked, and {free} are '
                    'free on the disk; free some, or pass another --data-root'
                )
            bar = ProgressBar(len(members), file=sys.stderr)
            for member in members:
                zipped.extract(member, root)
                bar.update()
            print(file=sys.stderr)
    except zipfile.BadZipFile as error:
        raise FetchError(
            f'{archive} is no whole zip file ({error}); remove it and run the '
            'same command again'
        ) from error
    except OSError as error:
        _refuse_full_disk(error, archive)
        raise
