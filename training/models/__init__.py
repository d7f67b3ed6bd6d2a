"""Datasets and their versions, training runs, and the models that come of them."""

from training.models.datasets import Dataset, DatasetRow, DatasetVersion
from training.models.runs import TrainingRun
from training.models.versions import ModelSwitch, ModelVersion

__all__ = [
    "Dataset",
    "DatasetRow",
    "DatasetVersion",
    "ModelSwitch",
    "ModelVersion",
    "TrainingRun",
]
