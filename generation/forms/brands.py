"""Forms of a brand's voice and of the people it speaks to."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _

from generation.kinds.brief import Term
from generation.models import Audience, Brand

MAX_LINES = 30


class LinesField(forms.CharField):
    """A list of short texts, one a line; as paragraphs, with a blank line between two."""

    def __init__(self, *, longest: int = 200, paragraphs: bool = False, **options: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 4})
        super().__init__(required=False, strip=False, widget=widget, **options)
        self.longest, self.paragraphs = longest, paragraphs

    def prepare_value(self, value: Any) -> Any:
        apart = "\n\n" if self.paragraphs else "\n"
        return apart.join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value).replace("\r\n", "\n")
        found = re.split(r"\n\s*\n" if self.paragraphs else r"\n", text)
        lines = [line.strip() for line in found if line.strip()]
        if len(lines) > MAX_LINES:
            raise ValidationError(_("At most %(limit)s entries."), params={"limit": MAX_LINES})
        for line in lines:
            if len(line) > self.longest:
                message = _("“%(start)s…” is too long: at most %(limit)s characters.")
                raise ValidationError(message, params={"start": line[:30], "limit": self.longest})
        return lines

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class NamedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form of something that has a name of its own in the workspace."""

    taken = gettext_lazy("There is one with this name already.")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = self._meta.model.objects.filter(name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError(self.taken)
        return name


class BrandForm(NamedForm):
    """A brand's voice: what it does, how it sounds, its words and the facts it may state."""

    url = forms.URLField(label=_("Website"), required=False, assume_scheme="https")
    do = LinesField(label=_("Do"), help_text=_("One a line, such as “Use short sentences”."))
    dont = LinesField(label=_("Don't"), help_text=_("One a line, such as “No exclamation marks”."))
    terms = LinesField(
        label=_("Preferred terms"),
        help_text=_("One a line. After a colon, the spellings it replaces: “sign-up: signup”."),
    )
    banned = LinesField(
        label=_("Banned terms"),
        longest=80,
        help_text=_("One a line. The model cannot write them at all."),
    )
    facts = LinesField(
        label=_("Facts"),
        help_text=_("One a line. Numbers and names that are not here or in the brief get flagged."),
    )
    samples = LinesField(
        label=_("Sample copy"),
        longest=2000,
        paragraphs=True,
        help_text=_("Two or three pieces you are proud of, with a blank line between them."),
    )

    class Meta:
        model = Brand
        fields = (
            "name", "about", "url", "tone", "do", "dont", "terms", "banned", "facts", "samples",
            "is_default",
        )  # fmt: skip
        widgets = {"about": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "about": _("One or two sentences, as you would tell a friend."),
            "tone": _("A few words, such as “warm, direct, a little dry”."),
            "is_default": _("New briefs start with this brand."),
        }

    def sketch(self) -> Brand:
        """The brand as far as the form is filled in."""
        self.is_valid()
        given = self.cleaned_data if self.is_bound else {}
        stored = forms.model_to_dict(self.instance) | given
        return Brand(**{name: stored[name] for name in self.Meta.fields if name in stored})

    def save(self, commit: bool = True) -> Brand:
        if self.instance.is_default:
            others = Brand.objects.filter(is_default=True).exclude(pk=self.instance.pk)
            others.update(is_default=False)
        brand: Brand = super().save(commit)
        return brand

    def clean_terms(self) -> list[str]:
        lines: list[str] = self.cleaned_data["terms"]
        for line in lines:
            if not Term.read(line).preferred:
                message = _("“%(line)s” has nothing before the colon.")
                raise ValidationError(message, params={"line": line})
        return lines


class AudienceForm(NamedForm):
    """The people a text is for."""

    pains = LinesField(label=_("What troubles them"), help_text=_("One a line."))
    goals = LinesField(label=_("What they want"), help_text=_("One a line."))

    class Meta:
        model = Audience
        fields = ("name", "description", "pains", "goals")
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        help_texts = {"name": _("Such as “Night-shift nurses” or “Finance leads”.")}
