"""The compat head against what the seed project's inference gave.

The weights go the way of a user's: saved as the seed saves, converted by the
command, loaded into the model of the compat config.
"""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmsgg.registry import MODELS

from ..folders import REFERENCE, ROOT
from ..test_tools.test_model_converters.command import command

TASKS = ('predcls', 'sgcls', 'sgdet')


@pytest.fixture(scope='module')
def reference():
    with np.load(REFERENCE / 'linknet_head.npz') as file:
        return {key: torch.from_numpy(file[key]) if file[key].ndim else
                file[key] for key in file}  # fmt: skip


@pytest.fixture(scope='module')
def configs(reference, tmp_path_factory):
    """The compat configs in the widths of the reference, by task."""
    folder = tmp_path_factory.mktemp('configs')
    paths = {task: folder / f'{task}.py' for task in TASKS}
    for task, path in paths.items():
        path.write_text(narrowed(task, reference))
    return paths


@pytest.fixture(scope='module')
def weights(reference, configs, tmp_path_factory):
    """The weights of the reference, converted."""
    folder = tmp_path_factory.mktemp('weights')
    tar, pth = folder / 'vgrel-18.tar', folder / 'linknet.pth'
    state_dict = {
        key.removeprefix('state_dict/'): torch.as_tensor(value)
        for key, value in reference.items()
        if key.startswith('state_dict/')
    }
    torch.save(dict(epoch=18, state_dict=state_dict), tar)
    command.main([str(tar), str(pth), '--config', str(configs['sgdet'])])
    return torch.load(pth)['state_dict']


@pytest.fixture
def head(weights, configs, task):
    cfg = Config.fromfile(configs[task])
    model = MODELS.build(cfg.model.relation_head)
    prefix = 'relation_head.'
    assert all(key.startswith(prefix) for key in weights)
    model.load_state_dict(
        {key.removeprefix(prefix): values for key, values in weights.items()},
        strict=True,
    )
    return model.eval()


def narrowed(task, reference):
    """Write the compat config of a task in the widths of the reference."""
    dims = json.loads(str(reference['dims']))
    layout = reference['state_dict/pos_embed.1.weight']
    inner, outer = reference['state_dict/context.RE1.W.weight'].shape
    changes = dict(
        geometric_layout=dict(out_channels=len(layout)),
        reduction=outer // inner,
        num_classes=dims['num_classes'],
        num_predicates=dims['num_predicates'],
        embed_channels=dims['embed'],
        hidden_channels=dims['hidden'],
        features=dict(
            object_roi_extractor=dict(out_channels=dims['fmap']),
            object_head=dict(
                in_channels=dims['fmap'], out_channels=dims['obj']
            ),
            union_roi_extractor=dict(
                roi_extractor=dict(out_channels=dims['fmap'])
            ),
            union_head=dict(
                in_channels=dims['fmap'], out_channels=dims['pooling']
            ),
        ),
        global_context=dict(in_channels=dims['fmap']),
    )
    base = ROOT / 'configs' / 'linknet' / 'compat' / f'{task}.py'
    return f'_base_ = {str(base)!r}\nmodel = dict(relation_head={changes!r})'


def first_to_last(values):
    """Move background from the first column to the last."""
    return torch.roll(values, -1, dims=1)


def objects_of(reference, name, task):
    logits = reference[f'{name}/input/detector_logits']
    objects = InstanceData(
        bboxes=reference[f'{name}/input/boxes'], logits=first_to_last(logits)
    )
    if task == 'predcls':
        objects.labels = reference[f'{name}/input/gt_labels'] - 1
    if task == 'sgdet':
        objects.class_bboxes = reference[f'{name}/input/boxes_per_class'][
            :, 1:
        ]
    return objects


@pytest.mark.parametrize('task', TASKS)
@torch.no_grad()
def test_reproduces_the_seed(reference, head, task):
    inputs = [key for key in reference if key.endswith('/input/fmap')]
    names = [key.removesuffix('/input/fmap') for key in inputs]
    names = [name for name in names if name.startswith(f'{task}/')]
    assert names
    for name in names:
        check_image(reference, head, name)


def check_image(reference, head, name):
    """Compare what a head predicts for one input with the reference."""
    task = name.partition('/')[0]
    expected = {
        key.rpartition('/')[2]: value
        for key, value in reference.items()
        if key.startswith(f'{name}/output/')
    }
    x = (reference[f'{name}/input/fmap'],)
    objects = objects_of(reference, name, task)

    [(instances, relations)] = head.predict(x, [objects], [{}])

    close = dict(atol=1e-4, rtol=0)
    torch.testing.assert_close(instances.bboxes, expected['boxes'], **close)
    assert torch.equal(instances.labels, expected['labels'] - 1)
    torch.testing.assert_close(instances.scores, expected['scores'], **close)
    assert torch.equal(relations.pairs, expected['pairs'])
    torch.testing.assert_close(
        relations.predicate_scores, expected['predicate_probs'][:, 1:], **close
    )

    pairs = [head.all_pairs(objects.bboxes)]
    [logits] = head(x, [objects], pairs).object_logits
    torch.testing.assert_close(
        logits, first_to_last(expected['obj_logits']), **close
    )
    _, context = head.global_context(x)
    torch.testing.assert_close(
        context.softmax(dim=1), first_to_last(expected['gce_probs']), **close
    )
