"""The detector inside RelTR."""

from typing import Any

from mmdet.models.detectors import DETR
from torch import Tensor, nn

from mmsgg.registry import MODELS


@MODELS.register_module()
class EntityDETR(DETR):
    """mmdet's DETR as RelTR has it.

    Queries start from a learned content, not from zero, and no norm follows
    the decoder: each layer's states are used as they are.

    Args:
        args: As of mmdet's ``DETR``.
        num_unused: Class logits, just before that of no object, that are
            never a target. Published checkpoints have one, which takes part
            in the softmax.
        kwargs: As of mmdet's ``DETR``.
    """

    def __init__(self, *args: Any, num_unused: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bbox_head.cls_out_channels += num_unused
        self.bbox_head._init_layers()

    def _init_layers(self) -> None:
        """Drop the norm, and add the content to the queries."""
        super()._init_layers()
        self.decoder.post_norm = nn.Identity()
        # position, content
        self.query_embedding = nn.Embedding(
            self.num_queries, 2 * self.embed_dims
        )

    def pre_decoder(self, memory: Tensor) -> tuple[dict, dict]:
        """Make the queries (B, Q, d) and their positions."""
        queries = self.query_embedding.weight.repeat(len(memory), 1, 1)
        position, content = queries.chunk(2, dim=2)
        inputs = dict(query_pos=position, query=content, memory=memory)
        return inputs, {}
