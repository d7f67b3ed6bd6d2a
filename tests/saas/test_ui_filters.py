"""The filters of the components."""

import pytest

from saas.templatetags.ui import HUES, browser, hue, initials


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Alice Wu", "AW"), ("acme", "A"), ("bob.lee@acme.test", "BL"), ("", "?"), ("北 燕", "北燕")],
)
def test_initials_are_one_or_two_letters(name: str, expected: str) -> None:
    assert initials(name) == expected


def test_a_hue_stays_with_its_name() -> None:
    assert hue("Acme") == hue("Acme")
    assert 0 <= hue("Acme") < HUES


CHROME = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"


@pytest.mark.parametrize(
    ("agent", "expected"),
    [(CHROME, "Chrome, Linux"), (SAFARI, "Safari, iPhone"), ("curl/8.5.0", "curl/8.5.0")],
)
def test_a_user_agent_is_told_in_words(agent: str, expected: str) -> None:
    assert browser(agent) == expected
