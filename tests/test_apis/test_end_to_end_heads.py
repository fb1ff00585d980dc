"""Graphs of heads that find objects and relations in one go."""

import pytest
import torch

from mmsgg.apis import SGGInferencer
from mmsgg.evaluation import read_scene_graphs

from ..toy_model import write_checkpoint


@pytest.fixture(scope='module', params=['egtr_sgdet', 'reltr_sgdet'])
def inferencer(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    path = write_checkpoint(folder / 'toy.pth', name=request.param)
    return SGGInferencer(weights=path, device='cpu', show_progress=False)


def test_graphs_pictures_and_exports(inferencer, images, tmp_path):
    result = inferencer(
        images, out_dir=tmp_path, export=('json', 'graphml', 'dot', 'txt'),
        topk=5, return_vis=True, batch_size=2,
    )  # fmt: skip
    endings = {path.suffix for path in tmp_path.rglob('*') if path.is_file()}
    assert endings == {'.json', '.graphml', '.dot', '.txt', '.jpg'}
    assert all(picture.ndim == 3 for picture in result['visualization'])
    for image, graph in zip(images, result['predictions'], strict=True):
        assert len(graph['triplets']) == 5
        scores = [item['score'] for item in graph['triplets']]
        assert scores == sorted(scores, reverse=True)
        [alone] = inferencer(image, topk=5)['predictions']
        assert [item['name'] for item in alone['triplets']] == (
            [item['name'] for item in graph['triplets']]
        )
    files = sorted(tmp_path.rglob('*.json'))
    assert read_scene_graphs(files[0])[0]['triplets']


def test_given_boxes_are_refused(inferencer, images):
    boxes = torch.tensor([[10.0, 10.0, 50.0, 50.0]])
    with pytest.raises(ValueError, match='given box has no query'):
        inferencer(images[0], boxes=boxes)
