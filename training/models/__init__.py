"""Datasets and their versions, training runs, and the models that come of them."""

from training.models.aliases import ModelAlias, ModelPolicy
from training.models.datasets import Dataset, DatasetRow, DatasetVersion
from training.models.files import TrainingFile
from training.models.runs import TrainingEvent, TrainingRun
from training.models.versions import ModelSwitch, ModelVersion

__all__ = [
    "Dataset",
    "DatasetRow",
    "DatasetVersion",
    "ModelAlias",
    "ModelPolicy",
    "ModelSwitch",
    "ModelVersion",
    "TrainingEvent",
    "TrainingFile",
    "TrainingRun",
]
