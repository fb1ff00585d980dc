"""demo/scene_graph_demo.ipynb runs from top to bottom."""

from pathlib import Path

import pytest

from ..toy_model import CONFIG

nbclient = pytest.importorskip('nbclient', reason='nbclient is missing')
pytest.importorskip('ipykernel', reason='ipykernel is missing')
nbformat = pytest.importorskip('nbformat', reason='nbformat is missing')

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / 'demo' / 'scene_graph_demo.ipynb'


def test_it_is_committed_without_outputs():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get('outputs')
        assert cell.get('execution_count') is None


def test_it_runs(checkpoint, folder, tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', '')  # no program beside Python
    monkeypatch.setenv('PYTHONPATH', str(ROOT))
    monkeypatch.setenv('MMSGG_CONFIG', str(CONFIG))
    monkeypatch.setenv('MMSGG_CHECKPOINT', str(checkpoint))
    monkeypatch.setenv('MMSGG_IMAGES', str(folder))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name='python3',
        resources=dict(metadata=dict(path=str(tmp_path))),
    ).execute()
    outputs = [
        output
        for cell in notebook.cells
        if cell.cell_type == 'code'
        for output in cell.outputs
    ]
    shown = [output for output in outputs if 'data' in output]
    pictures = [output for output in shown if 'image/png' in output.data]
    assert len(pictures) == 2  # the image with its boxes, and the graph
    texts = [output.get('text', '') for output in outputs]
    assert any('relations' in text for text in texts)
    names = {path.suffix for path in tmp_path.glob('outputs/*/*')}
    assert names == {'.jpg', '.json', '.graphml'}
