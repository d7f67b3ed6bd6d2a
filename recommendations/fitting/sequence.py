"""The sequence model of a workspace, where it has enough behaviour for one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from recommendations.fitting.data import HISTORY, Behaviour
from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.cold import completed
from recommendations.ranking.sequence.config import ModelConfig, TrainingConfig
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sequence.weights import Weights, save
from recommendations.serving.trained import ITEMS, SEQUENCE

# Below this, transitions and texts say more than a model could learn.
LEAST_EVENTS, LEAST_PERSONS = 2_000, 100
EPOCHS = 60
# With fewer events an item's vector says less than its text does.
LEAST_OF_ITEM = 3


def copied(weights: Weights) -> Weights:
    """In memory of its own: arrays that are mapped from files cannot be written to."""
    return {name: np.array(array) for name, array in weights.items()}


def fit_sequence(
    behaviour: Behaviour,
    vectors: FloatArray,
    folder: Path,
    progress: Callable[[float], None],
    last: Encoder | None = None,
) -> Encoder | None:
    """Train on all but the newest days and write the weights; None where there is too little.

    Starts from the `last` model's weights. Items that hardly anybody dealt with get the vector
    that their text stands for.

    Half of the newest days' cases say when to stop; the other half is left for the measuring.
    """
    sequences = [each for each in behaviour.before.sequences() if len(each) > 1]
    chosen = behaviour.chosen_on
    if len(behaviour.before) < LEAST_EVENTS or len(sequences) < LEAST_PERSONS or not chosen:
        return None
    # torch, for the worker alone
    from recommendations.ranking.sequence.training import Holdout, Setup, train

    training = TrainingConfig(epochs=EPOCHS)
    setup = Setup(
        sequences=sequences,
        holdout=Holdout(
            [case.history for case in chosen], np.array([case.target for case in chosen])
        ),
        n_items=behaviour.n_items,
        model=ModelConfig(length=HISTORY),
        training=training,
        text=vectors.astype(np.float32) if vectors.any() else None,
        warm_start=copied(last.weights) if last else None,
    )
    result = train(setup, progress=lambda now: progress(now.epoch / training.epochs))
    weights = dict(result.weights)
    items = weights.pop("items")
    if vectors.any():
        counts = np.bincount(behaviour.before.items, minlength=behaviour.n_items)
        items = completed(items, vectors.astype(np.float32), counts >= LEAST_OF_ITEM)
    save(folder / SEQUENCE, weights, result.config)
    np.save(folder / ITEMS, items, allow_pickle=False)
    return Encoder.load(folder / SEQUENCE, items)
