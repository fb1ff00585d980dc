"""Scene graph recalls in plain loops, written apart from the package."""


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if w <= 0 or h <= 0:
        return 0.0
    area_a = (a[2] - a[0] + 1) * (a[3] - a[1] + 1)
    area_b = (b[2] - b[0] + 1) * (b[3] - b[1] + 1)
    return w * h / (area_a + area_b - w * h)


def is_hit(sample, pair, predicate, row, thr):
    gt, gt_rel = sample['gt_instances'], sample['gt_relations']
    pred = sample['pred_instances']
    if predicate != gt_rel['labels'][row]:
        return False
    for i, g in zip(pair, gt_rel['pairs'][row], strict=True):
        if pred['labels'][i] != gt['labels'][g]:
            return False
        if iou(pred['bboxes'][i].tolist(), gt['bboxes'][g].tolist()) < thr:
            return False
    return True


def constrained(sample):
    rel = sample['pred_relations']
    triplets = []
    for pair, scores in zip(
        rel['pairs'].tolist(), rel['predicate_scores'].tolist(), strict=True
    ):
        best = 0
        for p in range(len(scores)):
            if scores[p] > scores[best]:
                best = p
        triplets.append((pair, best))
    if 'scores' in rel:
        score = rel['scores'].tolist()
        order = sorted(range(len(triplets)), key=lambda i: (-score[i], i))
        triplets = [triplets[i] for i in order]
    return triplets


def unconstrained(sample):
    rel, scores = sample['pred_relations'], sample['pred_instances']['scores']
    candidates = []
    for k, (s, o) in enumerate(rel['pairs'].tolist()):
        for p, probability in enumerate(rel['predicate_scores'][k]):
            score = scores[s] * scores[o] * probability
            candidates.append((-float(score), k, p, [s, o]))
    candidates.sort(key=lambda c: c[:3])
    return [(pair, p) for _, _, p, pair in candidates]


def hit_rows(sample, triplets, thr):
    rows = set()
    for pair, predicate in triplets:
        for row in range(len(sample['gt_relations']['labels'])):
            if is_hit(sample, pair, predicate, row, thr):
                rows.add(row)
    return rows


def mean(values):
    return sum(values) / len(values) if values else float('nan')


def image_mean(samples, rank, k, thr, zero_shot=None):
    recalls = []
    for sample in samples:
        rows = range(len(sample['gt_relations']['labels']))
        if zero_shot is not None:
            rows = [r for r in rows if triplet(sample, r) in zero_shot]
        if len(rows):
            hits = hit_rows(sample, rank(sample)[:k], thr)
            recalls.append(len(hits & set(rows)) / len(rows))
    return mean(recalls)


def triplet(sample, row):
    labels = sample['gt_instances']['labels']
    s, o = sample['gt_relations']['pairs'][row]
    predicate = sample['gt_relations']['labels'][row]
    return int(labels[s]), int(labels[o]), int(predicate)


def predicate_mean(samples, rank, k, thr, num_predicates):
    if not any(len(s['gt_relations']['labels']) for s in samples):
        return float('nan')
    means = []
    for p in range(num_predicates):
        recalls = []
        for sample in samples:
            labels = sample['gt_relations']['labels'].tolist()
            rows = {r for r, label in enumerate(labels) if label == p}
            if rows:
                hits = hit_rows(sample, rank(sample)[:k], thr)
                recalls.append(len(hits & rows) / len(rows))
        means.append(mean(recalls) if recalls else 0.0)
    return mean(means)


def accuracy(samples, k, thr):
    hits = rows = 0
    for sample in samples:
        gt_pairs = sample['gt_relations']['pairs'].tolist()
        triplets = [t for t in constrained(sample) if t[0] in gt_pairs]
        hits += len(hit_rows(sample, triplets[:k], thr))
        rows += len(gt_pairs)
    return hits / rows if rows else float('nan')


def slow_recalls(samples, metrics, topk, zero_shot, num_predicates, thr=0.5):
    results = {}
    for k in topk:
        for name in metrics:
            rank = unconstrained if name.startswith('ng-') else constrained
            kind = name.replace('ng-', '')
            if kind == 'R':
                value = image_mean(samples, rank, k, thr)
            elif kind == 'zR':
                value = image_mean(samples, rank, k, thr, zero_shot)
            elif kind == 'mR':
                value = predicate_mean(samples, rank, k, thr, num_predicates)
            else:
                value = accuracy(samples, k, thr)
            results[f'{name}@{k}'] = value
    return results
