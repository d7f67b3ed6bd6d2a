"""The form by which somebody brings an adapter."""

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from saas.errors import AppError, Conflict
from training.models import ModelVersion
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
