"""Features that stand in a file, in place of those of regions."""

import torch

from .samples import features_cfg


def features_of_width(channels):
    """A config of PairFeatures as wide as those of a file."""
    fc67 = dict(type='FC67Head', in_channels=8, out_channels=channels)
    return features_cfg(object_head=fc67, union_head=fc67)


class GivenFeatures(torch.nn.Module):
    """Stands for PairFeatures; shows one image at a time."""

    def show(self, given):
        self.regions = given['roi_features']
        self.unions = given['union_features']

    def embed_objects(self, x, bboxes):
        return self.regions

    def score(self, x, bboxes, pairs, score_pairs, image_sizes=None):
        return score_pairs(pairs, self.unions[: len(pairs)])


def give_features(head):
    """Let a head read what ``head.features.show`` gets."""
    head.features = GivenFeatures()
