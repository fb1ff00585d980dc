"""The data sample that travels through data sets, models and metrics."""

from .sg_data_sample import SGDataSample

__all__ = ['SGDataSample']
