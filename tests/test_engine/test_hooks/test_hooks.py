from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.runner import BaseLoop

from mmsgg.datasets import count_relations
from mmsgg.engine.hooks import FrequencyBiasHook, WordVectorHook
from mmsgg.engine.hooks.word_vector_hook import read_word_vectors
from mmsgg.models.layers import FrequencyBias
from mmsgg.registry import DATASETS
from mmsgg.testing import write_toy_vg


class Loop(BaseLoop):
    def run(self):
        raise NotImplementedError


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('toy')
    write_toy_vg(root, num_train=12, num_test=2, progress=False)
    return root


def make_runner(data_root, training):
    """As much of a runner as the hooks look at."""
    dataset = dict(type='ToyVGDataset', data_root=str(data_root), num_val=2)
    model = torch.nn.Module()
    model.relation_head = torch.nn.Module()
    model.relation_head.frequency_bias = FrequencyBias(12, 11)
    model.relation_head.object_embedding = torch.nn.Embedding(13, 4)
    model.relation_head.edge_embedding = torch.nn.Embedding(12, 4)
    loader = SimpleNamespace(dataset=DATASETS.build(dataset))
    return SimpleNamespace(
        model=model,
        logger=SimpleNamespace(info=lambda text: None),
        train_dataloader=loader,
        cfg=SimpleNamespace(train_dataloader=SimpleNamespace(dataset=dataset)),
        _train_loop=Loop(None, loader) if training else dataset,
    )


@pytest.mark.parametrize('must_overlap', [False, True])
@pytest.mark.parametrize('training', [False, True])
def test_the_table_is_counted_from_the_training_set(
    data_root, training, must_overlap
):
    runner = make_runner(data_root, training)
    hook = FrequencyBiasHook(must_overlap, count_for_test=not training)
    hook.before_run(runner)
    expected = FrequencyBias(12, 11)
    dataset = runner.train_dataloader.dataset
    expected.set_counts(count_relations(dataset, must_overlap=must_overlap))
    table = runner.model.relation_head.frequency_bias.table.weight
    assert torch.equal(table, expected.table.weight)
    assert table.any()


def test_training_what_is_to_be_tested_as_counted_is_reported(data_root):
    runner = make_runner(data_root, training=True)
    lines = []
    runner.logger.warning = lines.append
    FrequencyBiasHook().before_run(runner)
    assert not lines
    FrequencyBiasHook(count_for_test=True).before_run(runner)
    assert 'optim_wrapper.optimizer.lr=0' in lines.pop()


def test_a_head_starts_more_from_the_table(data_root):
    runner = make_runner(data_root, training=True)
    head, seen = runner.model.relation_head, []
    table = head.frequency_bias.table.weight
    head.start_from_frequencies = lambda: seen.append(bool(table.any()))
    FrequencyBiasHook().before_run(runner)
    assert seen == [True]


def test_testing_needs_no_training_set(data_root):
    runner = make_runner(data_root, training=False)
    FrequencyBiasHook().before_run(runner)
    assert not runner.model.relation_head.frequency_bias.table.weight.any()


def test_a_head_without_table_is_left_alone(data_root):
    runner = make_runner(data_root, training=True)
    runner.model.relation_head.frequency_bias = None
    FrequencyBiasHook().before_run(runner)


@pytest.fixture
def word_file(tmp_path):
    path = tmp_path / 'glove.txt'
    path.write_text(
        'dog 1 0 0 0\nfire 0 2 0 0\nhydrant 0 0 4 0\nhouse 1 1 1 1\n'
    )
    return path


def test_word_tables_start_from_the_file(word_file):
    torch.manual_seed(0)
    head = torch.nn.Module()
    head.object_embedding = torch.nn.Embedding(4, 4)
    head.edge_embedding = torch.nn.Embedding(3, 4)
    unknown = head.edge_embedding.weight[1].clone()
    background = head.object_embedding.weight[3].clone()
    WordVectorHook(str(word_file)).fill(head, ['Dog', 'zebra', 'fire-hydrant'])
    for table in (head.object_embedding, head.edge_embedding):
        assert table.weight[0].tolist() == [1, 0, 0, 0]
        assert table.weight[2].tolist() == [0, 1, 2, 0]
    assert torch.equal(head.edge_embedding.weight[1], unknown)
    assert torch.equal(head.object_embedding.weight[3], background)


def test_word_tables_in_training(data_root, word_file):
    runner = make_runner(data_root, training=True)
    WordVectorHook(str(word_file)).before_run(runner)
    classes = runner.train_dataloader.dataset.metainfo['classes']
    row = classes.index('house')
    weight = runner.model.relation_head.edge_embedding.weight
    assert weight[row].tolist() == [1, 1, 1, 1]


def test_predicates_start_from_the_file(data_root, word_file):
    runner = make_runner(data_root, training=True)
    head = runner.model.relation_head
    head.predicate_embedding = torch.nn.Embedding(4, 4)
    random = head.predicate_embedding.weight[1:].clone()
    hook = WordVectorHook(str(word_file))
    hook.fill(head, ['dog'], ['house fire', 'of', 'has'])
    weight = head.predicate_embedding.weight
    assert weight[0].tolist() == [0.5, 1.5, 0.5, 0.5]
    assert torch.equal(weight[1:], random)

    predicates = runner.train_dataloader.dataset.metainfo['predicates']
    word = predicates[2].split()[0]
    word_file.write_text(f'{word} 3 3 3 3\n')
    head.predicate_embedding = torch.nn.Embedding(len(predicates) + 1, 4)
    hook.before_run(runner)
    assert head.predicate_embedding.weight[2].tolist() == [3, 3, 3, 3]


def test_word_vectors_are_never_fetched(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nope\.txt.*WordVectorHook'):
        read_word_vectors(tmp_path / 'nope.txt', ['dog'])


def test_a_file_that_is_no_word_vectors_is_named(tmp_path):
    path = tmp_path / 'text.txt'
    path.write_text('cat 1 2\ndog is an animal\n')
    with pytest.raises(ValueError, match=r'line 2 of .*text\.txt'):
        read_word_vectors(path, ['dog'])
    assert np.array_equal(read_word_vectors(path, ['cat'])['cat'], [1, 2])


def test_word_vectors_of_another_width_are_refused(data_root, word_file):
    runner = make_runner(data_root, training=True)
    head = runner.model.relation_head
    head.object_embedding = torch.nn.Embedding(13, 5)
    with pytest.raises(ValueError, match='embed_channels to 4'):
        WordVectorHook(str(word_file)).before_run(runner)


def test_a_head_without_word_tables_is_named(word_file):
    head = torch.nn.Linear(2, 2)
    with pytest.raises(TypeError, match='Linear has no word tables'):
        WordVectorHook(str(word_file)).fill(head, ['dog'])
