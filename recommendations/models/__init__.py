"""The catalogue and its people, what they did, what they were shown, and the models of it."""

from recommendations.models.answers import Recommendation
from recommendations.models.catalogue import Catalogue, Item, Person
from recommendations.models.events import Interaction, ItemCounts, Transition
from recommendations.models.rankings import RankingModel
from recommendations.models.scenarios import Experiment, Scenario, ScenarioVersion

__all__ = [
    "Catalogue",
    "Experiment",
    "Interaction",
    "Item",
    "ItemCounts",
    "Person",
    "RankingModel",
    "Recommendation",
    "Scenario",
    "ScenarioVersion",
    "Transition",
]
