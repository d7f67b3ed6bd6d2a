"""The studio's forms. A brief's questions come from its kind of copy, and so do their rules."""

import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _

from generation import kinds
from generation.kinds.base import BriefData, BriefError, Field, Kind, Length
from generation.kinds.brief import BrandData, Term
from generation.models import Audience, Brand, Brief, Content, Endpoint
from generation.models.briefs import LANGUAGES, MAX_VARIANTS
from generation.models.contents import ContentQuerySet

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


class KindField(forms.Field):
    """One question of a kind of copy; the kind says what is a good answer."""

    def __init__(self, question: Field) -> None:
        super().__init__(
            required=question.required,
            label=gettext(question.label),
            help_text=gettext(question.help) if question.help else "",
            widget=widget_of(question),
            initial=question.default,
        )
        self.question = question

    @property
    def limit(self) -> int:
        """The limit to count against, where the kind sets one of its own."""
        return 0 if self.question.type == "list" else self.question.max_length

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        try:
            return self.question.clean(value)
        except BriefError as error:
            raise ValidationError([said(problem) for problem in error.problems]) from error


def said(problem: Any) -> str:
    """A kind's problem in the reader's language."""
    return gettext(problem.message).format(**dict(problem.params))


def widget_of(question: Field) -> forms.Widget:
    attrs: dict[str, Any] = {}
    if question.example:
        attrs["placeholder"] = question.example
    match question.type:
        case "textarea" | "list":
            return forms.Textarea(attrs={**attrs, "rows": 3})
        case "select":
            choices = [(each.value, gettext(each.label)) for each in question.choices]
            return forms.Select(choices=choices)
        case "number":
            return forms.NumberInput({**attrs, "min": question.minimum, "max": question.maximum})
        case "url":
            return forms.URLInput(attrs)
        case _:
            return forms.TextInput(attrs)


class OrderForm(forms.Form):
    """For whom, in which language and how many: asked for one brief and for a whole list."""

    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES)
    variants = forms.IntegerField(label=_("Variants"), min_value=1, max_value=MAX_VARIANTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only here the workspace is known whose brands there are to choose from.
        self.fields["brand"] = forms.ModelChoiceField(
            Brand.objects.all(), label=_("Brand"), empty_label=None
        )
        self.fields["audience"] = forms.ModelChoiceField(
            Audience.objects.all(), label=_("Audience"), required=False, empty_label=_("Everybody")
        )

    @property
    def options(self) -> list[forms.BoundField]:
        """The questions that are the same for every kind of copy."""
        return [self[name] for name in ("brand", "audience", "language", "variants")]


class BriefForm(OrderForm):
    """A kind's questions, and for whom the copy is."""

    prefix_of_questions = "q-"

    def __init__(self, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        for question in kind.fields:
            self.fields[self.prefix_of_questions + question.name] = KindField(question)
        if kind.length:
            self.fields["length"] = self._length(kind.length)

    @staticmethod
    def _length(length: Length) -> forms.IntegerField:
        return forms.IntegerField(
            label=_("Length in words"),
            min_value=length.minimum,
            max_value=length.maximum,
            initial=length.default,
            required=False,
        )

    @property
    def questions(self) -> list[forms.BoundField]:
        return [field for field in self if field.name.startswith(self.prefix_of_questions)]

    @property
    def options(self) -> list[forms.BoundField]:
        names = ("brand", "audience", "language", "length", "variants")
        return [self[name] for name in names if name in self.fields]

    @property
    def answers(self) -> dict[str, Any]:
        """The cleaned answers by the names that the kind gives its questions."""
        return {
            field.name: self.cleaned_data[self.prefix_of_questions + field.name]
            for field in self.kind.fields
            if self.prefix_of_questions + field.name in self.cleaned_data
        }

    def order(self) -> dict[str, Any]:
        """What `brief_request` takes."""
        given = self.cleaned_data
        return {
            "kind": self.kind.name,
            "fields": self.answers,
            "brand": given["brand"],
            "audience": given["audience"],
            "language": given["language"],
            "length": given.get("length") or 0,
            "variants": given["variants"],
        }

    def sketch(self) -> BriefData:
        """The brief as far as it is filled in, good enough to say what it may cost."""
        given = self.cleaned_data
        brand, audience = given.get("brand"), given.get("audience")
        return BriefData(
            kind=self.kind.name,
            brand=brand.data() if brand else BrandData(name=""),
            fields=self.answers,
            audience=audience.data() if audience else None,
            language=given.get("language") or "en",
            length=given.get("length") or 0,
        )


def first_values(kind: Kind, brief: Brief | None, *, example: bool) -> dict[str, Any]:
    """What a new brief's form starts with: an earlier brief, or the kind's own example."""
    brand = Brand.objects.order_by("-is_default", "name").first()
    start: dict[str, Any] = {"brand": brand, "variants": 3, "language": "en"}
    answers: Iterable[tuple[str, Any]] = ()
    if brief:
        start |= {"brand": brief.brand, "audience": brief.audience, "language": brief.language}
        start["length"] = brief.length or None
        answers = brief.fields.items()
    elif example:
        answers = ((field.name, field.example) for field in kind.fields if field.example)
    return start | {f"{BriefForm.prefix_of_questions}{name}": value for name, value in answers}


def kind_choices() -> list[tuple[str, str]]:
    return [(name, gettext(kinds.load(name).label)) for name in kinds.KINDS]


class BatchForm(OrderForm):
    """A file with a brief in each row."""

    kind = forms.ChoiceField(label=_("Kind of copy"), choices=kind_choices)
    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        help_text=_("UTF-8, at most 500 rows and 2 MB."),
    )
    field_order = ("kind", "file")


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
        fields = ("base_url", "model", "dialect")
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

    def given(self) -> dict[str, Any]:
        """What the service takes: an empty key means to keep the one that is there."""
        fields = dict(self.cleaned_data)
        key = fields.pop("key") or None
        return {"fields": fields | {"enabled": self.instance.enabled}, "key": key}
