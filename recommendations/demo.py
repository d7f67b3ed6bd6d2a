"""The demo shop: a catalogue of houseplants, and made-up visitors whose taste is known."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from recommendations.models import Item, Scenario
from recommendations.services.catalogue import ItemData, items_write
from recommendations.services.interactions import EventData, interactions_record
from recommendations.services.scenarios import scenario_save
from recommendations.serving.settings import ScenarioSettings

CATALOGUE = Path(__file__).parent / "data" / "brightleaf_items.jsonl"
VISITORS = 200
DAYS = 21
# What visitors come for; most like two of these, and look at other things now and then.
TASTES = (
    *("easy", "low-light", "pet-safe", "flowering", "trailing", "succulent"),
    *("fern", "herb", "office", "bathroom", "care", "pot"),
)
OFF_TASTE = 0.15
SCENARIOS = (
    ("home", "Home page", ScenarioSettings(diversity=0.3, exploration=0.2)),
    (
        "article_end",
        "End of an article",
        ScenarioSettings(filter="'type' != \"article\"", diversity=0.2),
    ),
    ("email", "Monthly email", ScenarioSettings(filter_seen=True, rotation_rate=0.5)),
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody made up: what they like decides what they click."""

    key: str
    likes: tuple[str, ...]

    def fits(self, tags: list[str]) -> bool:
        return bool(set(self.likes) & set(tags))


def demo_items() -> list[dict[str, Any]]:
    with CATALOGUE.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def demo_visitors(seed: int = 7) -> list[Visitor]:
    chance = np.random.default_rng(seed)
    found = []
    for number in range(1, VISITORS + 1):
        likes = chance.choice(len(TASTES), 2, replace=False)
        found.append(Visitor(f"visitor-{number:03}", tuple(TASTES[place] for place in likes)))
    return found


@transaction.atomic
def demo_shop() -> None:
    """Fill the workspace in scope with the catalogue, three weeks of visits and three scenarios."""
    if Item.objects.exists():
        return
    rows = demo_items()
    items_write(items=[item_data(row) for row in rows])
    interactions_record(events=demo_visits(rows, timezone.now()))
    for key, name, settings in SCENARIOS:
        scenario_save(scenario=Scenario(key=key, name=name), settings=settings)


def item_data(row: dict[str, Any]) -> ItemData:
    values = dict(row)
    key = values.pop("id")
    if "price" in values:
        values["price"] = Decimal(values["price"])
    return ItemData(key, values)


def demo_visits(rows: list[dict[str, Any]], now: datetime, seed: int = 11) -> list[EventData]:
    """Every visitor comes a few times, looks at some things and buys one now and then."""
    chance = np.random.default_rng(seed)
    events: list[EventData] = []
    for visitor in demo_visitors():
        wanted = [row for row in rows if visitor.fits(row["tags"])]
        for _ in range(int(chance.integers(1, 5))):
            at = now - timedelta(days=float(chance.uniform(0.01, DAYS)))
            for _ in range(int(chance.integers(2, 8))):
                pool = rows if chance.random() < OFF_TASTE else wanted
                row = pool[int(chance.integers(len(pool)))]
                at = at + timedelta(seconds=float(chance.uniform(10, 120)))
                if at < now:
                    events.append(EventData(visitor.key, row["id"], _action(row, chance), at))
    return events


def _action(row: dict[str, Any], chance: np.random.Generator) -> str:
    sold = row["type"] != "article"
    return "purchase" if sold and chance.random() < 0.08 else "click"
