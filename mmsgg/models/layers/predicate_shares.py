"""Shift the predicates of a pair against each other by how rare they are."""

import torch
from torch import Tensor


def log_rarity(
    counts: Tensor, tau: float = 1.0, rare_gain: float | None = None
) -> Tensor:
    """How much a predicate gains over the frequent ones, as a logit.

    With pi the share of each predicate in the training set::

        -tau log pi                      rare_gain=None (Menon et al. 2021)
        log(1 + rare_gain pi ** -tau)    else

    The second is the choice that serves two aims best where the
    probabilities are right: a hit adds 1 to R, and rare_gain / pi to mR, up
    to factors that all predicates share.

    Args:
        counts: (P,) relations of each predicate; what has none counts as one.
        tau: 0 leaves all as it is.
        rare_gain: Weight of mR against R.

    Returns:
        (P,) float32.
    """
    found = counts.double().clamp(min=1)
    rarity = -tau * (found / found.sum()).log()
    if rare_gain is not None:
        rarity = torch.log1p(rare_gain * rarity.exp())
    return rarity.float()


def share_related(logits: Tensor, effect: Tensor) -> Tensor:
    """Let background keep its probability, and predicates share out the rest.

    Args:
        logits: (K, P + 1), background last.
        effect: (K, P) logits whose softmax are the new shares.

    Returns:
        (K, P + 1) log probabilities.
    """
    log_probs = logits.float().log_softmax(dim=1)
    related = log_probs[:, :-1].logsumexp(dim=1, keepdim=True)
    shares = effect.float().log_softmax(dim=1)
    return torch.cat([shares + related, log_probs[:, -1:]], dim=1)


def shift_predicates(
    logits: Tensor, shift: Tensor, keep_background: bool = True
) -> Tensor:
    """Add a shift to the predicates of K pairs.

    Args:
        logits: (K, P + 1), background last.
        shift: (P,).
        keep_background: Whether background keeps its probability; else its
            logit stays as it is, and it competes with what was shifted.

    Returns:
        (K, P + 1) logits.
    """
    effect = logits[:, :-1] + shift
    if keep_background:
        return share_related(logits, effect)
    return torch.cat([effect, logits[:, -1:]], dim=1)
