"""Losses of relation heads beside mmdet's."""

from .counted_losses import ClassBalancedLoss, CountedLoss, LogitAdjustedLoss

__all__ = ['ClassBalancedLoss', 'CountedLoss', 'LogitAdjustedLoss']
