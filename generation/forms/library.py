"""What the library is searched for."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from generation.forms.briefs import kind_choices
from generation.models import Brand, Brief, Content
from generation.models.briefs import LANGUAGES
from generation.models.contents import ContentQuerySet
from tenants.models import Membership, User

SORTS = {
    "-updated_at": _("Changed last"),
    "updated_at": _("Changed first"),
    "title": _("Title, A to Z"),
    "-title": _("Title, Z to A"),
}


LOOKUPS = {
    "kind": "kind",
    "status": "status",
    "brand": "brief__brand",
    "owner": "created_by_id",
    "campaign": "brief__campaign",
    "language": "language",
}


def owners() -> list[tuple[str, str]]:
    """The members who can be asked for, by name."""
    members = Membership.objects.select_related("user")
    named = [(str(each.user_id), each.user.display_name) for each in members]
    return sorted(named, key=lambda owner: owner[1].lower())


def campaigns() -> list[tuple[str, str]]:
    found = Brief.objects.exclude(campaign="").order_by("campaign")
    return [(name, name) for name in found.values_list("campaign", flat=True).distinct()]


class LibraryForm(forms.Form):
    """What the library is searched for; a value that makes no sense is as good as none."""

    q = forms.CharField(required=False, max_length=200)
    kind = forms.ChoiceField(
        required=False, label=_("Kind"), choices=lambda: [("", _("Any kind")), *kind_choices()]
    )
    status = forms.ChoiceField(
        required=False, label=_("Status"), choices=[("", _("Any status")), *Content.Status.choices]
    )
    brand: "forms.ModelChoiceField[Brand]" = forms.ModelChoiceField(
        None, required=False, label=_("Brand"), empty_label=_("Any brand")
    )
    owner = forms.ChoiceField(required=False, label=_("Owner"))
    campaign = forms.ChoiceField(required=False, label=_("Campaign"))
    language = forms.ChoiceField(
        required=False, label=_("Language"), choices=[("", _("Any language")), *LANGUAGES]
    )
    favourite = forms.BooleanField(required=False, label=_("Favourites"))
    archived = forms.BooleanField(required=False, label=_("Archived"))
    sort = forms.ChoiceField(required=False, label=_("Order"), choices=list(SORTS.items()))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        # Only here the workspace is known whose brands and people there are.
        self.fields["brand"].queryset = Brand.objects.order_by("name")  # type: ignore[attr-defined]
        self.choose("owner", _("Anybody"), owners())
        self.choose("campaign", _("Any campaign"), campaigns())

    def choose(self, name: str, nothing: Any, choices: Iterable[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", nothing), *choices]

    @property
    def selects(self) -> list[forms.BoundField]:
        """What there is to choose from; a choice of one is none."""
        names = ("kind", "status", "brand", "owner", "campaign", "language", "sort")
        few = {"brand": 3, "owner": 3, "campaign": 2}
        return [self[name] for name in names if len(self[name]) >= few.get(name, 0)]

    @property
    def filtering(self) -> bool:
        return any(self.cleaned_data.get(name) for name in ("q", "favourite", *LOOKUPS))

    def found(self) -> ContentQuerySet:
        given = self.cleaned_data
        wanted = {path: given[name] for name, path in LOOKUPS.items() if given.get(name)}
        found: ContentQuerySet = Content.objects.filter(**wanted)
        if given.get("favourite"):
            found = found.filter(favourites__user=self.user)
        contents = found.search(given.get("q", ""))
        contents = contents.archived() if given.get("archived") else contents.live()
        return contents.order_by(given.get("sort") or "-updated_at", "-pk")
