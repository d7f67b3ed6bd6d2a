"""The forms of the room Recommend: a scenario's rules, an item's visibility, an import."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from recommendations.models import Scenario
from recommendations.services.imports import FIELDS, NEEDED
from recommendations.serving.settings import ScenarioSettings
from saas.errors import AppError
from tenants.validators import name_check
from training.forms import ColumnsForm

CONTROL, TREATMENT = "now", "tried"
SHARES = ("diversity", "rotation_rate", "min_relevance", "exploration")


def percentage(**words: Any) -> forms.IntegerField:
    return forms.IntegerField(min_value=0, max_value=100, **words)


class SettingsForm(forms.Form):
    """How answers are made in one place; numbers are percentages here."""

    diversity = percentage(
        label=_("Diversity"),
        initial=20,
        help_text=_("In percent. More brings things of different kinds side by side."),
    )
    rotation_rate = percentage(
        label=_("Rotation"),
        initial=0,
        help_text=_("In percent. More moves down what somebody was shown lately."),
    )
    min_relevance = percentage(
        label=_("Least relevance"),
        initial=0,
        help_text=_("In percent of the best item's. Items below it are replaced by popular ones."),
    )
    exploration = percentage(
        label=_("Trying new items"),
        initial=10,
        help_text=_("In percent. With 0, items that nobody has seen are not tried out."),
    )
    filter_seen = forms.BooleanField(
        label=_("Leave out what the person has looked at already"), required=False
    )
    filter = forms.CharField(
        label=_("Show only"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("A rule such as 'price' < 40 and \"pet-safe\" in 'tags'. Empty shows all."),
    )
    booster = forms.CharField(
        label=_("Prefer"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("A factor such as if 'type' == \"set\" then 1.5 else 1."),
    )

    def given(self) -> dict[str, Any]:
        """What was filled in, as ScenarioSettings names it."""
        rules = {name: self.cleaned_data[name] for name in ("filter_seen", "filter", "booster")}
        return {name: self.cleaned_data[name] / 100 for name in SHARES} | rules

    def show(self, settings: ScenarioSettings) -> None:
        """Begin with these."""
        kept = asdict(settings)
        for name in SHARES:
            self.initial[name] = round(kept[name] * 100)
        for name in ("filter_seen", "filter", "booster"):
            self.initial[name] = kept[name]

    def refuse(self, error: AppError) -> None:
        """Show what is wrong with a rule beside it."""
        for problem in error.extra.get("errors", [{"pointer": "", "detail": str(error)}]):
            name = problem["pointer"].removeprefix("/")
            self.add_error(name if name in self.fields else None, problem["detail"])


class ScenarioForm(SettingsForm, forms.ModelForm):  # type: ignore[type-arg]
    """What a marketer sets of a place on the site."""

    field_order = ("name", "key")

    class Meta:
        model = Scenario
        fields = ("name", "key")
        help_texts = {
            "name": _("As your team calls the place, such as “End of an article”."),
            "key": _("As your site asks for it, such as article_end."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            del self.fields["key"]
            self.show(ScenarioSettings.of(self.instance.settings))

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if Scenario.objects.filter(key=key).exists():
            raise forms.ValidationError(_("There is one with this ID already."))
        return key

    def chosen(self) -> ScenarioSettings:
        """The settings as they were filled in, over those that the form does not show."""
        return ScenarioSettings.of({**(self.instance.settings or {}), **self.given()})


class ExperimentForm(SettingsForm):
    """What is tried in a place on the site, on how many of its visitors."""

    field_order = ("name", "scenario", "share")
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        validators=[name_check],
        help_text=_("What you want to know, such as “More variety at home”."),
    )
    scenario: "forms.ModelChoiceField[Scenario]" = forms.ModelChoiceField(
        label=_("Scenario"), queryset=None
    )
    share = forms.IntegerField(
        label=_("People who get it"),
        initial=50,
        min_value=1,
        max_value=99,
        help_text=_("In percent. The others get what the scenario says now."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scenarios = Scenario.objects.order_by("name")
        self.fields["scenario"].queryset = scenarios  # type: ignore[attr-defined]
        first = scenarios.first()
        if first is not None:
            self.initial["scenario"] = first.pk
            self.show(ScenarioSettings.of(first.settings))

    def arms(self) -> list[dict[str, Any]]:
        """The scenario as it is, and with what was filled in; raises Invalid."""
        now, share = self.cleaned_data["scenario"].settings, self.cleaned_data["share"]
        return [
            {"name": CONTROL, "share": 100 - share, "settings": now},
            {"name": TREATMENT, "share": share, "settings": {**now, **self.given()}},
        ]


class ImportFileForm(forms.Form):
    """A file of items or events."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, TSV, JSONL or XLSX."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.jsonl,.ndjson,.xlsx"}),
    )


IMPORT_WORDS = {
    "id": _("ID"),
    "type": _("Type"),
    "title": _("Title"),
    "text": _("Text"),
    "tags": _("Tags"),
    "attributes": _("An attribute of this name"),
    "price": _("Price"),
    "url": _("Address"),
    "image_url": _("Image"),
    "available_from": _("Available from"),
    "available_until": _("Available until"),
    "in_stock": _("In stock"),
    "hidden": _("Hidden"),
    "variant_of": _("Variant of"),
    "person": _("Person"),
    "item": _("Item"),
    "timestamp": _("Moment"),
    "value": _("Value"),
    "duration": _("Seconds"),
    "session": _("Session"),
    "recomm_id": _("Answer’s ID"),
    "event_id": _("Event’s ID"),
}


class ImportColumnsForm(ColumnsForm):
    """Which column is which field of an item or an event."""

    def __init__(self, what: str, headers: list[str], *args: Any, **kwargs: Any) -> None:
        fields = [(name, IMPORT_WORDS[name]) for name in FIELDS[what]]
        super().__init__(fields, headers, *args, **kwargs)
        self.what = what

    def missing(self) -> list[str]:
        chosen = self.mapping().values()
        return [str(IMPORT_WORDS[name]) for name in NEEDED[self.what] if name not in chosen]
