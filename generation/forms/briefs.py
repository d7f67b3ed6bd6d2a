"""Forms that order copy. A brief's questions come from its kind of copy, and so do their rules."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generation import kinds
from generation.kinds.brief import BrandData
from generation.kinds.kind import BriefData, BriefError, Field, Kind, Length
from generation.models import Audience, Brand, Brief
from generation.models.briefs import LANGUAGES, MAX_VARIANTS


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
            raise ValidationError([translated(problem) for problem in error.problems]) from error


def translated(problem: Any) -> str:
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
        self.fields["campaign"] = forms.CharField(
            label=_("Campaign"),
            required=False,
            max_length=80,
            help_text=_("To find its pieces together in the library."),
        )
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
        names = ("brand", "audience", "campaign", "language", "length", "variants")
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
            "campaign": given["campaign"],
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
        start |= {"length": brief.length or None, "campaign": brief.campaign}
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
        label=_("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        help_text=_("CSV or XLSX, at most 500 rows and 2 MB."),
    )
    field_order = ("kind", "file")


class ColumnsForm(forms.Form):
    """Which column of a file answers which question of a kind."""

    def __init__(self, kind: Kind, header: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [name or _("Column {n}").format(n=n) for n, name in enumerate(header, 1)]
        columns = [(str(place), name) for place, name in enumerate(named)]
        for question in kind.fields:
            nothing = _("Choose a column") if question.required else _("Leave empty")
            self.fields[question.name] = forms.ChoiceField(
                label=gettext(question.label),
                required=question.required,
                choices=[("", nothing), *columns],
            )

    def mapping(self) -> dict[str, int]:
        """The chosen columns by their questions; also of a form that is not complete yet."""
        given = self.cleaned_data if self.is_bound else self.initial
        return {name: int(place) for name, place in given.items() if place not in ("", None)}
