"""The encoder: what it makes of texts, and the one that is packaged."""

import numpy as np
import pytest

from training.heads.encoder import Encoder, packaged_encoder
from training.lora.errors import TrainingError


def test_a_text_has_the_same_vector_alone_and_in_company(toy_encoder):
    texts = ["the film was great", "lima", "the train went to oslo and the coat was in rome ."]
    together = toy_encoder.features(texts)
    alone = np.concatenate([toy_encoder.features([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-2)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_long_texts_are_cut(toy_encoder):
    encoder = Encoder.load(max_length=16)
    assert len(encoder.encode(["the " * 500])[0].ids) == 16
    assert encoder.features([""]).shape == (1, toy_encoder.feature_size)


def test_a_folder_without_an_encoder_is_refused(tmp_path):
    with pytest.raises(TrainingError) as caught:
        Encoder.load(tmp_path)
    assert caught.value.code == "model_unsupported"


def test_the_packaged_encoder_knows_what_is_alike(monkeypatch):
    monkeypatch.undo()
    encoder = Encoder.load(packaged_encoder())
    cat, kitten, tax = encoder.features(["A cat sleeps.", "A kitten naps.", "Tax rates rose."])
    assert cat @ kitten > cat @ tax + 0.1
