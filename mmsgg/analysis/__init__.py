"""Look into data sets before a model does, and at what a model costs."""

from .config_checks import check_config
from .config_datasets import build_dataset, dataset_settings, inner_datasets
from .frequency_prior import prior_probabilities, prior_recall
from .graph_statistics import GraphStatistics, graph_statistics
from .ground_truth_samples import pipeline_sample, raw_sample
from .model_benchmark import ModelBenchmark
from .problem_report import ProblemReport, text_table
from .statistics_plots import plot_predicates, plot_prior
from .union_comparison import compare_unions

__all__ = [
    'GraphStatistics',
    'ModelBenchmark',
    'ProblemReport',
    'build_dataset',
    'check_config',
    'compare_unions',
    'dataset_settings',
    'graph_statistics',
    'inner_datasets',
    'pipeline_sample',
    'plot_predicates',
    'plot_prior',
    'prior_probabilities',
    'prior_recall',
    'raw_sample',
    'text_table',
]
