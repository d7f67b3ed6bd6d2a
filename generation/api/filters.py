"""What the studio's lists can be narrowed by."""

from typing import Any

from django.db.models import QuerySet
from django_filters import CharFilter, ChoiceFilter, ModelChoiceFilter

from generation import kinds
from generation.models import Audience, Brand, Brief, Content, Variant
from generation.models.briefs import LANGUAGES
from generation.models.contents import ContentQuerySet
from saas.api.filters import RowFilter

KINDS = [(name, name) for name in kinds.KINDS]
YES_NO = [("true", "true"), ("false", "false")]
RATINGS = [("-1", "-1"), ("0", "0"), ("1", "1")]


def of(model: type[Any], name: str) -> ModelChoiceFilter:
    """By the id of a row of the same workspace."""
    return ModelChoiceFilter(field_name=name, queryset=lambda request: model.objects.all())


class BriefFilter(RowFilter):
    """Briefs by what they order."""

    kind = ChoiceFilter(choices=KINDS)
    language = ChoiceFilter(choices=LANGUAGES)
    brand = of(Brand, "brand")
    campaign = CharFilter(max_length=80, label="The campaign that it is of.")
    audience = of(Audience, "audience")


class VariantFilter(RowFilter):
    """Variants by brief and by how far they are."""

    brief = of(Brief, "brief")
    state = ChoiceFilter(choices=Variant.State.choices)
    rating = ChoiceFilter(choices=RATINGS)


class ContentFilter(RowFilter):
    """The library. Archived contents are only there when asked for."""

    q = CharFilter(max_length=200, method="search", label="Words that the title or text holds.")
    kind = ChoiceFilter(choices=KINDS)
    status = ChoiceFilter(choices=Content.Status.choices)
    language = ChoiceFilter(choices=LANGUAGES)
    label = CharFilter(max_length=40, method="labelled", label="A label that it has.")
    brief = of(Brief, "brief")
    brand = ModelChoiceFilter(
        field_name="brief__brand", queryset=lambda request: Brand.objects.all()
    )
    campaign = CharFilter(
        field_name="brief__campaign", max_length=80, label="Its brief's campaign."
    )
    archived = ChoiceFilter(
        choices=YES_NO, method="kept", label="`true` lists the archive in place of the library."
    )

    def search(self, found: ContentQuerySet, name: str, value: str) -> QuerySet[Content]:
        return found.search(value)

    def labelled(self, found: ContentQuerySet, name: str, value: str) -> QuerySet[Content]:
        return found.labelled(value)

    def kept(self, found: ContentQuerySet, name: str, value: str) -> QuerySet[Content]:
        return found.filter(archived_at__isnull=value == "false")
