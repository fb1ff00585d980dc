import doctest
import importlib

import pytest

MODULES = [
    'functional.hit_ranks', 'functional.matching',
    'functional.predicate_groups', 'functional.ranking',
    'functional.recall', 'functional.zero_shot',
    'metrics.dump_scene_graphs', 'metrics.relation_ranks',
    'metrics.scene_graph_metric', 'prediction_json', 'result_file',
]  # fmt: skip


@pytest.mark.parametrize('module', MODULES)
def test_examples_in_docstrings(module):
    module = importlib.import_module(f'mmsgg.evaluation.{module}')
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
