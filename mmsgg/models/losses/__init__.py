"""Losses of relation heads beside mmdet's."""

from .class_balanced_loss import ClassBalancedLoss
from .counted_loss import CountedLoss
from .logit_adjusted_loss import LogitAdjustedLoss

__all__ = ['ClassBalancedLoss', 'CountedLoss', 'LogitAdjustedLoss']
