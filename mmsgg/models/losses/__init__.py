"""Losses of relation heads beside mmdet's."""

from .class_balanced_loss import ClassBalancedLoss

__all__ = ['ClassBalancedLoss']
