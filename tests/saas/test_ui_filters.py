"""The filters of the components."""

import pytest

from saas.templatetags.ui import HUES, hue, initials


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Alice Wu", "AW"), ("acme", "A"), ("bob.lee@acme.test", "BL"), ("", "?"), ("北 燕", "北燕")],
)
def test_initials_are_one_or_two_letters(name: str, expected: str) -> None:
    assert initials(name) == expected


def test_a_hue_stays_with_its_name() -> None:
    assert hue("Acme") == hue("Acme")
    assert 0 <= hue("Acme") < HUES
