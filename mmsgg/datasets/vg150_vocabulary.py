"""Names of VG150 in index order (0-based), background left out.

The split of Xu et al. (CVPR 2017): the 150 most frequent object classes and
the 50 most frequent predicates of Visual Genome, both in alphabetical order.
"""

# fmt: off
VG150_CLASSES = (
    'airplane', 'animal', 'arm', 'bag', 'banana', 'basket', 'beach', 'bear',
    'bed', 'bench', 'bike', 'bird', 'board', 'boat', 'book', 'boot', 'bottle',
    'bowl', 'box', 'boy', 'branch', 'building', 'bus', 'cabinet', 'cap', 'car',
    'cat', 'chair', 'child', 'clock', 'coat', 'counter', 'cow', 'cup',
    'curtain', 'desk', 'dog', 'door', 'drawer', 'ear', 'elephant', 'engine',
    'eye', 'face', 'fence', 'finger', 'flag', 'flower', 'food', 'fork',
    'fruit', 'giraffe', 'girl', 'glass', 'glove', 'guy', 'hair', 'hand',
    'handle', 'hat', 'head', 'helmet', 'hill', 'horse', 'house', 'jacket',
    'jean', 'kid', 'kite', 'lady', 'lamp', 'laptop', 'leaf', 'leg', 'letter',
    'light', 'logo', 'man', 'men', 'motorcycle', 'mountain', 'mouth', 'neck',
    'nose', 'number', 'orange', 'pant', 'paper', 'paw', 'people', 'person',
    'phone', 'pillow', 'pizza', 'plane', 'plant', 'plate', 'player', 'pole',
    'post', 'pot', 'racket', 'railing', 'rock', 'roof', 'room', 'screen',
    'seat', 'sheep', 'shelf', 'shirt', 'shoe', 'short', 'sidewalk', 'sign',
    'sink', 'skateboard', 'ski', 'skier', 'sneaker', 'snow', 'sock', 'stand',
    'street', 'surfboard', 'table', 'tail', 'tie', 'tile', 'tire', 'toilet',
    'towel', 'tower', 'track', 'train', 'tree', 'truck', 'trunk', 'umbrella',
    'vase', 'vegetable', 'vehicle', 'wave', 'wheel', 'window', 'windshield',
    'wing', 'wire', 'woman', 'zebra',
)

VG150_PREDICATES = (
    'above', 'across', 'against', 'along', 'and', 'at', 'attached to',
    'behind', 'belonging to', 'between', 'carrying', 'covered in', 'covering',
    'eating', 'flying in', 'for', 'from', 'growing on', 'hanging from', 'has',
    'holding', 'in', 'in front of', 'laying on', 'looking at', 'lying on',
    'made of', 'mounted on', 'near', 'of', 'on', 'on back of', 'over',
    'painted on', 'parked on', 'part of', 'playing', 'riding', 'says',
    'sitting on', 'standing on', 'to', 'under', 'using', 'walking in',
    'walking on', 'watching', 'wearing', 'wears', 'with',
)
# fmt: on
