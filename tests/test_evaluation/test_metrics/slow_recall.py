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


def phrase_box(boxes, pair):
    a, b = boxes[pair[0]].tolist(), boxes[pair[1]].tolist()
    return [
        min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
    ]  # fmt: skip


def quality(sample, pair, row, phrase):
    gt, pred = sample['gt_instances'], sample['pred_instances']
    gt_pair = sample['gt_relations']['pairs'][row]
    if phrase:
        return iou(
            phrase_box(pred['bboxes'], pair), phrase_box(gt['bboxes'], gt_pair)
        )
    return min(
        iou(pred['bboxes'][i].tolist(), gt['bboxes'][g].tolist())
        for i, g in zip(pair, gt_pair, strict=True)
    )


def classes_agree(sample, pair, predicate, row):
    s, o = (int(sample['pred_instances']['labels'][i]) for i in pair)
    return (s, o, predicate) == triplet(sample, row)


def phrase_mean(samples, rank, k, thr):
    recalls = []
    for sample in samples:
        num_rows = len(sample['gt_relations']['labels'])
        hits = {
            row
            for pair, predicate in rank(sample)[:k]
            for row in range(num_rows)
            if classes_agree(sample, pair, predicate, row)
            and quality(sample, pair, row, True) >= thr
        }
        if num_rows:
            recalls.append(len(hits) / num_rows)
    return mean(recalls)


def limited(sample, predicates_per_pair):
    if predicates_per_pair == 1:
        return constrained(sample)
    scores = sample['pred_relations']['predicate_scores'].tolist()
    pairs = sample['pred_relations']['pairs'].tolist()
    kept = []
    for pair, row in zip(pairs, scores, strict=True):
        order = sorted(range(len(row)), key=lambda p, row=row: (-row[p], p))
        kept += [(pair, p) for p in order[:predicates_per_pair]]
    return [t for t in unconstrained(sample) if t in kept]


def pooled(samples, k, thr, phrase, predicates_per_pair):
    hits = rows = 0
    for sample in samples:
        num_rows = len(sample['gt_relations']['labels'])
        used = set()
        for pair, predicate in limited(sample, predicates_per_pair)[:k]:
            best, best_row = thr, None
            for row in range(num_rows):
                if row in used:
                    continue
                if not classes_agree(sample, pair, predicate, row):
                    continue
                value = quality(sample, pair, row, phrase)
                if value > best or (value == best and best_row is None):
                    best, best_row = value, row
            if best_row is not None:
                used.add(best_row)
        hits += len(used)
        rows += num_rows
    return hits / rows if rows else float('nan')


def harmonic(a, b):
    if a != a or b != b:
        return float('nan')
    return 2 / (1 / a + 1 / b) if a and b else 0.0


def group_mean(samples, rank, k, thr, group):
    if not any(len(s['gt_relations']['labels']) for s in samples):
        return float('nan')
    recalls = []
    for p in group:
        values = [predicate_share(s, p, rank, k, thr) for s in samples]
        recalls.append(mean([v for v in values if v is not None] or [0.0]))
    return mean(recalls)


def predicate_share(sample, p, rank, k, thr):
    labels = sample['gt_relations']['labels'].tolist()
    rows = {r for r, label in enumerate(labels) if label == p}
    if not rows:
        return None
    return len(hit_rows(sample, rank(sample)[:k], thr) & rows) / len(rows)


def slow_recalls(
    samples, metrics, topk, zero_shot, num_predicates, thr=0.5, few=1
):
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
            elif kind == 'F':
                value = harmonic(
                    image_mean(samples, rank, k, thr),
                    predicate_mean(samples, rank, k, thr, num_predicates),
                )
            elif kind == 'phr-R':
                value = phrase_mean(samples, rank, k, thr)
            elif kind.startswith('pooled'):
                value = pooled(samples, k, thr, 'phr' in kind, few)
            else:
                value = accuracy(samples, k, thr)
            results[f'{name}@{k}'] = value
    return results
