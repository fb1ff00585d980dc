"""docs/add_a_head.md does what it says, run word for word."""

import re
from pathlib import Path

import pytest
import torch

from mmsgg.registry import MODELS

from .. import forked
from ..test_models import test_relation_heads as heads
from ..test_models.samples import NUM_CLASSES, NUM_PREDICATES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / 'docs' / 'add_a_head.md'


def blocks(language):
    return re.findall(rf'```{language}\n(.*?)```', PAGE.read_text(), re.S)


@pytest.fixture
def project(tmp_path):
    """A checkout with the head and the config of the page."""
    (tmp_path / 'configs').mkdir()
    for path in (ROOT / 'configs').iterdir():
        (tmp_path / 'configs' / path.name).symlink_to(path)
    (tmp_path / 'tools').symlink_to(ROOT / 'tools')
    for text in blocks('python'):
        path = tmp_path / re.match(r'# (\S+\.py)\n', text)[1]
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_page_runs(project):
    [commands] = blocks('bash')
    export, *commands = commands.strip().split('\n')
    assert export == 'export PYTHONPATH=$PWD'
    log = project / 'log'
    for command in commands:
        assert forked.run(command, project, log) == 0, log.read_text()[-3000:]
    *_, recall = re.findall(r'R@20: (\d\.\d+)', log.read_text())
    assert 0 < float(recall) < 1


def test_a_head_takes_few_lines():
    head, _ = blocks('python')
    assert len(head.splitlines()) < 60


def test_the_head_is_like_every_head():
    source, _ = blocks('python')
    try:
        exec(compile(source, PAGE, 'exec'), {'__name__': 'layout_rel_head'})
        checks = heads.TestEveryHead()

        def head():
            torch.manual_seed(0)
            cfg = dict(
                type='LayoutRelHead',
                num_classes=NUM_CLASSES,
                num_predicates=NUM_PREDICATES,
            )
            return MODELS.build(cfg).eval()

        for task in heads.TASKS:
            checks.test_a_batch_equals_its_images_alone(head(), task)
            checks.test_graph_is_ranked_and_scored_as_documented(head(), task)
            checks.test_gradients_reach_every_parameter(head(), task)
        checks.test_images_without_relations_train(head(), (0, 1))
        checks.test_the_order_of_objects_does_not_matter(head(), 'predcls')
        checks.test_four_images_are_learned_by_heart(head())
    finally:
        MODELS.module_dict.pop('LayoutRelHead', None)
