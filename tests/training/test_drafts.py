"""Drafts are measured against the texts that stand in rows kept aside."""

import pytest

from training.drafts import measures
from training.rendering import Checked

REFERENCES = [["The fern likes the bathroom and the steam"], ["Water it on Sundays"]]


def test_the_same_text_is_as_near_as_can_be() -> None:
    same = [Checked(each[0]) for each in REFERENCES]
    found = measures(same, REFERENCES, taught=["Nothing of this was ever learnt from a row"])
    assert found["bleu"] == pytest.approx(100)
    assert (found["chrf"], found["rouge_l"]) == (pytest.approx(100), 1.0)
    assert (found["terms"], found["limits"], found["copied"]) == (1.0, 1.0, 0.0)


def test_terms_and_limits_are_counted_by_the_draft() -> None:
    read = [Checked("A fern", terms=False), Checked("Water", limits=False)]
    found = measures(read, REFERENCES, taught=[])
    assert (found["terms"], found["limits"]) == (0.5, 0.5)
    assert found["chrf"] < 50


def test_what_was_learnt_by_heart_shows() -> None:
    text = "one two three four five six seven eight nine ten"
    found = measures([Checked(text)], [["something else"]], taught=[text])
    assert found["copied"] == 1.0
