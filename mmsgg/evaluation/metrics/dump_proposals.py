"""Keeping the boxes of a detector for training on them."""

from pathlib import Path
from typing import Any

import mmdet.evaluation
from mmengine.logging import print_log

from mmsgg.fileio import write_records
from mmsgg.registry import METRICS


@METRICS.register_module()
class DumpProposals(mmdet.evaluation.DumpProposals):
    """mmdet's metric, which here writes no pickle.

    Args:
        output_dir: Folder of the file.
        proposals_file: Its name, ``.npz``.
        **kwargs: Of mmdet's metric.

    Raises:
        ValueError: If the name has another ending.

    Examples:
        >>> test_evaluator = dict(
        ...     type='DumpProposals', proposals_file='data/proposals.npz')
    """

    def __init__(
        self,
        output_dir: str = '',
        proposals_file: str = 'proposals.npz',
        **kwargs: Any,
    ) -> None:
        if not proposals_file.endswith('.npz'):
            raise ValueError(f"'{proposals_file}' does not end in .npz")
        # mmdet's insists on a pickle
        super().__init__(output_dir, 'any.pkl', **kwargs)
        self.proposals_file = str(Path(output_dir, proposals_file))

    def compute_metrics(self, results: list[dict]) -> dict:
        """Write the file.

        Args:
            results: One entry an image.

        Returns:
            No numbers.
        """
        records = [
            dict(img_name=name, proposals=dict(found.items()))
            for result in results
            for name, found in result.items()
        ]
        write_records(self.proposals_file, records)
        print_log(f'Wrote {self.proposals_file}', logger='current')
        return {}
