"""Folders of files that tests read and do not make."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Values that others' code gave, at hand in every clone.
REFERENCE = Path(
    os.environ.get('MMSGG_REFERENCE') or ROOT / 'tests' / 'data' / 'reference'
)
#: Real data sets, not part of the project; what needs them is skipped.
DATA = Path(os.environ.get('MMSGG_DATA') or ROOT.parent / 'shared' / 'data')
