"""What can be wrong with a data set, found file by file."""

from .graphs import (
    OpenedDataset,
    check_graphs,
    check_overlap,
    check_self_relations,
)
from .images import check_split_images
from .report import PROBLEM_KINDS, ProblemReport
from .vg150_files import check_vg150_files

__all__ = [
    'PROBLEM_KINDS',
    'OpenedDataset',
    'ProblemReport',
    'check_graphs',
    'check_overlap',
    'check_self_relations',
    'check_split_images',
    'check_vg150_files',
]
