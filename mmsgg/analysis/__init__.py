"""Look into data sets, at what a model costs, and into its results."""

from .config_checks import check_config
from .config_datasets import (
    build_dataset,
    dataset_meta,
    dataset_settings,
    inner_datasets,
)
from .config_visualizer import build_visualizer
from .csv_file import write_csv
from .curve_plots import plot_curves
from .gallery_page import Card, gallery_page
from .graph_statistics import GraphStatistics, graph_statistics
from .ground_truth_samples import pipeline_sample, raw_sample
from .image_results import ImageResult, best_and_worst, image_results
from .model_benchmark import ModelBenchmark
from .predicate_confusion import PredicateConfusion, predicate_confusion
from .predicate_plots import plot_confusion, plot_predicate_recalls
from .problem_report import ProblemReport, text_table
from .result_samples import result_sample
from .statistics_plots import plot_predicates, plot_prior
from .training_log import TrainingLog, read_training_log
from .union_comparison import compare_unions

__all__ = [
    'Card',
    'GraphStatistics',
    'ImageResult',
    'ModelBenchmark',
    'PredicateConfusion',
    'ProblemReport',
    'TrainingLog',
    'best_and_worst',
    'build_dataset',
    'build_visualizer',
    'check_config',
    'compare_unions',
    'dataset_meta',
    'dataset_settings',
    'gallery_page',
    'graph_statistics',
    'image_results',
    'inner_datasets',
    'pipeline_sample',
    'plot_confusion',
    'plot_curves',
    'plot_predicate_recalls',
    'plot_predicates',
    'plot_prior',
    'predicate_confusion',
    'raw_sample',
    'read_training_log',
    'result_sample',
    'text_table',
    'write_csv',
]
