"""Names of GQA-200 in index order (0-based), background left out.

The 200 object classes and 100 predicates of Dong et al. (CVPR 2022), most
frequent first, in the order of ``GQA_200_ID_Info.json``.
"""

# fmt: off
GQA200_CLASSES = (
    'window', 'tree', 'man', 'shirt', 'wall', 'building', 'person', 'ground',
    'sky', 'leg', 'sign', 'hand', 'head', 'pole', 'grass', 'hair', 'car',
    'ear', 'eye', 'woman', 'clouds', 'shoe', 'table', 'leaves', 'wheel',
    'door', 'pants', 'letter', 'people', 'flower', 'water', 'glass', 'chair',
    'fence', 'arm', 'nose', 'number', 'floor', 'rock', 'jacket', 'hat',
    'plate', 'tail', 'leaf', 'face', 'bush', 'shorts', 'road', 'bag',
    'sidewalk', 'tire', 'helmet', 'snow', 'boy', 'umbrella', 'logo', 'roof',
    'boat', 'bottle', 'street', 'plant', 'foot', 'branch', 'post', 'jeans',
    'mouth', 'cap', 'girl', 'bird', 'banana', 'box', 'bench', 'mirror',
    'picture', 'pillow', 'book', 'field', 'glove', 'clock', 'dirt', 'bowl',
    'bus', 'neck', 'trunk', 'wing', 'horse', 'food', 'train', 'kite', 'paper',
    'shelf', 'airplane', 'sock', 'house', 'elephant', 'lamp', 'coat', 'cup',
    'cabinet', 'street light', 'cow', 'word', 'dog', 'finger', 'giraffe',
    'mountain', 'wire', 'flag', 'seat', 'sheep', 'counter', 'skis', 'zebra',
    'hill', 'truck', 'bike', 'racket', 'ball', 'skateboard', 'ceiling',
    'motorcycle', 'player', 'surfboard', 'sand', 'towel', 'frame', 'container',
    'paw', 'feet', 'curtain', 'windshield', 'traffic light', 'horn', 'cat',
    'child', 'bed', 'sink', 'animal', 'donut', 'stone', 'tie', 'pizza',
    'orange', 'sticker', 'apple', 'backpack', 'vase', 'basket', 'drawer',
    'collar', 'lid', 'cord', 'phone', 'pot', 'vehicle', 'fruit', 'laptop',
    'fork', 'uniform', 'bear', 'fur', 'license plate', 'lady', 'tomato', 'tag',
    'mane', 'beach', 'tower', 'cone', 'cheese', 'wrist', 'napkin', 'toilet',
    'desk', 'dress', 'cell phone', 'faucet', 'blanket', 'screen', 'watch',
    'keyboard', 'arrow', 'sneakers', 'broccoli', 'bicycle', 'guy', 'knife',
    'ocean', 't-shirt', 'bread', 'spots', 'cake', 'air', 'sweater', 'room',
    'couch', 'camera', 'frisbee', 'trash can', 'paint',
)

GQA200_PREDICATES = (
    'on', 'wearing', 'of', 'near', 'in', 'behind', 'in front of', 'holding',
    'next to', 'above', 'on top of', 'below', 'by', 'with', 'sitting on',
    'on the side of', 'under', 'riding', 'standing on', 'beside', 'carrying',
    'walking on', 'standing in', 'lying on', 'eating', 'covered by',
    'looking at', 'hanging on', 'at', 'covering', 'on the front of', 'around',
    'sitting in', 'parked on', 'watching', 'flying in', 'hanging from',
    'using', 'sitting at', 'covered in', 'crossing', 'standing next to',
    'playing with', 'walking in', 'on the back of', 'reflected in', 'flying',
    'touching', 'surrounded by', 'covered with', 'standing by', 'driving on',
    'leaning on', 'lying in', 'swinging', 'full of', 'talking on',
    'walking down', 'throwing', 'surrounding', 'standing near',
    'standing behind', 'hitting', 'printed on', 'filled with', 'catching',
    'growing on', 'grazing on', 'mounted on', 'facing', 'leaning against',
    'cutting', 'growing in', 'floating in', 'driving', 'beneath', 'contain',
    'resting on', 'worn on', 'walking with', 'driving down',
    'on the bottom of', 'playing on', 'playing in', 'feeding',
    'standing in front of', 'waiting for', 'running on', 'close to',
    'sitting next to', 'swimming in', 'talking to', 'grazing in', 'pulling',
    'pulled by', 'reaching for', 'attached to', 'skiing on', 'parked along',
    'hang on',
)
