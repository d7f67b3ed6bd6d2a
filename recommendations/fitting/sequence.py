"""The sequence model of a workspace, where it has enough behaviour for one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from recommendations.fitting.data import HISTORY, Behaviour
from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.sequence.config import ModelConfig, TrainingConfig
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sequence.weights import save

# Below this, transitions and texts say more than a model could learn.
LEAST_EVENTS, LEAST_PERSONS = 2_000, 100
EPOCHS = 60


def fit_sequence(
    behaviour: Behaviour, vectors: FloatArray, path: Path, progress: Callable[[float], None]
) -> Encoder | None:
    """Train on all but the newest days and write the weights; None where there is too little.

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
    )
    result = train(setup, progress=lambda now: progress(now.epoch / training.epochs))
    save(path, result.weights, result.config)
    return Encoder.load(path)
