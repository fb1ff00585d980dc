"""Exports of CVAT and Label Studio, as these tools write them."""

import json

import pytest

from mmsgg.datasets import CVATDataset, LabelStudioDataset

CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id>3</id><mode>annotation</mode><labels>
    <label><name>hat</name><attributes>
      <attribute><name>object</name><input_type>text</input_type></attribute>
      <attribute><name>relations</name><values>{values}</values></attribute>
    </attributes></label>
    <label><name>cat</name></label>
  </labels></task></meta>
  <image id="0" name="yard/a.png" subset="train" width="40" height="30">
    <box label="cat" source="manual" occluded="0" xtl="1.50" ytl="2.00"
         xbr="30.00" ybr="20.00" z_order="0">
      <attribute name="object">1</attribute>
      <attribute name="relations">{relations}</attribute>
    </box>
    <polygon label="cat" points="1,2;3,4;5,6" z_order="0"></polygon>
    <box label="hat" source="manual" occluded="0" xtl="5" ytl="6" xbr="7"
         ybr="8" z_order="0" group_id="4">
      <attribute name="object">a</attribute>
    </box>
    <box label="hat" xtl="0" ytl="0" xbr="9" ybr="9"></box>
  </image>
  <image id="1" name="b.png" width="20" height="10"></image>
</annotations>
"""


def cvat(folder, relations='under: a; on: 1 ;', values='', **kwargs):
    text = CVAT.format(relations=relations, values=values)
    for old, new in kwargs.pop('replace', {}).items():
        assert old in text
        text = text.replace(old, new)
    (folder / 'annotations.xml').write_text(text)
    return CVATDataset(
        data_root=str(folder),
        image_folders=(),
        filter_self_relations=False,
        **kwargs,
    )


def rows(item):
    return [(r['pair'], r['predicate_label']) for r in item['relations']]


def test_cvat(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmsgg.datasets.scene_graph_dataset.print_log',
        lambda line, **_: lines.append(line),
    )
    dataset = cvat(tmp_path)
    assert dataset.metainfo['classes'] == ('hat', 'cat')
    assert dataset.metainfo['predicates'] == ('on', 'under')
    item = dataset[0]
    assert (item['img_id'], item['width'], item['height']) == (0, 40, 30)
    assert item['img_path'].endswith('yard/a.png')
    assert [(i['bbox'], i['bbox_label']) for i in item['instances']] == [
        ([1.5, 2, 30, 20], 1),
        ([5, 6, 7, 8], 0),
        ([0, 0, 9, 9], 0),
    ]
    assert rows(item) == [([0, 1], 1), ([0, 0], 0)]
    assert '1 shapes that are no boxes are not read' in lines[0]
    listed = cvat(tmp_path, values='under\non\nnear')
    assert listed.metainfo['predicates'] == ('under', 'on', 'near')


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (dict(relations='on: 7'), "object '7', which is no box"),
        (dict(relations='on'), "'on' instead of predicate: object"),
        (dict(values='near'), "'under', which is none of the predicates"),
        (dict(replace={'"object">a': '"object">1'}), 'two boxes with'),
        (dict(replace={'group_id="4"': 'rotation="4"'}), 'turned'),
        (dict(replace={'label="hat" xtl': 'label="rat" xtl'}), "'rat'"),
        (dict(replace={'xbr="9"': ''}), "no 'xbr'"),
        (dict(replace={'<annotations>': '<a>'}), 'is not XML'),
        (dict(replace={'<annotations>': '<!DOCTYPE a><annotations>'}), 'type'),
    ],
)
def test_cvat_refusals(tmp_path, options, words):
    with pytest.raises(ValueError, match=words) as caught:
        cvat(tmp_path, **options)
    assert 'annotations.xml' in str(caught.value)


def region(name, label, box, **kwargs):
    keys = ('x', 'y', 'width', 'height')
    value = dict(zip(keys, box, strict=True), rotation=0)
    return dict(
        id=name,
        type='rectanglelabels',
        original_width=200,
        original_height=100,
        value=value | dict(rectanglelabels=[label]) | kwargs,
    )


def relation(start, end, direction, *labels):
    return dict(type='relation', from_id=start, to_id=end,
                direction=direction, labels=[*labels])  # fmt: skip


def small_tasks():
    return [
        dict(
            id=5,
            data=dict(image='/data/upload/2/a%20b.jpg'),
            annotations=[
                dict(was_cancelled=True, result=[]),
                dict(
                    result=[
                        relation('y', 'x', 'right', 'on'),
                        region('x', 'cat', [10, 20, 25, 50]),
                        region('y', 'hat', [0, 0, 100, 100]),
                        relation('x', 'y', 'left', 'in', 'on'),
                        relation('x', 'y', 'bi', 'near'),
                    ]
                ),
            ],
        ),
        dict(
            id=6,
            data=dict(image='s3://b/c.jpg', width=30, height=20),
            annotations=[],
        ),
    ]


def label_studio(folder, tasks, **kwargs):
    (folder / 'export.json').write_text(json.dumps(tasks))
    return LabelStudioDataset(
        ann_file='export.json',
        data_root=str(folder),
        image_folders=(),
        **kwargs,
    )


def test_label_studio(tmp_path):
    dataset = label_studio(tmp_path, small_tasks())
    assert dataset.metainfo['classes'] == ('cat', 'hat')
    assert dataset.metainfo['predicates'] == ('in', 'near', 'on')
    item = dataset[0]
    assert (item['img_id'], item['width'], item['height']) == (5, 200, 100)
    assert [(i['bbox'], i['bbox_label']) for i in item['instances']] == [
        ([20, 20, 70, 70], 0),
        ([0, 0, 200, 100], 1),
    ]
    assert rows(item) == [
        ([1, 0], 2),
        ([1, 0], 0),
        ([1, 0], 2),
        ([0, 1], 1),
        ([1, 0], 1),
    ]
    assert dataset[1]['img_path'].endswith('c.jpg')
    (tmp_path / 'labels.xml').write_text(
        '<View><RectangleLabels name="a" toName="b"><Label value="hat"/>'
        '<Label value="cat"/></RectangleLabels><Relations>'
        '<Relation value="on"/><Relation value="in"/>'
        '<Relation value="near"/></Relations></View>'
    )
    listed = label_studio(tmp_path, small_tasks(), labels_file='labels.xml')
    assert listed.metainfo['classes'] == ('hat', 'cat')
    assert listed.metainfo['predicates'] == ('on', 'in', 'near')


def change_result(k, **changes):
    def change(tasks):
        tasks[0]['annotations'][1]['result'][k].update(changes)

    return change


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (change_result(0, from_id='z'), "region 'z', which is no rectangle"),
        (change_result(0, labels=[]), 'without a label'),
        (change_result(0, direction='up'), "direction 'up'"),
        (
            lambda tasks: tasks[0]['annotations'].append(dict(result=[])),
            '2 annotations',
        ),
        (lambda tasks: tasks[1]['data'].pop('width'), 'no size'),
        (
            lambda tasks: tasks[0]['annotations'][1]['result'][1][
                'value'
            ].update(rotation=10),
            'turned',
        ),
    ],
)
def test_label_studio_refusals(tmp_path, change, words):
    tasks = small_tasks()
    change(tasks)
    with pytest.raises(ValueError, match=words) as caught:
        label_studio(tmp_path, tasks)
    assert 'export.json' in str(caught.value)
    assert len(label_studio(tmp_path, tasks, bad_rows='drop')) == 1


def test_shape_and_label_of_a_region_apart(tmp_path):
    tasks = small_tasks()
    results = tasks[0]['annotations'][1]['result']
    del results[1]['value']['rectanglelabels']
    results[1]['type'] = 'rectangle'
    results.append(dict(id='x', type='labels', value=dict(labels=['cat'])))
    assert len(label_studio(tmp_path, tasks)[0]['instances']) == 2
    results[0]['labels'] = ['dog', 'on']
    names = dict(classes=('cat', 'hat'), predicates=('on', 'in', 'near'))
    with pytest.raises(ValueError, match="'dog', which is none of the pred"):
        label_studio(tmp_path, tasks, metainfo=names)
    tasks[0]['annotations'].append(dict(ground_truth=True, result=[]))
    results[0]['labels'] = ['on']
    with pytest.raises(ValueError, match='no size'):
        label_studio(tmp_path, tasks)
