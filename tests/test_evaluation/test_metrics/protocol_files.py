"""The graphs of the reference files of protocols as samples."""

import json

import numpy as np

from ...folders import REFERENCE


def load(name):
    return np.load(REFERENCE / 'protocols' / f'{name}.npz')


def expected(data, key='expected'):
    return json.loads(str(data[key]))


def image_keys(data, part=''):
    """``'0/'`` or ``'box/0/'`` and so on, as many as there are."""
    keys = []
    while f'{part}{len(keys)}/gt_labels' in data:
        keys.append(f'{part}{len(keys)}/')
    assert keys
    return keys


def sample_of(data, key, masks=None):
    """The sample of an image; ``masks`` turns arrays into another form."""
    relations = data[f'{key}gt_relations']

    def objects(prefix):
        labels = data[f'{key}{prefix}labels']
        fields = dict(labels=labels)
        boxes = f'{key}{prefix}boxes'
        fields['bboxes'] = (
            data[boxes] if boxes in data else np.zeros((len(labels), 4))
        )
        if f'{key}{prefix}masks' in data:
            array = data[f'{key}{prefix}masks']
            fields['masks'] = array if masks is None else masks(array)
        return fields

    pred_instances = objects('')
    if f'{key}scores' in data:
        pred_instances['scores'] = data[f'{key}scores']
    pred_relations = dict(pairs=data[f'{key}pairs'])
    if f'{key}predicate_probs' in data:
        probabilities = data[f'{key}predicate_probs']
        pred_relations['predicate_scores'] = probabilities[:, :-1]
    return dict(
        img_id=key,
        gt_instances=objects('gt_'),
        gt_relations=dict(pairs=relations[:, :2], labels=relations[:, 2]),
        pred_instances=pred_instances,
        pred_relations=pred_relations,
    )


def samples_of(data, part='', masks=None):
    return [sample_of(data, key, masks) for key in image_keys(data, part)]
