"""The data element of scene graph generation."""

from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData


class SGDataSample(DetDataSample):
    """A :class:`DetDataSample` with the relations between its instances.

    Relations have a length of their own, so they stand beside the instances
    and point into them by row number:

    - ``gt_relations`` (InstanceData): the annotation.

      - ``pairs`` (Tensor): (R, 2) int64, rows [subject, object] of
        ``gt_instances``. One pair may occur in several rows.
      - ``labels`` (Tensor): (R,) int64, 0-based predicates.

    - ``pred_relations`` (InstanceData): the prediction, best first.

      - ``pairs`` (Tensor): (K, 2) int64, rows of ``pred_instances``.
      - ``labels`` (Tensor): (K,) int64, the best predicate of each pair.
      - ``scores`` (Tensor): (K,) subject score * object score *
        probability of that predicate.
      - ``predicate_scores`` (Tensor): (K, P) probabilities of all predicates
        out of a softmax over P + 1 classes whose background was dropped.

    R = 0, K = 0 and images without instances are legal. ``gt_instances`` and
    ``pred_instances`` are those of mmdet; predicted boxes are in
    original-image pixels.

    Examples:
        >>> import torch
        >>> from mmengine.structures import InstanceData
        >>> sample = SGDataSample()
        >>> sample.gt_instances = InstanceData(
        ...     bboxes=torch.rand(3, 4), labels=torch.tensor([4, 0, 2]))
        >>> sample.gt_relations = InstanceData(
        ...     pairs=torch.tensor([[0, 2]]), labels=torch.tensor([7]))
        >>> 'gt_relations' in sample
        True
        >>> sample.gt_instances.labels[sample.gt_relations.pairs]
        tensor([[4, 2]])
    """

    @property
    def gt_relations(self) -> InstanceData:
        return self._gt_relations

    @gt_relations.setter
    def gt_relations(self, value: InstanceData) -> None:
        self.set_field(value, '_gt_relations', dtype=InstanceData)

    @gt_relations.deleter
    def gt_relations(self) -> None:
        del self._gt_relations

    @property
    def pred_relations(self) -> InstanceData:
        return self._pred_relations

    @pred_relations.setter
    def pred_relations(self, value: InstanceData) -> None:
        self.set_field(value, '_pred_relations', dtype=InstanceData)

    @pred_relations.deleter
    def pred_relations(self) -> None:
        del self._pred_relations
