"""Repeat images of rare predicates, and ignore some of their frequent ones."""

from typing import Any

import numpy as np
import torch
from mmengine.dataset import BaseDataset, ClassBalancedDataset, force_full_init

from mmsgg.registry import DATASETS

from .relation_statistics import scene_graphs_of
from .scene_graph_arrays import SceneGraphArrays


@DATASETS.register_module()
class BiLevelResampledDataset(ClassBalancedDataset):
    """Bi-level resampling of BGNN (Li et al., CVPR 2021), of any data set.

    With f_p the share of predicate p among all relations::

        r_p = max(1, sqrt(oversample_thr / f_p))
        r_i = the largest r_p of image i                 1 without relations

    An image occurs r_i times: of the first n images there are as many copies
    as their r_i add up to, rounded down, so that the data set is the same in
    each run and process. Whenever an item is fetched, each of its relations
    is ignored with probability ``clip((1 - r_p / r_i) gamma, 0, 1)``: it is
    marked in ``gt_relations.ignored`` (R,) bool, and the samplers take the
    pair neither for that predicate nor as unrelated. The draws are numpy's,
    which :class:`ResumableTrainLoop` starts anew for each item.

    BGNN's code rounds each r_p at random, once, to an integer, and uses that
    in both places.

    Args:
        dataset: The data set or its config; its pipeline ends with
            :class:`PackSGInputs`.
        oversample_thr: Share of a predicate below which images that have it
            are repeated.
        gamma: How many frequent relations of repeated images are ignored; 0
            ignores none.
        lazy_init: Whether to count when it is first needed.
    """

    predicate_factors: np.ndarray  # r_p (P,)

    def __init__(
        self,
        dataset: BaseDataset | dict,
        oversample_thr: float = 0.012,
        gamma: float = 0.4,
        lazy_init: bool = False,
    ) -> None:
        self.gamma = gamma
        if isinstance(dataset, dict):
            dataset = DATASETS.build(dataset)
        super().__init__(dataset, oversample_thr, lazy_init)

    def _get_repeat_factors(
        self, dataset: BaseDataset, repeat_thr: float
    ) -> list[int]:
        """Say how many times each image occurs."""
        graphs = scene_graphs_of(dataset)
        counts = np.bincount(
            graphs.predicates, minlength=len(dataset.metainfo['predicates'])
        )
        # one that never occurs has no image to repeat
        share = counts.clip(min=1) / max(counts.sum(), 1)
        self.predicate_factors = np.sqrt(repeat_thr / share).clip(min=1)
        factors = np.ones(len(graphs))
        np.maximum.at(
            factors,
            np.repeat(np.arange(len(graphs)), graphs.relation_counts),
            self.predicate_factors[graphs.predicates],
        )
        return (
            np.diff(np.floor(factors.cumsum()), prepend=0).astype(int).tolist()
        )

    @property
    @force_full_init
    def scene_graphs(self) -> SceneGraphArrays:
        """The graphs of all copies, for whoever counts over them."""
        return scene_graphs_of(self.dataset).take(
            np.array(self.repeat_indices)
        )

    def __getitem__(self, idx: int) -> Any:
        """Fetch an item and mark the relations to ignore.

        Raises:
            KeyError: If the pipeline does not pack relations.
        """
        item = super().__getitem__(idx)
        sample = item.get('data_samples')
        if sample is None or 'gt_relations' not in sample:
            raise KeyError(
                'BiLevelResampledDataset marks packed relations, but the '
                'pipeline of its data set packs none; begin it with '
                'LoadRelationAnnotations and end it with PackSGInputs'
            )
        relations = sample.gt_relations
        factors = self.predicate_factors[relations.labels.numpy()]
        largest = factors.max(initial=1)
        chance = ((1 - factors / largest) * self.gamma).clip(0, 1)
        ignored = np.random.random(len(factors)) < chance
        relations.ignored = torch.from_numpy(ignored)
        return item
