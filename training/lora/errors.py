"""What can go wrong in training, each with a stable code that the app above maps to its answer."""

from __future__ import annotations


class TrainingError(Exception):
    """`code` is stable, `message` says what to do, `field` names the setting at fault if one is.

    Codes: recipe_invalid, dataset_too_small, checkpoint_mismatch, model_unsupported,
    model_numerical_error, insufficient_storage, adapter_invalid.
    """

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field
