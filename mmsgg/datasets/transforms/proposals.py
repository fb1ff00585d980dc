"""Load boxes that something else than the detector's RPN proposes."""

from pathlib import Path

import mmdet.datasets.transforms
from mmengine.fileio import load

from mmsgg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadProposals(mmdet.datasets.transforms.LoadProposals):
    """mmdet's transform, which here takes the file itself.

    Args:
        proposal_file: Pickle as mmdet's metric ``DumpProposals`` writes it:
            the proposals of each image, named by its folder and file
            (``'VG_100K/1.jpg'``), with ``bboxes`` (n, 4), original-image
            pixels, and ``scores`` (n,), best first.
        num_max_proposals: How many of the first to take, all by default.

    Raises:
        FileNotFoundError: If there is no such file.
    """

    def __init__(
        self, proposal_file: str, num_max_proposals: int | None = None
    ) -> None:
        super().__init__(num_max_proposals)
        if not Path(proposal_file).is_file():
            raise FileNotFoundError(
                f'there is no file of proposals {proposal_file}; write it '
                f"with the metric 'mmdet.DumpProposals', or take "
                f'LoadProposals out of the pipeline and use an rpn_head'
            )
        self.proposal_file = proposal_file
        self.proposals = load(proposal_file)

    def transform(self, results: dict) -> dict:
        """Load ``proposals`` (n, 4) and ``proposals_scores`` (n,).

        Args:
            results: The item, with ``img_path``.

        Raises:
            KeyError: If the file has nothing for the image.
        """
        name = '/'.join(Path(results['img_path']).parts[-2:])
        if name not in self.proposals:
            raise KeyError(
                f'no proposals for {name} among the {len(self.proposals)} '
                f'images of {self.proposal_file}; write them with '
                f"the metric 'mmdet.DumpProposals' on this split"
            )
        results['proposals'] = self.proposals[name]
        return super().transform(results)
