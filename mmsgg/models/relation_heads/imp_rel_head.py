"""Iterative message passing between objects and edges (arXiv 1701.02426)."""

from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmsgg.models.task_modules import RelationTargets
from mmsgg.registry import MODELS

from .base_relation_head import BaseRelationHead, RelationOutput
from .pair_features import REGION_WEIGHTS, PairFeatures, stack_pairs


class MessagePassing(nn.Module):
    """GRUs of nodes and edges that tell each other what they know.

    Xu et al. 2017, section 3.2: each iteration, from the states h before it,
    with gates w = sigmoid(linear([h_node, h_edge]))::

        m_ij = w1 h_i + w2 h_j                           to an edge
        m_i  = sum_j w3 h_ij  +  sum_j w4 h_ji           to a node

    and both GRUs take their message as input. Where the paper's text pools,
    all of a node's edges are summed, as in the authors' code.

    Args:
        channels: Width of all states.
        num_iters: Iterations; 0 leaves each by itself.
    """

    def __init__(self, channels: int, num_iters: int) -> None:
        super().__init__()
        self.num_iters = num_iters
        self.node_gru = nn.GRUCell(channels, channels)
        self.edge_gru = nn.GRUCell(channels, channels)
        # w1 to w4: from subject, from object, to subject, to object
        self.gates = nn.ModuleList(nn.Linear(2 * channels, 1) for _ in '1234')

    def forward(
        self,
        nodes: Tensor,
        edges: Tensor,
        pairs: Tensor,
        max_edges: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Pass messages along the edges.

        Args:
            nodes: (N, channels) inputs of the nodes.
            edges: (K, channels) inputs of the edges.
            pairs: (K, 2) rows [subject, object] of the nodes.
            max_edges: How many edges work at once; bounds the memory that
                is needed beside their states.

        Returns:
            The states of nodes (N, channels) and edges (K, channels).
        """
        size = max_edges or max(len(pairs), 1)
        chunks = pairs.split(size)
        nodes = self.node_gru(nodes)
        states = [self.edge_gru(chunk) for chunk in edges.split(size)]
        for _ in range(self.num_iters):
            to_nodes = torch.zeros_like(nodes)
            for i, chunk in enumerate(chunks):
                to_edges, to_nodes = self._messages(
                    nodes, states[i], chunk, to_nodes
                )
                states[i] = self.edge_gru(to_edges, states[i])
            nodes = self.node_gru(to_nodes, nodes)
        return nodes, torch.cat(states)

    def _messages(
        self, nodes: Tensor, edges: Tensor, pairs: Tensor, to_nodes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Send what k edges (k, channels) and their ends have to say.

        Returns:
            m to the edges (k, channels), and what the nodes (N, channels)
            have been told until now, ``to_nodes``, with that of the edges.
        """
        ends = [nodes[pairs[:, 0]], nodes[pairs[:, 1]]]
        gates = [
            torch.sigmoid(gate(torch.cat([end, edges], dim=1)))
            for gate, end in zip(self.gates, ends * 2, strict=True)
        ]
        for gate, rows in zip(gates[2:], pairs.T, strict=True):
            to_nodes = to_nodes.index_add(0, rows, gate * edges)
        return gates[0] * ends[0] + gates[1] * ends[1], to_nodes


@MODELS.register_module()
class IMPRelHead(BaseRelationHead):
    """Xu et al. 2017: the scene graph as nodes and edges that talk.

    A node starts from the region of its object, an edge from the union box of
    its pair; the classes are read off the nodes after
    :class:`MessagePassing`, the predicates off the edges. In training the
    sampled pairs are all there is of the graph.

    Args:
        num_classes: Object classes C, without background.
        num_predicates: Predicates P, without background.
        features: Config of :class:`PairFeatures`, objects and unions.
        frequency_bias: Whether to add :class:`FrequencyBias`.
        hidden_channels: Width of all states.
        num_iters: Iterations of message passing.
        kwargs: As of :class:`BaseRelationHead`.

    Raises:
        ValueError: If the features it starts from are left out.
    """

    renamed_weights = REGION_WEIGHTS

    def __init__(
        self,
        num_classes: int,
        num_predicates: int,
        features: dict | None = None,
        frequency_bias: bool = True,
        hidden_channels: int = 512,
        num_iters: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, num_predicates, frequency_bias, **kwargs)
        self.features = PairFeatures(**features or {})
        regions = self.features.object_channels
        unions = self.features.union_channels
        if not regions or not unions:
            raise ValueError(
                'IMPRelHead knows objects by their regions and pairs by their '
                'union boxes only; give its features object_head and '
                'union_head, each with its RoI extractor'
            )
        self.node_fc = nn.Linear(regions, hidden_channels)
        self.edge_fc = nn.Linear(unions, hidden_channels)
        self.message_passing = MessagePassing(hidden_channels, num_iters)
        self.classifier = nn.Linear(hidden_channels, num_classes + 1)
        self.predicate_fc = nn.Linear(hidden_channels, num_predicates + 1)

    def forward(
        self,
        x: tuple[Tensor, ...],
        objects: list[InstanceData],
        pairs: list[Tensor],
        targets: list[RelationTargets] | None = None,
    ) -> RelationOutput:
        """See the base class."""
        bboxes = [image.bboxes for image in objects]
        stacked = stack_pairs(bboxes, pairs)
        nodes, edges = self.message_passing(
            torch.relu(self.node_fc(self.features.embed_objects(x, bboxes))),
            self.features.score(
                x,
                bboxes,
                stacked,
                lambda _, unions: torch.relu(self.edge_fc(unions)),
            ),
            stacked,
            None if self.training else self.features.max_pairs,
        )
        object_logits, labels = self.decide_classes(
            objects, self.classifier(nodes), targets
        )
        predicate_logits = self.predicate_fc(edges)
        predicate_logits = self.add_frequency_bias(
            predicate_logits, labels[stacked]
        )
        return self.collect(object_logits, labels, predicate_logits, pairs)
