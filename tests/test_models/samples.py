"""Random objects and samples, small and with every edge case."""

from collections import Counter

import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData

from mmsgg.models.task_modules import RelationTargets
from mmsgg.structures import SGDataSample

SIZE = 64  # input image, pixels
NUM_CLASSES = 4
NUM_PREDICATES = 3
#: Parameters of a head that sees no regions.
NO_REGIONS = dict(features=None, pair_channels=16)


def random_boxes(num, generator):
    """(num, 4) boxes in input pixels, none empty."""
    corners = torch.rand(num, 2, generator=generator) * (SIZE - 16)
    sizes = 8 + torch.rand(num, 2, generator=generator) * 24
    return torch.cat([corners, (corners + sizes).clamp(max=SIZE)], dim=1)


def random_sample(num_boxes, num_relations, seed=0, scale=(1.0, 1.0)):
    """A sample with ``num_boxes`` boxes, ground truth in original pixels.

    ``scale`` (w, h) led from the original image to the input image.
    """
    generator = torch.Generator().manual_seed(seed)
    boxes = random_boxes(num_boxes, generator)
    sample = SGDataSample(
        metainfo=dict(
            img_path=f'{seed}.jpg',
            img_shape=(SIZE, SIZE),
            ori_shape=(int(SIZE / scale[1]), int(SIZE / scale[0])),
            scale_factor=scale,
        )
    )
    labels = torch.randint(NUM_CLASSES, (num_boxes,), generator=generator)
    sample.gt_instances = InstanceData(
        bboxes=boxes / torch.tensor(scale * 2), labels=labels
    )
    subjects = torch.randint(
        max(num_boxes, 1), (num_relations,), generator=generator
    )
    step = 1 + torch.randint(
        max(num_boxes - 1, 1), (num_relations,), generator=generator
    )
    sample.gt_relations = InstanceData(
        pairs=torch.stack([subjects, (subjects + step) % num_boxes], dim=1)
        if num_relations
        else torch.zeros(0, 2, dtype=torch.long),
        labels=torch.randint(
            NUM_PREDICATES, (num_relations,), generator=generator
        ),
    )
    return sample


def random_objects(num_boxes, seed=0, task='sgcls'):
    """Objects as a detector gives them to a relation head."""
    generator = torch.Generator().manual_seed(seed)
    objects = InstanceData(
        metainfo=dict(img_shape=(SIZE, SIZE)),
        bboxes=random_boxes(num_boxes, generator),
        logits=torch.randn(num_boxes, NUM_CLASSES + 1, generator=generator),
    )
    if task == 'predcls':
        objects.labels = torch.randint(
            NUM_CLASSES, (num_boxes,), generator=generator
        )
    if task == 'sgdet':
        noise = torch.randn(num_boxes, NUM_CLASSES, 4, generator=generator)
        objects.class_bboxes = objects.bboxes[:, None] + noise
    return objects


def class_targets(labels):
    """Targets of an image whose classes are ``labels``, without pairs."""
    none = torch.zeros(0, dtype=torch.long)
    labels = torch.tensor(labels, dtype=torch.long)
    return RelationTargets(none.reshape(0, 2), none, labels)


def features_cfg(**kwargs):
    """PairFeatures on an 8-channel map."""
    extractor = dict(
        type='mmdet.SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=1),
        out_channels=8,
        featmap_strides=[8],
    )
    fc67 = dict(type='FC67Head', in_channels=8, out_channels=16, dropout=0.0)
    cfg = dict(
        object_roi_extractor=extractor,
        object_head=fc67,
        union_roi_extractor=dict(
            type='UnionRoIExtractor', roi_extractor=extractor
        ),
        union_head=dict(fc67, last_relu=False),
    )
    return cfg | kwargs


def drawing_cfg(**kwargs):
    """PairFeatures that see the boxes drawn into their union."""
    cfg = features_cfg(**kwargs)
    unions = dict(cfg['union_roi_extractor'], draw_boxes=True)
    return dict(cfg, union_roi_extractor=unions)


def region_parts():
    """What a head that reads regions is built of."""
    return dict(
        num_classes=NUM_CLASSES,
        num_predicates=NUM_PREDICATES,
        features=features_cfg(),
    )


def union_features(head, x, bboxes, pairs):
    """F of the (K, 2) pairs of the (N, 4) boxes of an image, one by one."""
    subjects, objects = bbox2roi([bboxes])[pairs.T]
    pooled = head.features.union_roi_extractor(x, subjects, objects)
    return head.features.union_head(pooled)


def linknet_cfg(**kwargs):
    """A LinkNet head of a few thousand parameters on an 8-channel map."""
    cfg = dict(
        type='LinkNetRelHead',
        **region_parts(),
        global_context=dict(
            type='GlobalContext', in_channels=8, out_channels=8
        ),
        geometric_layout=dict(type='GeometricLayout', out_channels=8),
        embed_channels=8,
        hidden_channels=16,
    )
    return cfg | kwargs


def imp_cfg(**kwargs):
    """An IMP head, as small."""
    cfg = dict(type='IMPRelHead', **region_parts(), hidden_channels=16)
    return cfg | kwargs


def context_cfg(head_type, **kwargs):
    """A head that puts objects in context, as small."""
    cfg = dict(
        type=head_type,
        **region_parts(),
        num_object_layers=1,
        num_edge_layers=2,
        embed_channels=8,
        box_channels=8,
        hidden_channels=16,
        dropout=0.0,
    )
    return cfg | kwargs


def motifs_cfg(**kwargs):
    """A Motifs head, as small."""
    return context_cfg('MotifsRelHead', **kwargs)


def causal_motifs_cfg(**kwargs):
    """A causal Motifs head, as small."""
    return context_cfg('CausalMotifsRelHead', **kwargs)


def product_motifs_cfg(**kwargs):
    """A Motifs head of the first version, as small."""
    return context_cfg('ProductMotifsRelHead', **kwargs)


def transformer_cfg(**kwargs):
    """A transformer head, as small."""
    kwargs = dict(num_heads=2, feedforward_channels=16) | kwargs
    return context_cfg('TransformerRelHead', **kwargs)


def gated_transformer_cfg(**kwargs):
    """A transformer head of the first version, as small."""
    return transformer_cfg(**kwargs) | dict(type='GatedTransformerRelHead')


def vctree_cfg(**kwargs):
    """A VCTree head, as small."""
    cfg = dict(
        type='VCTreeRelHead',
        **region_parts(),
        embed_channels=8,
        box_channels=8,
        hidden_channels=16,
    )
    return cfg | kwargs


def penet_cfg(**kwargs):
    """A PE-Net head, as small."""
    cfg = dict(
        type='PENetRelHead',
        **region_parts(),
        embed_channels=8,
        box_channels=8,
        hidden_channels=16,
        channels=64,
        dropout=0.0,
    )
    return cfg | kwargs


def feature_map(num_images, seed=0):
    """One level of (num_images, 8, 8, 8) features at stride 8."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(num_images, 8, 8, 8, generator=generator),)


def random_features(num, channels, seed=0):
    """(num, channels) features of objects."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num, channels, generator=generator)


def sorted_rows(sizes, keys):
    """The rows of each image in the order of Python's sort."""
    first = 0
    for size in sizes:
        yield sorted(range(first, first + size), key=keys.tolist().__getitem__)
        first += size


def metas(num):
    """What a prediction reads of ``num`` images."""
    return [dict(scale_factor=(2.0, 0.5))] * num


def given_objects(sample, seed):
    """The ground truth of a sample, as predcls gives it to a head."""
    objects = random_objects(len(sample.gt_instances), seed)
    objects.bboxes = sample.gt_instances.bboxes
    objects.labels = sample.gt_instances.labels
    return objects


def assert_same_graph(left, right):
    """See that two of what a head predicts are close."""
    for one, other in zip(left, right, strict=True):
        assert {*one.keys()} == {*other.keys()}  # in any order
        for key, value in one.items():
            torch.testing.assert_close(value, other.get(key))


def count_drops(monkeypatch):
    """Counters of the probabilities that channels, and attention, drop by."""
    functional = torch.nn.functional
    drop, attend = functional.dropout, functional.scaled_dot_product_attention
    channels, attention = Counter(), Counter()

    def dropout(x, p=0.5, training=True, inplace=False):
        channels.update([p] * (p > 0 and training))
        return drop(x, p, training, inplace)

    def attended(query, key, value, mask=None, p=0.0, *args):
        attention.update([p] * (p > 0))
        return attend(query, key, value, mask, p, *args)

    monkeypatch.setattr(functional, 'dropout', dropout)
    monkeypatch.setattr(functional, 'scaled_dot_product_attention', attended)
    return channels, attention
