"""Detections of other packages, by stand-ins that have their attributes."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmsgg.apis.detections import (
    from_detections,
    from_supervision,
    from_ultralytics,
)

BOXES = [[1.0, 2.0, 30.0, 20.0], [5.0, 6.0, 7.5, 8.0]]
GIVEN = dict(boxes=BOXES, labels=['cat', 'hat'], scores=[0.75, 0.25])
CVAT = """<annotations>
  <meta><task><labels>
    <label><name>hat</name></label><label><name>cat</name></label>
  </labels></task></meta>
  <image id="0" name="yard/a.png" width="40" height="30">
    <box label="cat" xtl="1" ytl="2" xbr="30" ybr="20"></box>
    <box label="hat" xtl="5" ytl="6" xbr="7.5" ybr="8"></box>
  </image>
  <image id="1" name="b.png" width="20" height="10"></image>
</annotations>
"""


def supervision(**changes):
    """As ``supervision.Detections`` of 0.2x: arrays and ``data``."""
    fields = dict(
        xyxy=np.array(BOXES, np.float32),
        class_id=np.array([15, 3]),
        confidence=np.array([0.75, 0.25], np.float32),
        data=dict(class_name=np.array(['cat', 'hat'])),
    )
    return SimpleNamespace(**fields | changes)


def test_supervision():
    assert from_supervision(supervision()) == GIVEN
    names = {3: 'hat', 15: 'cat'}
    assert from_supervision(supervision(data={}), names) == GIVEN
    certain = from_supervision(supervision(confidence=None))
    assert certain == {k: GIVEN[k] for k in ('boxes', 'labels')}
    with pytest.raises(ValueError, match='number their classes; pass names'):
        from_supervision(supervision(data={}))


def test_ultralytics():
    """As ``ultralytics.engine.results.Results``: tensors and ``names``."""
    boxes = SimpleNamespace(
        xyxy=torch.tensor(BOXES),
        cls=torch.tensor([15.0, 3.0]),
        conf=torch.tensor([0.75, 0.25]),
    )
    result = SimpleNamespace(boxes=boxes, names={3: 'hat', 15: 'cat'})
    assert from_ultralytics(result) == GIVEN
    result.names = {3: 'hat'}
    with pytest.raises(ValueError, match='the class 15, which names lack'):
        from_ultralytics(result)


def test_det_inferencer():
    one = dict(bboxes=BOXES, labels=[1, 0], scores=[0.75, 0.25])
    none = dict(bboxes=[], labels=[], scores=[])
    names = ('hat', 'cat')
    both = dict(predictions=[none, one], visualization=[])
    assert from_detections(one, names) == GIVEN
    assert from_detections(dict(predictions=[one]), names) == GIVEN
    assert from_detections(both, names, image=1) == GIVEN
    assert from_detections(both, names, image=0)['boxes'] == []
    best = from_detections(one, names, score_thr=0.75)
    assert best == {key: values[:1] for key, values in GIVEN.items()}
    for image in (None, 2, -1):
        with pytest.raises(ValueError, match='predictions of 2 images; say'):
            from_detections(both, names, image=image)
    with pytest.raises(ValueError, match='class that the 1 names lack'):
        from_detections(one, names[:1])
    with pytest.raises(ValueError, match='has masks, not bboxes'):
        from_detections(dict(predictions=[dict(masks=[])]), names)


def test_coco_results(tmp_path):
    rows = [
        dict(image_id=7, category_id=17, bbox=[1, 2, 29, 18], score=0.75),
        dict(image_id=9, category_id=17, bbox=[0, 0, 9, 9], score=0.5),
        dict(image_id=7, category_id=90, bbox=[5, 6, 2.5, 2], score=0.25),
    ]
    names = {17: 'cat', 90: 'hat'}
    path = tmp_path / 'results.json'
    path.write_text(json.dumps(rows))
    for detections in (rows, path, str(path)):
        assert from_detections(detections, names, image=7) == GIVEN
    assert from_detections(rows[::2], names) == GIVEN
    assert from_detections(rows, names, image=8)['boxes'] == []
    with pytest.raises(ValueError, match='results of 2 images; say by image'):
        from_detections(rows, names)
    with pytest.raises(ValueError, match='ids, which are no places in a list'):
        from_detections(rows, ['cat'] * 91, image=7)
    with pytest.raises(ValueError, match='neither predictions of mmdet nor'):
        from_detections([dict(bbox=[1, 2, 3, 4])], names)


def test_cvat(tmp_path):
    path = tmp_path / 'annotations.xml'
    path.write_text(CVAT)
    certain = {k: GIVEN[k] for k in ('boxes', 'labels')}
    assert from_detections(path, image='a.png') == certain
    assert from_detections(path, image='b.png')['boxes'] == []
    with pytest.raises(ValueError, match=r'2 images; say .* such as a\.png'):
        from_detections(path)
