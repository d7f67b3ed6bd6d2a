"""Finding things in texts, from tagged words to entities."""

import pytest

from tests.training.heads.conftest import journeys
from training.heads.prediction import Classifier
from training.heads.recipe import HeadRecipe
from training.heads.tagger import Tagger, TaggingData, fit_tagger
from training.heads.words import TextSpan, spans_of, tags_of, words
from training.lora.errors import TrainingError

RECIPE = HeadRecipe(
    method="full",
    learning_rate=2e-3,
    head_learning_rate=2e-2,
    num_train_epochs=10,
    per_device_train_batch_size=8,
)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, encoder_folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.heads.encoder.packaged_encoder", lambda: encoder_folder)
        return fit_tagger(TaggingData(*journeys()), RECIPE, tmp_path_factory.mktemp("tagger"))


def test_it_learns(fitted):
    assert fitted.metrics.f1 > 0.95


def test_it_finds_things_by_their_characters(fitted):
    text = "The film went to Oslo. The coat was in New York!"
    (found,) = Tagger.load(fitted.folder).predict([text])
    named = [(text[e.start : e.end], e.label) for e in found]
    assert named == [("Oslo", "place"), ("New York", "place")]
    assert all(0 < each.probability <= 1 for each in found)


def test_it_tags_words_also_beyond_the_encoders_length(fitted):
    tagger = Tagger.load(fitted.folder)
    rows = [["the", "desk", "went", "to", "rome"], ["the"] * 400]
    tags = tagger.predict_tokens(rows)
    assert tags[0] == ["O", "O", "O", "O", "B-place"]
    assert len(tags[1]) == 400
    assert tagger.predict([]) == tagger.predict_tokens([]) == []


def test_it_is_no_classifier(fitted):
    with pytest.raises(TrainingError, match="sort"):
        Classifier.load(fitted.folder)


def test_every_word_needs_a_tag(tmp_path):
    with pytest.raises(TrainingError, match="tag"):
        fit_tagger(TaggingData([["a", "b"]], [["O"]]), RECIPE, tmp_path)


def test_words_of_texts_in_several_scripts():
    assert [word.text for word in words("Don't go, 北京2024!")] == [
        *("Don", "'", "t", "go", ",", "北", "京", "2024", "!")
    ]


def test_spans_there_and_back():
    text = "Ann Lee met 王明 in Rome."
    spans = [TextSpan(0, 7, "person"), TextSpan(12, 14, "person"), TextSpan(18, 22, "place")]
    own = words(text)
    tags = tags_of(own, spans)
    assert tags == ["B-person", "I-person", "O", "B-person", "I-person", "O", "B-place", "O"]
    assert spans_of(own, tags) == spans
