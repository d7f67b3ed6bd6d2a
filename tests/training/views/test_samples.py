"""What a run writes meanwhile, as the page of the run shows it."""

import pytest

from training.views.runs import as_text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("A plain text.", "A plain text."),
        ('{"headline": "Rest well", "benefits": ["Dims", "Lasts"]}', "Rest well\nDims\nLasts"),
        ('{"tagline": "A fern", "body": "It forgives mis', "A fern\nIt forgives mis"),
        ("[1] is no piece of copy", "[1] is no piece of copy"),
        ('{"tagline": ', ""),
        ("", ""),
    ],
)
def test_copy_is_shown_by_its_parts(written: str, shown: str) -> None:
    assert as_text(written) == shown
