"""PE-Net against what its authors' code gave."""

import pytest
import torch
from mmengine.structures import InstanceData

from mmsgg.models.relation_heads import PENetRelHead
from mmsgg.models.relation_heads.relation_nms import relation_nms
from mmsgg.models.task_modules import RelationTargets

from . import sgb
from .given_features import features_of_width, give_features
from .sgb import CLOSE, TASKS

LOSSES = dict(
    l21_loss='loss_prototype_similarity',
    dist_loss2='loss_prototype_distance',
    loss_dis='loss_relation_distance',
    loss_rel='loss_predicate',
    loss_refine_obj='loss_object',
)


@pytest.fixture(scope='module')
def reference():
    return sgb.read('penet')


@pytest.fixture
def head(reference):
    """Our head in the sizes, and with the weights, of the file."""
    arrays, sizes = reference
    head = PENetRelHead(
        sizes['num_classes_with_background'] - 1,
        sizes['num_predicates_with_background'] - 1,
        embed_channels=sizes['embed'],
        hidden_channels=sizes['hidden'],
        channels=sizes['mlp_dim'],
        late_nms_iou=sizes['later_nms'],
        features=features_of_width(sizes['roi_dim']),
    )
    give_features(head)
    head.load_state_dict(sgb.converted(arrays, 'penet'), strict=True)
    return head.eval()


def images_of(reference, task):
    """What each case gives to a head, and what came out there."""
    arrays, sizes = reference
    for case in sgb.cases(arrays):
        given = sgb.part(arrays, f'{case}/input')
        objects = sgb.objects_of(given, task, sizes['image_wh'])
        yield given, objects, sgb.part(arrays, f'{case}/{task}')


@pytest.mark.parametrize('task', TASKS)
@torch.no_grad()
def test_reproduces_the_published_code(reference, head, task):
    for given, objects, expected in images_of(reference, task):
        head.features.show(given)
        pairs = head.all_pairs(objects.bboxes)
        output = head((), [objects], [pairs])
        wanted = sgb.part(expected, 'output')
        torch.testing.assert_close(
            output.object_logits[0], sgb.last(wanted['obj_logits']), **CLOSE
        )
        if len(pairs):
            torch.testing.assert_close(
                output.predicate_logits[0],
                sgb.last(wanted['rel_logits']),
                **CLOSE,
            )
        [graph] = head.predict((), [objects], [{}])
        sgb.assert_same_graph(graph, wanted)


def watch(seen, **modules):
    """Keep what goes in and out of some modules, call by call."""

    def keeper(name):
        def keep(module, inputs, output):
            seen.setdefault(name, []).append((inputs[0], output))

        return keep

    for name, module in modules.items():
        module.register_forward_hook(keeper(name))


@pytest.mark.parametrize('task', TASKS)
@torch.no_grad()
def test_reproduces_what_comes_between(reference, head, task):
    """Ours makes subjects and objects once an object, there once a pair."""
    given, objects, expected = next(images_of(reference, task))
    expected = sgb.part(expected, 'intermediate')
    seen = {}
    watch(
        seen,
        roles=head.role_fc,
        subject=head.subject,
        object=head.object,
        subject_word=head.subject.word_fc,
        object_word=head.object.word_fc,
        subject_gate=head.subject.gate_fc,
        union=head.union_fc,
        gate=head.gate_fc,
        word=head.predicate_fc,
        norm=head.relation_norm,
        project=head.project_fc,
    )
    head.features.show(given)
    pairs = head.all_pairs(objects.bboxes)
    head((), [objects], [pairs])
    first, second = pairs.T
    found = dict(
        post_emb=seen['roles'][0][1],
        subject=seen['subject'][0][1][first],
        object=seen['object'][0][1][second],
        subject_word=seen['subject_word'][0][1][first],
        object_word=seen['object_word'][0][1][second],
        gate_subject_input=seen['subject_gate'][0][0][first],
        down_sampled_union=seen['union'][0][1],
        gate_pred_input=seen['gate'][0][0],
        gate_pred_output=seen['gate'][0][1],
        prototype_word=seen['word'][0][1].roll(1, 0),
        relation_normed=seen['norm'][0][1],
        prototypes=seen['project'][0][1].roll(1, 0),
        relation=seen['project'][1][1],
    )
    for name, values in found.items():
        torch.testing.assert_close(values, expected[name], **CLOSE, msg=name)
    labels = expected['obj_preds'] - 1
    [label] = head((), [objects], [pairs]).labels
    assert torch.equal(label, labels)


@pytest.mark.parametrize('task', TASKS[:2])
@torch.no_grad()
def test_reproduces_the_losses(reference, head, task):
    """Of pairs that were all sampled, with dropout off there."""
    num = head.num_predicates
    head.training = True
    checked = 0
    for given, objects, expected in images_of(reference, task):
        if 'loss/loss_rel' not in expected or len(objects) < 2:
            continue
        head.features.show(given)
        found = expected['target/predicate_labels']
        target = RelationTargets(
            head.all_pairs(objects.bboxes),
            torch.where(found == 0, num, found - 1),
            given['labels'] - 1,
        )
        # the classes that the pairs were scored with there: the found ones
        seen = target._replace(labels=expected['output/labels'] - 1)
        output = head((), [objects], [target.pairs], [seen])
        losses = head.loss_by_feat(output, [target], [])
        for there, here in LOSSES.items():
            value = losses[here]
            if (task, there) == ('predcls', 'loss_refine_obj'):
                assert expected[f'loss/{there}'] == 0  # nothing to learn there
                continue
            torch.testing.assert_close(
                value, expected[f'loss/{there}'], **CLOSE, msg=there
            )
        checked += 1
    assert checked > 1


def test_relation_nms(reference):
    arrays, _ = reference
    names = {k.split('/')[0] for k in arrays if k.startswith('rel_nms')}
    assert names
    for name in names:
        given = sgb.part(arrays, f'{name}/input')
        expected = sgb.part(arrays, f'{name}/output')
        instances = InstanceData(
            bboxes=given['boxes'],
            labels=given['labels'] - 1,
            scores=given['scores'],
        )
        relations = InstanceData(
            pairs=given['pairs'],
            predicate_scores=given['predicate_probs'][:, 1:],
        )
        order = expected['order_after']
        found = relation_nms(instances, relations, 0.6, rank_by_subject=True)
        assert torch.equal(found.pairs, given['pairs'][order])
        labels = expected['predicate_labels'] - 1
        assert torch.equal(found.labels, labels[order])
        best = found.predicate_scores.amax(dim=1)
        torch.testing.assert_close(best, expected['predicate_scores'][order])
        assert torch.equal(found.predicate_scores.argmax(dim=1), found.labels)

        right = relation_nms(instances, relations, 0.6)
        product = given['scores'][given['pairs']].prod(dim=1)
        product = product * expected['predicate_scores']
        ranks = product.argsort(descending=True, stable=True)
        assert torch.equal(right.pairs, given['pairs'][ranks])
        torch.testing.assert_close(right.scores, product[ranks])
