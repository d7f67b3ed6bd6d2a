"""What the library is searched for."""

from django import forms
from django.utils.translation import gettext_lazy as _

from generation.forms.briefs import kind_choices
from generation.models import Content
from generation.models.briefs import LANGUAGES
from generation.models.contents import ContentQuerySet

SORTS = {
    "-updated_at": _("Changed last"),
    "updated_at": _("Changed first"),
    "title": _("Title, A to Z"),
    "-title": _("Title, Z to A"),
}


class LibraryForm(forms.Form):
    """What the library is searched for; a value that makes no sense is as good as none."""

    q = forms.CharField(required=False, max_length=200)
    kind = forms.ChoiceField(
        required=False, label=_("Kind"), choices=lambda: [("", _("Any kind")), *kind_choices()]
    )
    status = forms.ChoiceField(
        required=False, label=_("Status"), choices=[("", _("Any status")), *Content.Status.choices]
    )
    language = forms.ChoiceField(
        required=False, label=_("Language"), choices=[("", _("Any language")), *LANGUAGES]
    )
    archived = forms.BooleanField(required=False, label=_("Archived"))
    sort = forms.ChoiceField(required=False, label=_("Order"), choices=list(SORTS.items()))

    @property
    def selects(self) -> list[forms.BoundField]:
        return [self[name] for name in ("kind", "status", "language", "sort")]

    @property
    def filtering(self) -> bool:
        return any(self.cleaned_data.get(name) for name in ("q", "kind", "status", "language"))

    def found(self) -> ContentQuerySet:
        given = self.cleaned_data
        wanted = {name: given[name] for name in ("kind", "status", "language") if given.get(name)}
        found: ContentQuerySet = Content.objects.filter(**wanted)
        contents = found.search(given.get("q", ""))
        contents = contents.archived() if given.get("archived") else contents.live()
        return contents.order_by(given.get("sort") or "-updated_at", "-pk")
