"""download_dataset.py, against a server that breaks off on purpose."""

import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from ..folders import ROOT
from ..scripts import load_tool

TOOL = load_tool('misc/download_dataset')
FILES = load_tool('misc/fetch_files')
CONTENT = bytes(range(256)) * 8000


class Server(ThreadingHTTPServer):
    """Sends ``files``; the first ``breaks`` answers end half-way."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.files = {'/a.bin': CONTENT}
        self.breaks = 0
        self.ranges = True
        self.etag = '"one"'
        self.seen = []


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        wanted = self.headers.get('Range')
        server.seen.append((self.path, wanted))
        if self.path not in server.files:
            self.send_error(404)
            return
        data, status = server.files[self.path], 200
        same = self.headers.get('If-Range') == server.etag
        if wanted and server.ranges and same:
            start = int(wanted.removeprefix('bytes=').rstrip('-'))
            if start >= len(data):
                self.send_response(416)
                self.send_header('Content-Range', f'bytes */{len(data)}')
                self.end_headers()
                return
            data, status = data[start:], 206
        self.send_response(status)
        self.send_header('Content-Length', str(len(data)))
        self.send_header('ETag', server.etag)
        self.end_headers()
        if server.breaks:
            server.breaks -= 1
            data = data[: len(data) // 2]
        self.wfile.write(data)


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def address(server, path='/a.bin'):
    return f'http://127.0.0.1:{server.server_port}{path}'


def fetch(server, target, **kwargs):
    FILES.fetch(address(server), target, pause=0, **kwargs)


def test_a_broken_connection_goes_on(server, tmp_path):
    server.breaks = 3
    digest = hashlib.sha256(CONTENT).hexdigest()
    target = tmp_path / 'new' / 'a.bin'
    fetch(server, target, size=len(CONTENT), sha256=digest)
    assert target.read_bytes() == CONTENT
    half, size = len(CONTENT) // 2, len(CONTENT)
    assert [wanted for _, wanted in server.seen] == [
        None,
        f'bytes={half}-',
        f'bytes={half + half // 2}-',
        f'bytes={size - size // 8}-',
    ]
    assert [path.name for path in target.parent.iterdir()] == ['a.bin']
    # what is there whole is not fetched again
    fetch(server, target, sha256=digest[:8])
    assert len(server.seen) == 4


def test_it_goes_on_in_another_run(server, tmp_path):
    target = tmp_path / 'a.bin'
    server.breaks = 1
    with pytest.raises(FILES.FetchError, match='same command again to go on'):
        fetch(server, target, attempts=0)
    assert not target.exists()
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert server.seen[-1][1] == f'bytes={len(CONTENT) // 2}-'


def test_what_came_whole_is_not_fetched_again(server, tmp_path):
    (tmp_path / 'a.bin.part').write_bytes(CONTENT)
    (tmp_path / 'a.bin.part.etag').write_text('"one"')
    fetch(server, tmp_path / 'a.bin')
    assert server.seen == [('/a.bin', f'bytes={len(CONTENT)}-')]
    assert [path.name for path in tmp_path.iterdir()] == ['a.bin']


@pytest.mark.parametrize('change', ['etag', 'ranges', 'longer'])
def test_another_file_starts_anew(server, tmp_path, change):
    part = tmp_path / 'a.bin.part'
    part.write_bytes(b'x' * (9 if change != 'longer' else len(CONTENT) + 1))
    (tmp_path / 'a.bin.part.etag').write_text('"one"')
    if change == 'etag':
        server.etag = '"two"'
    server.ranges = change != 'ranges'
    fetch(server, tmp_path / 'a.bin')
    assert (tmp_path / 'a.bin').read_bytes() == CONTENT


def test_a_part_of_which_nothing_is_known_starts_anew(server, tmp_path):
    (tmp_path / 'a.bin.part').write_bytes(b'x' * 9)
    fetch(server, tmp_path / 'a.bin')
    assert (tmp_path / 'a.bin').read_bytes() == CONTENT


def test_a_wrong_file_is_removed(server, tmp_path):
    target = tmp_path / 'a.bin'
    with pytest.raises(FILES.FetchError, match=r'SHA-256 .* instead of 00ff'):
        fetch(server, target, sha256='00ff')
    with pytest.raises(FILES.FetchError, match='bytes instead of 7'):
        fetch(server, target, size=7)
    assert not target.exists() and not (tmp_path / 'a.bin.part').exists()
    target.write_bytes(b'an error page')
    with pytest.raises(FILES.FetchError, match='was removed'):
        fetch(server, target, size=len(CONTENT))
    fetch(server, target, size=len(CONTENT))


def test_what_cannot_be_had(server, tmp_path):
    with pytest.raises(FILES.FetchError, match=r'404.*page of the data set'):
        FILES.fetch(address(server, '/b.bin'), tmp_path / 'b.bin', pause=0)
    with pytest.raises(FILES.FetchError, match='no http'):
        FILES.fetch('file:///etc/passwd', tmp_path / 'b.bin')
    assert len(server.seen) == 1


def test_full_disk(server, tmp_path, monkeypatch):
    (tmp_path / 'a.bin.part').symlink_to('/dev/full')
    with pytest.raises(FILES.FetchError, match=r'disk is full.*goes on'):
        fetch(server, tmp_path / 'a.bin')
    (tmp_path / 'a.bin.part').unlink()
    usage = FILES.shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(FILES.shutil, 'disk_usage', lambda _: usage)
    with pytest.raises(FILES.FetchError, match='100 are free'):
        fetch(server, tmp_path / 'a.bin')
    (tmp_path / 'a.zip').write_bytes(zipped({'a.txt': b'x' * 101}))
    with pytest.raises(FILES.FetchError, match='101 bytes unpacked, and 100'):
        FILES.unpack(tmp_path / 'a.zip', tmp_path / 'out')


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, 'w') as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize('name', ['../out.txt', '/tmp/out.txt', 'a/../../b'])
def test_nothing_leaves_the_folder(tmp_path, name):
    path = tmp_path / 'a.zip'
    path.write_bytes(zipped({'good.txt': b'1', name: b'2'}))
    with pytest.raises(FILES.FetchError, match='leads out'):
        FILES.unpack(path, tmp_path / 'inside')
    assert list((tmp_path / 'inside').iterdir()) == []
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(FILES.FetchError, match='no whole zip'):
        FILES.unpack(path, tmp_path / 'inside')


def test_a_data_set(server, tmp_path, monkeypatch, capsys):
    inner = zipped({'masks/1.png': b'png'})
    server.files |= {
        '/images.zip': zipped({'images/1.jpg': b'jpg'}),
        '/masks.zip': zipped({'annotations/inner.zip': inner}),
    }
    images, masks = (
        dict(url=address(server, path), unpack=True)
        for path in ('/images.zip', '/masks.zip')
    )
    digest = hashlib.sha256(CONTENT).hexdigest()
    entry = dict(
        data_root=str(tmp_path / 'data'),
        config='configs/psg/sgcls.py',
        files=[
            dict(url=address(server), sha256=digest),
            images | dict(images=True),
            masks | dict(inner=['annotations/inner.zip']),
        ],
        by_hand=[dict(file='key.json', page='https://a.org', why='a licence')],
    )  # fmt: skip
    index = tmp_path / 'index.yml'
    index.write_text(yaml.safe_dump(dict(made=entry)))
    argv = ['--index', str(index), '--dataset']
    assert TOOL.main([*argv, 'none']) == 2
    assert 'none of made' in capsys.readouterr().err
    assert TOOL.main([*argv, 'made', '--no-images', '--delete']) == 1
    out = capsys.readouterr().out
    assert 'key.json is to be fetched by hand, from https://a.org' in out
    data = tmp_path / 'data'
    assert (data / 'masks' / '1.png').read_bytes() == b'png'
    assert not (data / 'masks.zip').exists()
    assert not (data / 'images').exists()
    (data / 'key.json').write_text('{}')
    calls = []
    monkeypatch.setattr(
        TOOL.subprocess,
        'run',
        lambda command, **_: calls.append(command) or server,
    )
    server.returncode = 0
    assert TOOL.main([*argv, 'made']) == 0
    assert (data / 'images' / '1.jpg').read_bytes() == b'jpg'
    assert f'test_dataloader.dataset.data_root={data}' in calls[0]
    assert 'unpacked before' in capsys.readouterr().out
    server.files.clear()
    entry['files'].append(dict(url=address(server, '/gone')))
    index.write_text(yaml.safe_dump(dict(made=entry)))
    assert TOOL.main([*argv, 'made']) == 1
    assert '404' in capsys.readouterr().err


def test_the_index():
    index = yaml.safe_load((ROOT / 'dataset-index.yml').read_text())
    assert {'vg150', 'psg', 'open_images', 'glove', 'vgg16'} <= index.keys()
    for entry in index.values():
        assert entry['files'] if 'by_hand' not in entry else True
        if 'config' in entry:
            assert (ROOT / entry['config']).is_file()
        for file in entry.get('files', ()):
            assert file['url'].startswith('http')
            assert file.keys() <= {
                'url', 'size', 'sha256', 'images', 'unpack', 'inner'
            }  # fmt: skip
            assert isinstance(file.get('sha256', ''), str)
    assert all(
        page.keys() == {'file', 'page', 'why'}
        for entry in index.values()
        for page in entry.get('by_hand', ())
    )
