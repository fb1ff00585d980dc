"""What a model costs on random data: time and memory of its stages."""

from .model_benchmark import ModelBenchmark
from .union_comparison import compare_unions

__all__ = ['ModelBenchmark', 'compare_unions']
