"""The form of a workspace's own model server."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from generation.models import Endpoint


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """A model server's address and key. The key that is stored is never shown again."""

    key = forms.CharField(
        label=_("Key"),
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Endpoint
        fields = ("base_url", "model", "dialect", "writer")
        help_texts = {
            "base_url": _("With its version, for example https://models.example.com/v1"),
            "model": _("The model's name, as that server lists it."),
        }
        widgets = {"base_url": forms.URLInput(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tail = self.instance.key_tail
        stored = _("The stored key ends in %(tail)s. Leave this empty to keep it.") % {"tail": tail}
        self.fields["key"].help_text = stored if tail else _("Stored encrypted; never shown again.")
        self.fields["writer"].required = False

    def clean_writer(self) -> str:
        """Where none is named, the one that is stored, or the usual one, goes on writing."""
        named: str = self.cleaned_data["writer"]
        return named or self.instance.writer

    def given(self) -> dict[str, Any]:
        """What the service takes: an empty key means to keep the one that is there."""
        fields = dict(self.cleaned_data)
        key = fields.pop("key") or None
        return {"fields": fields | {"enabled": self.instance.enabled}, "key": key}
