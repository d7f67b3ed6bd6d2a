"""What was shown and clicked teaches the next model; a worse model does not serve."""

import numpy as np
import pytest
from django.utils import timezone

from recommendations.demo import demo_items, demo_visitors
from recommendations.fitting import clicks
from recommendations.fitting import fit as fitting
from recommendations.fitting.impressions import load_impressions
from recommendations.fitting.measure import Measured
from recommendations.models import Item, Person, RankingModel, Recommendation
from recommendations.ranking import ranker_training
from recommendations.ranking.ranker import LinearRanker
from recommendations.services.answers import Ask, recommend
from recommendations.services.fitting import files_kept
from recommendations.services.interactions import EventData, interactions_record
from recommendations.serving.store import models
from recommendations.serving.trained import folder_of
from tenants.models import Tenant
from tests.recommendations.test_fitting import _files, fit_now, shop

__all__ = ["_files", "shop"]
pytestmark = pytest.mark.django_db(transaction=True)


def visits(count: int) -> None:
    """Visitors get five items each, see the first four and click what they like of them."""
    chance, tags = np.random.default_rng(0), {row["id"]: row["tags"] for row in demo_items()}
    events = []
    for visitor in demo_visitors()[:count]:
        person = Person.objects.filter(key=visitor.key).first()
        if person is None:
            continue
        answer = recommend(ask=Ask(count=5, person=person, metered=True))
        for place, each in enumerate(answer.shown[:4]):
            named = {"occurred_at": timezone.now(), "recomm_id": answer.recommendation.pk}
            events.append(EventData(visitor.key, each.item.key, "impression", **named))
            if visitor.fits(tags[each.item.key]) and chance.random() < 0.9 / (1 + place):
                events.append(EventData(visitor.key, each.item.key, "click", **named))
    interactions_record(events=events)


def test_impressions_are_read_as_they_were_shown(shop: Tenant) -> None:
    visits(20)
    found = load_impressions()
    answers = Recommendation.objects.count()
    assert len(found.rows) == 4 * answers
    assert {row.position for row in found.rows} == {0, 1, 2, 3}
    assert 0 < found.clicks < len(found.rows)
    log = found.log()
    assert "transitions" in log.names
    assert log.features.shape == (len(found.rows), len(log.names))
    assert log.features.max() <= 1
    assert not found.before(0.0).rows
    assert len(np.unique(found.seen().persons)) == answers


def test_clicks_teach_tastes_and_a_ranker_that_serves(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks, "LEAST_CLICKS", 20)
    monkeypatch.setattr(ranker_training, "LEAST_CLICKS", 20)
    monkeypatch.setattr(clicks, "LEAST_SEEN", 0)
    monkeypatch.setattr(ranker_training, "SURE", -100.0)
    visits(60)
    fit_now(shop)
    serving = models.get().current()
    assert serving.taste is not None
    assert serving.ranker is not None
    person = Person.objects.exclude(recent_items=[]).first()
    answer = recommend(ask=Ask(count=5, person=person, explain=True))
    assert all(each.contributions for each in answer.shown)


def test_a_ranker_waits_until_a_new_source_was_shown() -> None:
    parts = fitting.Parts(np.ones((3, 4), np.float32), taste=object())  # type: ignore[arg-type]
    assert not clicks.knows_all({"text": 1000}, parts)
    assert clicks.knows_all({"text": 1000, "taste": 1000}, parts)


def test_a_worse_model_is_kept_out_and_what_clicks_taught_is_not_lost(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_now(shop)
    first = RankingModel.objects.get()
    taught = LinearRanker(("text",), (1.0,), (0.5,), -3.0)
    monkeypatch.setattr(fitting, "measure", lambda *_: Measured(wins=False))
    monkeypatch.setattr(fitting, "ranker_of", lambda *_: taught)
    fit_now(shop)
    states = list(RankingModel.objects.newest_first().values_list("state", flat=True))
    assert states == ["lost", "champion"]
    assert models.get().current().number == first.number
    assert models.get().current().ranker == taught
    assert files_kept() == {first.pk}
    assert [path.name for path in folder_of(shop.pk, first.pk).parent.iterdir()] == [str(first.pk)]


def test_few_have_seen_it_so_it_is_tried(shop: Tenant) -> None:
    """A share of the places is for items that nobody knows, none of it where that is off."""
    person = Person.objects.exclude(recent_items=[]).first()
    shown = {
        share: [
            each.source
            for _ in range(10)
            for each in recommend(
                ask=Ask(count=10, person=person, own={"exploration": share})
            ).shown
        ]
        for share in (0.0, 0.3)
    }
    assert "exploration" not in shown[0.0]
    assert shown[0.3].count("exploration") == 30
    assert Item.objects.count() == 200
