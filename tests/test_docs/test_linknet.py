"""docs/linknet.md says of the configs what is in them."""

import ast
import re
from pathlib import Path

import pytest
from mmengine.config import Config

from mmsgg.models.layers import GeometricLayout
from mmsgg.models.relation_heads import LinkNetRelHead
from mmsgg.models.roi_heads import FC67Head

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs' / 'linknet.md').read_text()
FILES = {
    'det': 'detection/faster-rcnn_vgg16_vg150.py',
    'sgcls': 'linknet/sgcls.py',
    'sgdet': 'linknet/sgdet.py',
    'compat-det': 'linknet/compat/faster-rcnn_vgg16.py',
    'compat': 'linknet/compat/sgcls.py',
}
CONFIGS = {
    name: Config.fromfile(ROOT / 'configs' / file)
    for name, file in FILES.items()
}
COLUMNS = ['setting', 'code', 'paper', 'ours', 'key', 'why']
ROWS = [
    dict(zip(COLUMNS, map(str.strip, line.strip('|').split('|')), strict=True))
    for line in PAGE.splitlines()
    if line.startswith('| ') and not line.startswith('| setting')
]


def find(key):
    """The value of 'file: dotted.path'; a dot inside a key is escaped."""
    name, path = key.split(': ')
    value = CONFIGS[name]
    for step in re.split(r'(?<!\\)\.', path):
        step = step.replace('\\.', '.')
        value = value[int(step) if step.isdigit() else step]
    return value


KEYED = [row for row in ROWS if row['key']]


def test_most_rows_have_a_key():
    assert len(KEYED) > 70
    assert PAGE.count('| setting | code |') == 4


@pytest.mark.parametrize('row', KEYED, ids=lambda row: row['key'])
def test_ours_is_what_the_config_says(row):
    ours = ast.literal_eval(row['ours'].strip('`'))
    assert find(row['key'].strip('`')) == ours


def as_number(text):
    try:
        return float(text.strip('`'))
    except ValueError:
        return None


@pytest.mark.parametrize('row', ROWS, ids=lambda row: row['setting'])
def test_a_number_that_differs_is_explained(row):
    code, ours = as_number(row['code']), as_number(row['ours'])
    if None not in (code, ours) and code != ours:
        assert row['why']
    assert row['ours'].startswith('`') == bool(row['key'])


def test_every_rate_of_the_configs_is_in_the_table():
    """A setting of the optimizer or of a schedule that nobody compares."""
    keys = {row['key'].strip('`') for row in KEYED}
    for name in ('det', 'sgcls'):
        optimizer = CONFIGS[name].optim_wrapper.optimizer
        prefix = f'{name}: optim_wrapper.optimizer'
        missing = {f'{prefix}.{k}' for k in optimizer if k != 'type'} - keys
        assert not missing
        last = len(CONFIGS[name].param_scheduler) - 1
        rules = set(CONFIGS[name].param_scheduler[last])
        prefix = f'{name}: param_scheduler.{last}'
        rules -= {'type', 'rule', 'by_epoch'}
        assert {f'{prefix}.{key}' for key in rules} <= keys


def test_defaults_of_the_code():
    """What the page says of values that no config names."""
    head = LinkNetRelHead(3, 2)
    assert head.object_blocks[0].W.out_features * 2 == (
        head.object_blocks[0].W.in_features
    )
    assert head.late_nms_iou == 0.3
    assert head.context_loss_weight == 1
    assert GeometricLayout().norm.momentum == 0.001
    assert [m.p for m in FC67Head(1, 1, 1) if hasattr(m, 'p')] == [0.5, 0.5]
    for name in ('rpn_head', 'roi_head.bbox_head'):
        loss = find(f'det: model.{name}.loss_bbox')
        assert loss.get('loss_weight', 1) == 1


def test_links_lead_somewhere():
    for target in re.findall(r'\]\((\.\./[^)]*)\)', PAGE):
        assert (ROOT / 'docs' / target).exists(), target
