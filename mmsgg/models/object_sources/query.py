"""All queries of a detection transformer, trained with their relations."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks.transformer import MultiheadAttention
from mmdet.models.detectors import DetectionTransformer
from mmdet.structures.bbox import bbox_cxcywh_to_xyxy
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.registry import TASK_UTILS
from mmsgg.structures import SGDataSample
from mmsgg.structures.bbox import image_size

from .object_source import Found, ObjectSource, finest_first
from .transformer import called_with


@TASK_UTILS.register_module()
class QueryObjects(ObjectSource):
    """Every query of DETR, Deformable DETR, DINO and the like is an object.

    For relation heads that read the decoder and are trained with it, such as
    EGTR and RelTR: no NMS, no threshold, boxes not clipped to the image. With
    ``freeze_detector=False`` the transformer runs once a step, in training
    mode, for the detector's own losses and for the objects.

    Objects have ``bboxes`` (Q, 4), input-image pixels, ``logits`` (Q, C + 1),
    where background is impossible if the detector knows none (its scores are
    sigmoids), and of the L decoder layers

    - ``features`` (Q, d), the states after the last one;
    - ``layer_states`` (Q, L, d), ``layer_logits`` (Q, L, C + 1) and
      ``layer_bboxes`` (Q, L, 4), the boxes in input-image pixels;
    - ``attention_queries`` and ``attention_keys`` (Q, L, d), the projections
      of the self-attention, all heads side by side, not scaled. Only where
      that is torch's, which Conditional and DAB-DETR do not have.

    A detector whose decoder looks at one map (DETR) shows the relation head
    three in place of the feature maps: the encoder's memory (B, d, H, W), its
    positions (B, d, H, W), and its padding (B, 1, H, W) bool.

    Args:
        detector: mmdet's ``DetectionTransformer``.
        num_classes: Object classes C, without background.
        loss_layers: How many decoder layers, counted from the last, have
            losses of the detector's own; all by default, 0 where the relation
            head has them.

    Raises:
        TypeError: If the detector has no queries of this kind.
        ValueError: If a part of the detector would have no loss.
    """

    tasks = ('sgdet',)
    refusal = 'objects are what its queries find, and a given box has no query'
    end_to_end = True

    def __init__(
        self, detector: Any, num_classes: int, loss_layers: int | None = None
    ) -> None:
        super().__init__(detector, num_classes)
        if not isinstance(detector, DetectionTransformer) or hasattr(
            detector.bbox_head, 'cache_dict'
        ):
            raise TypeError(
                f'QueryObjects: {type(detector).__name__} has no decoder of '
                'which every query is an object; take DETR, DeformableDETR or '
                'DINO of mmdet'
            )
        if loss_layers and getattr(detector, 'with_box_refine', False):
            raise ValueError(
                'QueryObjects: with box refinement each decoder layer has '
                'weights of its own, which need the losses of its layer; '
                'leave out loss_layers'
            )
        self.loss_layers = loss_layers

    def objects(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
    ) -> list[InstanceData]:
        """See the base class."""
        return self.find(x, batch_data_samples, given).objects

    def find(
        self,
        x: tuple[Tensor, ...],
        batch_data_samples: list[SGDataSample],
        given: list[InstanceData] | None,
        with_losses: bool = False,
    ) -> Found:
        """See the base class."""
        decoder = self.detector.decoder
        attentions = [layer.self_attn for layer in decoder.layers]
        with arguments_of(decoder, *attentions) as calls:
            outputs = self.detector.forward_transformer(x, batch_data_samples)
        of_decoder, *of_layers = calls
        logits, boxes = called_with(self.detector.bbox_head, outputs)
        # costs, boxes and scores in float32, under autocast too
        logits, boxes = logits.float(), boxes.float()
        losses = {}
        if with_losses and self.loss_layers != 0:
            losses = self._losses(logits, boxes, outputs, batch_data_samples)
        if self.detector.bbox_head.loss_cls.use_sigmoid:
            impossible = torch.finfo(logits.dtype).min
            logits = F.pad(logits, (0, 1), value=impossible)
        # L, B, Q, . with the queries that denoise (DINO) before the others
        layers = dict(
            layer_states=outputs['hidden_states'],
            layer_logits=logits,
            layer_bboxes=bbox_cxcywh_to_xyxy(boxes),
            **self_attention(attentions, of_layers),
        )
        objects = []
        for i, sample in enumerate(batch_data_samples):
            image = InstanceData(
                **{
                    name: values[:, i, -self.detector.num_queries :].transpose(
                        0, 1
                    )
                    for name, values in layers.items()
                }
            )
            size = image_size(sample.img_shape, boxes)
            image.layer_bboxes = image.layer_bboxes * size
            image.bboxes = image.layer_bboxes[:, -1]
            image.logits = image.layer_logits[:, -1]
            image.features = image.layer_states[:, -1]
            objects.append(image)
        return Found(objects, encoded_maps(x, of_decoder), losses)

    def _losses(
        self,
        logits: Tensor,
        boxes: Tensor,
        outputs: dict,
        samples: list[SGDataSample],
    ) -> dict[str, Tensor]:
        """Compute the detector's own losses of what its head gave."""
        first = -(self.loss_layers or len(logits))
        arguments = dict(
            outputs,
            all_layers_cls_scores=logits[first:],
            all_layers_bbox_preds=boxes[first:],
            enc_cls_scores=outputs.get('enc_outputs_class'),
            enc_bbox_preds=outputs.get('enc_outputs_coord'),
            batch_gt_instances=[sample.gt_instances for sample in samples],
            batch_img_metas=[sample.metainfo for sample in samples],
        )
        return called_with(self.detector.bbox_head.loss_by_feat, arguments)


@contextmanager
def arguments_of(*modules: nn.Module) -> Iterator[list[dict]]:
    """Collect, inside the context, the keywords that modules are called with.

    Yields:
        One dict a call, in the order of the calls.
    """
    calls: list[dict] = []

    def note(module: nn.Module, args: tuple, kwargs: dict) -> None:
        calls.append(kwargs)

    hooks = [
        module.register_forward_pre_hook(note, with_kwargs=True)
        for module in modules
    ]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def self_attention(
    attentions: list[Any], calls: list[dict]
) -> dict[str, Tensor]:
    """Project what self-attention was called with, as it does itself.

    Args:
        attentions: mmcv's ``MultiheadAttention`` of each decoder layer.
        calls: What each was called with.

    Returns:
        ``attention_queries`` and ``attention_keys``, (L, B, Q, d), or nothing
        where the attention is of another kind.
    """
    if not all(isinstance(each, MultiheadAttention) for each in attentions):
        return {}
    projected = []
    for attention, call in zip(attentions, calls, strict=True):
        states = call['query']
        if call.get('query_pos') is not None:
            states = states + call['query_pos']
        size = 2 * states.shape[-1]  # queries and keys, of q, k and v
        projected.append(
            F.linear(
                states,
                attention.attn.in_proj_weight[:size],
                attention.attn.in_proj_bias[:size],
            )
        )
    queries, keys = torch.stack(projected).chunk(2, dim=-1)
    return dict(attention_queries=queries, attention_keys=keys)


def encoded_maps(
    x: tuple[Tensor, ...], of_decoder: Mapping[str, Any]
) -> tuple[Tensor, ...]:
    """Make maps of the sequences that a decoder looks at.

    Args:
        x: Feature maps.
        of_decoder: What the decoder was called with.

    Returns:
        Memory, positions and padding, see :class:`QueryObjects`; the feature
        maps, the finest first, where the decoder looks at several.
    """
    if 'key_pos' not in of_decoder:
        return finest_first(x)
    memory, positions = of_decoder['key'], of_decoder['key_pos']
    padding = of_decoder['key_padding_mask']
    if padding is None:
        padding = torch.zeros_like(memory[..., 0], dtype=torch.bool)
    size = x[-1].shape[-2:]
    return tuple(
        sequence.transpose(1, 2).unflatten(2, size)
        for sequence in (memory, positions, padding[..., None])
    )
