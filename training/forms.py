"""The forms of the room Teach: an adapter from elsewhere, a dataset, its files, a run."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from saas.errors import AppError, Conflict
from tenants.validators import name_check
from training.datasets.reading import KINDS
from training.datasets.tasks import COMMON, Task
from training.models import Dataset, ModelVersion, TrainingRun
from training.services import Upload

FIELDS = {"/config": "config", "/weights": "weights"}


class ModelImportForm(forms.ModelForm):  # type: ignore[type-arg]
    """A name, and the two files that the training left behind."""

    weights = forms.FileField(
        label=_("Adapter"),
        help_text=_("The file adapter_model.safetensors."),
        widget=forms.FileInput(attrs={"accept": ".safetensors"}),
    )
    config = forms.FileField(
        label=_("Its settings"),
        help_text=_("The file adapter_config.json that lies beside it."),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )

    class Meta:
        model = ModelVersion
        fields = ("name", "note")
        help_texts = {
            "name": _("As your team will know it, such as “Autumn voice”."),
            "note": _("What it was trained on, or who made it."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = settings.MAX_ADAPTER_BYTES
        too_large = _("This file is too large: at most %(most)s are taken.")
        self.fields["weights"].widget.attrs |= {
            "data-most-bytes": most,
            "data-too-large": too_large % {"most": filesizeformat(most)},
        }
        self.order_fields(["weights", "config", "name", "note"])

    def upload(self) -> Upload:
        return Upload(**self.cleaned_data)

    def refuse(self, error: AppError) -> None:
        """Show what is wrong with the files at the place where it is wrong."""
        problems = error.extra.get("errors", [])
        pointer = problems[0]["pointer"] if problems else "/weights"
        field = None if isinstance(error, Conflict) else FIELDS.get(pointer, "weights")
        self.add_error(field, str(error))


class PlaceForm(forms.Form):
    """Among whose models a step back is taken: those of a dataset, or those that write."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["dataset"] = forms.ModelChoiceField(Dataset.objects.all(), required=False)


class TryForm(forms.Form):
    """A text to try a model with."""

    text = forms.CharField(
        label=_("Text"), max_length=5_000, widget=forms.Textarea(attrs={"rows": 3})
    )


class DatasetForm(forms.ModelForm):  # type: ignore[type-arg]
    """A dataset before it has rows."""

    task = forms.ChoiceField(
        label=_("Task"),
        choices=Dataset.TaskName.choices,
        help_text=_("Copy teaches your voice. Texts with labels teach to sort."),
    )

    class Meta:
        model = Dataset
        fields = ("name", "task", "privacy", "licence", "consent", "note")
        help_texts = {
            "name": _("Such as “Newsletters of 2026”."),
            "privacy": _("Email addresses, phone numbers, bank accounts, secrets."),
            "licence": _("Under which the texts may be used, if they are not your own."),
        }


class ImportForm(forms.Form):
    """A file of rows."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, TSV, JSONL, XLSX or text, with a blank line between two texts."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.jsonl,.ndjson,.xlsx,.txt"}),
    )


class ColumnsForm(forms.Form):
    """Which column of a file is which field of a row."""

    file_id = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(widget=forms.HiddenInput, choices=[(kind, kind) for kind in KINDS])
    name = forms.CharField(widget=forms.HiddenInput, max_length=200)

    def __init__(
        self, fields: Sequence[tuple[str, Any]], headers: list[str], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.headers = headers
        for place, header in enumerate(headers):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=header, choices=[("", _("Leave out")), *fields], required=False
            )

    def guess(self, mapping: dict[str, str]) -> None:
        for place, header in enumerate(self.headers):
            self.initial[f"column_{place}"] = mapping.get(header, "")

    def missing(self) -> list[str]:
        """The fields, in words, that no column was chosen for and that are needed."""
        return []

    def clean(self) -> None:
        if missing := self.missing():
            names = ", ".join(missing)
            raise forms.ValidationError(_("Say which column is: %(names)s.") % {"names": names})

    def mapping(self) -> dict[str, str]:
        columns = {header: f"column_{place}" for place, header in enumerate(self.headers)}
        chosen = {header: self.cleaned_data.get(name) for header, name in columns.items()}
        return {header: field for header, field in chosen.items() if field}


class MappingForm(ColumnsForm):
    """The same for the rows of a dataset's task."""

    def __init__(self, spec: Task, headers: list[str], *args: Any, **kwargs: Any) -> None:
        names = [field.name for field in spec.fields] + list(COMMON)
        fields = [(name, FIELD_WORDS.get(name, name)) for name in names]
        super().__init__(fields, headers, *args, **kwargs)
        self.spec = spec

    def missing(self) -> list[str]:
        return [str(FIELD_WORDS[name]) for name in self.spec.missing(self.mapping())]


FIELD_WORDS = {
    "text": _("Text"),
    "kind": _("Kind of copy"),
    "fields": _("Brief as JSON"),
    "context": _("Brand, audience, language as JSON"),
    "product": _("Product or service"),
    "points": _("Selling points"),
    "offer": _("Offer"),
    "messages": _("Messages"),
    "system": _("System message"),
    "prompt": _("Question"),
    "answer": _("Answer"),
    "chosen": _("Better answer"),
    "rejected": _("Worse answer"),
    "label": _("Label"),
    "tokens": _("Words"),
    "tags": _("Tags"),
    "spans": _("Marked places"),
    "row_id": _("Row ID"),
    "group_id": _("Group"),
    "split": _("Split"),
    "language": _("Language"),
}


class RunForm(forms.Form):
    """What a run is called, how thorough it is, and single settings for who knows them."""

    name = forms.CharField(label=_("Name"), max_length=80, validators=[name_check])
    effort = forms.ChoiceField(
        label=_("Effort"),
        choices=TrainingRun.Effort.choices,
        initial=TrainingRun.Effort.BALANCED,
        widget=forms.RadioSelect,
    )
    num_train_epochs = forms.FloatField(
        label="num_train_epochs",
        required=False,
        help_text=_("How often every row is read. Empty takes what the effort says."),
    )
    learning_rate = forms.FloatField(
        label="learning_rate",
        required=False,
        help_text=_("How far each step goes. Too much and it forgets how to write."),
    )
    lora_r = forms.IntegerField(
        label="lora_r",
        required=False,
        help_text=_("How much the model can change: 8 a little, 32 a lot."),
    )
    seed = forms.IntegerField(
        label="seed", required=False, help_text=_("The same seed gives the same model.")
    )

    @property
    def settings(self) -> list[forms.BoundField]:
        """The single settings, for who knows them."""
        return [self[name] for name in ("num_train_epochs", "learning_rate", "lora_r", "seed")]

    def changes(self) -> dict[str, Any]:
        """The single settings that were filled in."""
        names = ("num_train_epochs", "learning_rate", "lora_r", "seed")
        given = {name: self.cleaned_data[name] for name in names}
        return {name: value for name, value in given.items() if value is not None}

    def refuse(self, error: AppError) -> None:
        """Show what is wrong beside the setting that it is about."""
        for problem in error.extra.get("errors", [{"pointer": "", "detail": str(error)}]):
            name = problem["pointer"].rpartition("/")[2]
            self.add_error(name if name in self.fields else None, problem["detail"])
