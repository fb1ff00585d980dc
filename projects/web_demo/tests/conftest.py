"""One server and one browser for the tests of the page."""

import os
import shutil
import threading

import pytest

from fake_inferencer import CLASSES, FakeInferencer, write_images
from tests.conftest import default_scope  # noqa: F401
from web_page import (
    Predictor,
    UploadLimits,
    list_examples,
    make_app,
    make_server,
)

CHROMIUM = os.environ.get('CHROMIUM') or next(
    filter(None, map(shutil.which, ('chromium', 'chromium-browser'))), None
)
OPTIONS = (
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--use-fake-device-for-media-stream',  # a camera
)


@pytest.fixture(scope='module')
def fake():
    return FakeInferencer()


@pytest.fixture(scope='module')
def address(fake, tmp_path_factory):
    """Where the page is served."""
    folder = tmp_path_factory.mktemp('examples')
    write_images(folder)
    app = make_app(
        Predictor(fake, CLASSES, 'sgdet', 'a fake'),
        list_examples(folder),
        UploadLimits(max_bytes=200_000, max_pixels=1_000_000),
    )
    server = make_server(app, '127.0.0.1', 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


@pytest.fixture(scope='module')
def browser():
    if CHROMIUM is None:
        pytest.skip('no Chromium: apt install chromium, or CHROMIUM=PATH')
    playwright = pytest.importorskip('playwright.sync_api')
    playwright.expect.set_options(timeout=30_000)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=list(OPTIONS)
        )
        yield browser.new_context(viewport=dict(width=1400, height=900))
        browser.close()


@pytest.fixture
def tab(browser, address, fake):
    """The page, just opened; it must end without an error in its console."""
    fake.calls.clear()
    fake.error = None
    tab = browser.new_page()
    tab.set_default_timeout(60_000)
    errors, requests = [], []
    tab.on(
        'console',
        lambda message: (
            message.type == 'error' and errors.append(message.text)
        ),
    )
    tab.on('pageerror', lambda error: errors.append(str(error)))
    tab.on('request', lambda request: requests.append(request.url))
    tab.goto(address)
    tab.wait_for_selector('#graph-view canvas')
    tab.wait_for_selector('#image-view .nsewdrag', state='attached')
    yield tab
    tab.close()
    assert errors == []
    away = [url for url in requests if not url.startswith((address, 'data:'))]
    assert away == []
