"""Home is an inbox: what waits for its reader, and why something failed."""

import pytest
from django.test import Client

from generation.models import Brand, Brief, Content, Variant
from tests.generation.views.conftest import Url

State = Variant.State


def brief(title: str, *states: str, picked: bool = False) -> Brief:
    brand = Brand.objects.get_or_create(name="Acme")[0]
    made = Brief.objects.create(kind="note", title=title, fields={"topic": title}, brand=brand)
    for number, state in enumerate(states, 1):
        error = "The model server did not answer." if state == State.FAILED else ""
        variant = Variant.objects.create(brief=made, number=number, state=state, error=error)
        if picked and state == State.READY:
            Variant.objects.filter(pk=variant.pk).update(picked_at=made.created_at)
    return made


def card(page: str, title: str) -> str:
    """What stands in the card of this title."""
    found = page.partition(f">{title}</h2>")[2]
    return found.partition("</section>")[0]


@pytest.fixture
def inbox(note: str, in_acme: None) -> None:
    brief("Choose me", State.READY, State.FAILED)
    brief("Still coming", State.READY, State.WRITING)
    brief("Chosen before", State.READY, picked=True)
    brief("Nothing came", State.FAILED, State.FAILED)
    content = Content(kind="note", title="Look at me", status=Content.Status.IN_REVIEW)
    content.add_version(text="Look at me\n", data={"line": "Look at me"})


def test_each_thing_waits_in_one_place(owner: Client, url: Url, inbox: None) -> None:
    page = owner.get(url("home")).content.decode()
    picks = card(page, "Ready to pick")
    assert "Choose me" in picks
    for other in ("Still coming", "Chosen before", "Nothing came"):
        assert other not in picks
    assert "Still coming" in card(page, "Being written now")
    failed = card(page, "Went wrong")
    assert "Nothing came" in failed
    assert "The model server did not answer." in failed
    assert "Choose me" not in failed
    assert "Look at me" in card(page, "Waiting for your review")


def test_who_cannot_approve_is_asked_for_no_review(viewer: Client, url: Url, inbox: None) -> None:
    page = viewer.get(url("home")).content.decode()
    assert "Waiting for your review" not in page
    assert "Look at me" in card(page, "Waiting for a review")
