"""The kinds of problems a data set can have, each with its mend."""

from typing import NamedTuple


class ProblemKind(NamedTuple):
    """What one kind of problem means."""

    is_error: bool  # whether training, or what a test says of it, suffers
    mend: str


def _error(mend: str) -> ProblemKind:
    return ProblemKind(True, mend)


def _warning(mend: str) -> ProblemKind:
    return ProblemKind(False, mend)


#: The kinds by name, in the order of a report.
PROBLEM_KINDS = {
    'unreadable data set': _error(
        'the message says what to do; until then nothing else of this data '
        'set can be checked'
    ),
    'no images in the split': _error(
        'check split, num_val and the filter_* settings of this data set'
    ),
    'vocabulary mismatch': _error(
        'pass metainfo=dict(classes=[...], predicates=[...]) in the order of '
        'the file, or the file that belongs to the config'
    ),
    'model size mismatch': _error(
        'set num_classes and num_predicates of the model to the numbers of '
        'names in the metainfo'
    ),
    'rows do not match images': _error(
        'take the annotation file and image_data.json of the same release'
    ),
    'row range broken': _error('write img_to_first_*/img_to_last_* again'),
    'image size not positive': _error(
        'correct height and width of the image in the file'
    ),
    'class out of range': _error(
        'correct the label, or name all classes in the metainfo'
    ),
    'predicate out of range': _error(
        'correct the label, or name all predicates in the metainfo'
    ),
    'pair out of range': _error(
        'let the relation point at boxes of its own image, or remove it'
    ),
    'box empty or outside': _error('correct the box, or remove it'),
    'missing image': _error(
        'fetch the file, or correct data_root, data_prefix and the folders'
    ),
    'undecodable image': _error('fetch the file again'),
    'image of another size': _error(
        'correct height and width in the annotation (boxes are in their '
        'pixels), or fetch the original file'
    ),
    'image in train and in test': _error(
        'take the image out of one split; data sets that share num_val must '
        'also share the filter_* settings'
    ),
    'same content in train and test': _warning(
        'two files of different splits are equal byte for byte; leave one out'
    ),
    'image twice in a split': _warning('remove one of the two entries'),
    'relation of a box to itself': _warning(
        'filter_self_relations=True drops these; no model predicts such a pair'
    ),
    'box reaches out of the image': _warning(
        'nothing: the box is clipped; correct it if it is far outside'
    ),
    'duplicate relation': _warning(
        'filter_duplicate_relations=True for training; the metric counts '
        'every row'
    ),
    'duplicate box': _warning(
        'remove one; relations of both boxes are then those of one'
    ),
    'name never occurs in training': _warning(
        'the model cannot learn it; leave it out, or use more images'
    ),
}
