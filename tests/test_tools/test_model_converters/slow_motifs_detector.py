"""The detector of neural-motifs and linknet-pytorch, slow and plain.

It runs on weights under their names. Boxes name their last pixel; background
is class 0.
"""

import math

import torch
import torch.nn.functional as F

from .linknet_pytorch import convolutions, slow_anchors

POOLED = (2, 7, 14, 21)  # a pooling follows these convolutions of VGG16


def feature_map(weights, image):
    """(1, 3, H, W) normalised -> (1, 512, H / 16, W / 16)."""
    for index, _, _ in convolutions():
        image = F.conv2d(
            image,
            weights[f'features.{index}.weight'],
            weights[f'features.{index}.bias'],
            padding=1,
        ).relu()
        if index in POOLED:
            image = F.max_pool2d(image, 2)
    return image


def regress(box, deltas, height, width):
    """Move and stretch one box; clip it to the pixels of the image."""
    x1, y1, x2, y2 = box
    dx, dy, dw, dh = deltas
    w, h = x2 - x1 + 1, y2 - y1 + 1
    x, y = x1 + w / 2 + w * dx, y1 + h / 2 + h * dy
    w, h = w * math.exp(dw), h * math.exp(dh)
    box = [x - w / 2, y - h / 2, x + w / 2 - 1, y + h / 2 - 1]
    ends = [width - 1, height - 1] * 2
    return [min(max(v, 0.0), end) for v, end in zip(box, ends, strict=True)]


def proposals(weights, fmap, height, width):
    """All (box, score) pairs of the RPN; a score of -0.01 is unfit."""
    hidden = F.conv2d(
        fmap,
        weights['rpn_head.conv.0.weight'],
        weights['rpn_head.conv.0.bias'],
        padding=1,
    ).clamp(0, 6)
    out = F.conv2d(
        hidden,
        weights['rpn_head.conv.2.weight'],
        weights['rpn_head.conv.2.bias'],
    )[0].double()
    anchors = slow_anchors(max(fmap.shape[2:])).tolist()
    boxes, scores = [], []
    for row in range(fmap.shape[2]):
        for column in range(fmap.shape[3]):
            for a, anchor in enumerate(anchors[row][column]):
                six = out[6 * a : 6 * a + 6, row, column].tolist()
                box = regress(anchor, six[2:], height, width)
                score = 1 / (1 + math.exp(six[0] - six[1]))
                small = box[2] - box[0] + 1 < 4 or box[3] - box[1] + 1 < 4
                outside = row >= height // 16 or column >= width // 16
                boxes.append(box)
                scores.append(-0.01 if small or outside else score)
    return boxes, scores


def iou(a, b):
    """Intersection over union, pixels counted inclusively."""
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    common = max(w, 0) * max(h, 0)
    areas = [(x[2] - x[0] + 1) * (x[3] - x[1] + 1) for x in (a, b)]
    return common / (sum(areas) - common)


def nms(boxes, scores, threshold):
    """Rows that survive, the best first."""
    kept = []
    for row in sorted(range(len(boxes)), key=lambda r: -scores[r]):
        if all(iou(boxes[row], boxes[k]) <= threshold for k in kept):
            kept.append(row)
    return kept


def crop(fmap, box):
    """(C, 7, 7) bilinear samples of a (C, H, W) map, corner to corner.

    Beyond the map there are zeros.
    """
    fmap = F.pad(fmap, (1, 1, 1, 1))
    x1, y1, x2, y2 = (v / 16 + 1 for v in box)
    out = fmap.new_zeros(len(fmap), 7, 7)
    for i in range(7):
        for j in range(7):
            x, y = x1 + (x2 - x1) * j / 6, y1 + (y2 - y1) * i / 6
            left, top = math.floor(x), math.floor(y)
            u, v = x - left, y - top
            for row, a in ((top, 1 - v), (top + 1, v)):
                for column, b in ((left, 1 - u), (left + 1, u)):
                    if a * b > 0:
                        out[:, i, j] += a * b * fmap[:, row, column]
    return out


def classify(weights, fmap, boxes, height, width):
    """Class probabilities (n, C + 1) and class boxes (n, C + 1, 4)."""

    def linear(x, name):
        return F.linear(x, weights[f'{name}.weight'], weights[f'{name}.bias'])

    pooled = torch.stack([crop(fmap[0], box) for box in boxes])
    hidden = linear(pooled.flatten(1), 'roi_fmap.0').relu()
    hidden = linear(hidden, 'roi_fmap.3').relu()
    probabilities = linear(hidden, 'score_fc').double().softmax(dim=1)
    deltas = linear(hidden, 'bbox_fc').double().unflatten(1, (-1, 4)).tolist()
    class_boxes = [
        [regress(box, d, height, width) for d in row]
        for box, row in zip(boxes, deltas, strict=True)
    ]
    return probabilities.tolist(), class_boxes


def detections(probabilities, class_boxes, threshold, most):
    """The (row, class) pairs of the objects, the best first."""
    best = {}
    for label in range(1, len(probabilities[0])):
        boxes = [row[label] for row in class_boxes]
        scores = [row[label] for row in probabilities]
        for row in nms(boxes, scores, 0.3):
            best[row] = max(best.get(row, (0, 0)), (scores[row], label))
    ranked = sorted(best, key=lambda row: -best[row][0])
    ranked = [row for row in ranked if best[row][0] > threshold]
    return [(row, best[row][1]) for row in ranked[:most]]
