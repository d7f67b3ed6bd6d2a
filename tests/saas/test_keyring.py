"""Secrets at rest: bound to their owner, and readable after the keys were changed."""

from typing import Any
from uuid import uuid4

import pytest

from saas import keyring

OWNER = uuid4()


def test_what_was_sealed_opens_again_and_shows_nothing() -> None:
    sealed = keyring.seal("mk-canary", owner=OWNER)
    assert keyring.unseal(sealed, owner=OWNER) == "mk-canary"
    assert "canary" not in sealed
    assert sealed != keyring.seal("mk-canary", owner=OWNER)


def test_another_owner_cannot_open_it() -> None:
    sealed = keyring.seal("mk-canary", owner=OWNER)
    with pytest.raises(keyring.Unreadable):
        keyring.unseal(sealed, owner=uuid4())


def test_a_secret_outlives_the_change_of_the_key_and_not_its_loss(
    settings: Any,
) -> None:
    settings.ENCRYPTION_KEYS = ["old"]
    sealed = keyring.seal("mk-canary", owner=OWNER)
    settings.ENCRYPTION_KEYS = ["new", "old"]
    assert keyring.unseal(sealed, owner=OWNER) == "mk-canary"
    fresh = keyring.seal("mk-canary", owner=OWNER)
    settings.ENCRYPTION_KEYS = ["new"]
    assert keyring.unseal(fresh, owner=OWNER) == "mk-canary"
    with pytest.raises(keyring.Unreadable):
        keyring.unseal(sealed, owner=OWNER)


@pytest.mark.parametrize("broken", ["", "nonsense", "gAAAAAB"])
def test_what_is_no_sealed_secret_is_told_so(broken: str) -> None:
    with pytest.raises(keyring.Unreadable):
        keyring.unseal(broken, owner=OWNER)
