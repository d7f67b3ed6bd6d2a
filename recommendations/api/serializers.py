"""Items, people, answers, scenarios and experiments as callers send and read them."""

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from recommendations.models import Experiment, Item, Person, RankingModel, Scenario
from recommendations.models.catalogue import MAX_KEY, key_check
from recommendations.ranking.experiments import Comparison
from recommendations.serving.settings import ScenarioSettings
from saas.api.fields import BooleanField, CharField, DateTimeField, FloatField, IntegerField
from saas.api.serializers import StrictModelSerializer, StrictSerializer

MAX_TEXT = 20_000
MOST_TAGS = 50
MOST_ATTRIBUTES = 50
MOST_ITEMS = 500


def key_field(**kwargs: Any) -> CharField:
    return CharField(max_length=MAX_KEY, validators=[key_check], **kwargs)


class AttributesField(serializers.DictField):
    """Names with texts, numbers, booleans or lists of texts."""

    child = serializers.JSONField()

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        if len(found) > MOST_ATTRIBUTES or not all(map(_plain, found.values())):
            self.fail("not_a_dict", input_type=type(data).__name__)
        return found


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MOST_TAGS and all(isinstance(each, str) for each in value)
    return value is None or isinstance(value, str | bool | int | float)


class ItemSerializer(StrictModelSerializer):
    """Something that a site can show."""

    id = key_field(source="key")
    text = CharField(max_length=MAX_TEXT, allow_blank=True, required=False)
    tags = serializers.ListField(
        child=CharField(max_length=60), max_length=MOST_TAGS, required=False
    )
    attributes = AttributesField(required=False)
    variant_of = key_field(
        required=False,
        allow_blank=True,
        help_text="Items with the same word here are variants of one thing.",
    )

    class Meta:
        model = Item
        fields = (
            *("id", "type", "title", "text", "tags", "attributes", "price", "url", "image_url"),
            *("available_from", "available_until", "in_stock", "hidden", "variant_of"),
            *("created_at", "updated_at"),
        )
        read_only_fields = ("created_at", "updated_at")


class ItemChangeSerializer(ItemSerializer):
    """The same for an item whose id stands in the address."""

    id = CharField(source="key", read_only=True)


class PersonSerializer(StrictModelSerializer):
    """A visitor of the site."""

    id = key_field(source="key")
    attributes = AttributesField(required=False)

    class Meta:
        model = Person
        fields = ("id", "anonymous", "attributes", "last_seen_at", "created_at", "updated_at")
        read_only_fields = ("last_seen_at", "created_at", "updated_at")


class PersonChangeSerializer(PersonSerializer):
    """The same for a person whose id stands in the address."""

    id = CharField(source="key", read_only=True)


class MergeSerializer(StrictSerializer):
    """Whom an anonymous visitor turned out to be."""

    into = key_field()


class InteractionSerializer(StrictSerializer):
    """One event; the body is one of them or a list of up to 10,000."""

    person = key_field()
    item = key_field()
    type = CharField(max_length=30, help_text="click, view, purchase ..., or a word of your own.")
    timestamp = DateTimeField(required=False, help_text="Now where it is left out.")
    value = FloatField(required=False, allow_null=True)
    duration = FloatField(required=False, allow_null=True, help_text="Seconds.")
    session = CharField(max_length=128, required=False, allow_blank=True)
    recomm_id = serializers.UUIDField(required=False, allow_null=True)
    event_id = CharField(max_length=64, required=False, allow_blank=True)


class RejectedSerializer(serializers.Serializer[Any]):
    """An event that could not be taken."""

    index = serializers.IntegerField()
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class RecordedSerializer(serializers.Serializer[Any]):
    """What became of the events."""

    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    unknown_entity = serializers.IntegerField(help_text="Items that were not in the catalogue.")
    rejected = RejectedSerializer(many=True)


class SettingsField(serializers.DictField):
    """A scenario's settings; what is left out has its default."""

    def to_internal_value(self, data: Any) -> Any:
        return ScenarioSettings.of(super().to_internal_value(data))

    def to_representation(self, value: Any) -> Any:
        return value


class QuestionSerializer(StrictSerializer):
    """For whom: a person, a session or an item, or a person at an item; and how."""

    person = key_field(required=False)
    session = CharField(max_length=128, required=False)
    item = key_field(required=False)
    scenario = key_field(required=False)
    count = IntegerField(min_value=1, max_value=MOST_ITEMS, default=10)
    filter = CharField(required=False, max_length=2000, allow_blank=True)
    booster = CharField(required=False, max_length=2000, allow_blank=True)
    diversity = FloatField(required=False, min_value=0, max_value=1)
    rotation_rate = FloatField(required=False, min_value=0, max_value=1)
    min_relevance = FloatField(required=False, min_value=0, max_value=1)
    return_properties = BooleanField(default=False)
    explain = BooleanField(default=False)


class NextSerializer(StrictSerializer):
    """How many more."""

    count = IntegerField(min_value=1, max_value=MOST_ITEMS, default=10)


class ShownSerializer(serializers.Serializer[Any]):
    """One item of an answer."""

    id = serializers.CharField()
    score = serializers.FloatField()
    properties = serializers.DictField(required=False)
    why = serializers.DictField(required=False)


class AnswerSerializer(serializers.Serializer[Any]):
    """The items in their order; `reason` says why there are none."""

    recomm_id = serializers.UUIDField()
    items = ShownSerializer(many=True)
    reason = serializers.CharField(required=False)


class ScenarioSerializer(StrictModelSerializer):
    """A place on the site and its rules."""

    id = key_field(source="key")
    settings = SettingsField(required=False)

    class Meta:
        model = Scenario
        fields = ("id", "name", "settings", "number", "created_at", "updated_at")
        read_only_fields = ("number", "created_at", "updated_at")


class ScenarioChangeSerializer(ScenarioSerializer):
    """The same for a scenario whose id stands in the address."""

    id = CharField(source="key", read_only=True)


class ArmSerializer(StrictSerializer):
    """One setting that an experiment tries, and the percentage of people who get it."""

    name = CharField(max_length=40)
    share = FloatField(min_value=0, max_value=100)
    settings = serializers.DictField(default=dict)


class ExperimentSerializer(StrictModelSerializer):
    """Two or more settings of a scenario beside each other."""

    scenario = key_field()
    arms = ArmSerializer(many=True)

    class Meta:
        model = Experiment
        fields = ("id", "name", "scenario", "arms", "state", "ended_at", "created_at", "updated_at")
        read_only_fields = ("id", "state", "ended_at", "created_at", "updated_at")

    def to_representation(self, instance: Any) -> Any:
        shown = super().to_representation(instance)
        return {**shown, "scenario": instance.scenario.key}


class StopSerializer(StrictSerializer):
    """Which arm's settings to keep; none without it."""

    keep = CharField(max_length=40, default="", allow_blank=True)


class ChangeSerializer(serializers.Serializer[Any]):
    """An arm minus the control; the interval is null before there is enough for one."""

    difference = serializers.FloatField()
    interval = serializers.SerializerMethodField()
    p_value = serializers.FloatField()

    def get_interval(self, change: Comparison) -> list[float] | None:
        return [change.low, change.high] if math.isfinite(change.low) else None


class ArmReportSerializer(serializers.Serializer[Any]):
    """One arm: its people and answers, shares of people, and its difference from the control."""

    name = serializers.CharField()
    persons = serializers.IntegerField()
    answers = serializers.IntegerField()
    chosen = serializers.IntegerField()
    click_rate = serializers.FloatField(source="clicks.mean")
    purchase_rate = serializers.FloatField(source="purchases.mean")
    refusal_rate = serializers.FloatField(source="refusals.mean")
    empty_rate = serializers.FloatField(source="empty.mean")
    click_change = ChangeSerializer(allow_null=True)
    purchase_change = ChangeSerializer(allow_null=True)
    worse = serializers.ListField(child=serializers.CharField())


class ReportSerializer(serializers.Serializer[Any]):
    """`winner` is the arm to keep, empty while that is open. Trust nothing with `ratio_alarm`."""

    arms = ArmReportSerializer(many=True)
    winner = serializers.CharField()
    ratio_p_value = serializers.FloatField(source="ratio_p")
    ratio_alarm = serializers.BooleanField()


class RankingModelSerializer(StrictModelSerializer):
    """What was fitted on the workspace's behaviour, and how well it does."""

    metrics = serializers.SerializerMethodField()

    class Meta:
        model = RankingModel
        fields = (
            *("id", "number", "state", "items", "events", "metrics", "weights"),
            *("seconds", "created_at"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object"})
    def get_metrics(self, model: RankingModel) -> Any:
        return model.metrics
