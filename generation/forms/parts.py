"""A finished text as a form: a field for each part that its kind of copy has, or Markdown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generation.kinds.kind import Kind, Part

MAX_CHARS = 100_000
# A part of many lines never has more than these; what was posted beyond is not read.
MAX_LINES = 40
MOST_COUNTED = 500


class EditForm(forms.Form):
    """A text to be edited; `text` is its Markdown and `data_now` its parts."""

    use_required_attribute = False

    def __init__(self, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind

    @property
    def data_now(self) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def text(self) -> str:
        return self.kind.render(self.data_now)


class MarkdownForm(EditForm):
    """The whole text in one field."""

    markdown = forms.CharField(
        label=_("Text"),
        max_length=MAX_CHARS,
        strip=False,
        widget=forms.Textarea(attrs={"class": "editor", "rows": 24, "spellcheck": "true"}),
        error_messages={"required": _("The text is empty.")},
    )

    @property
    def data_now(self) -> dict[str, Any]:
        return self.kind.parse(self.cleaned_data.get("markdown", "").replace("\r\n", "\n"))

    @property
    def rows(self) -> list["Row"]:
        return []


@dataclass(frozen=True, slots=True)
class Row:
    """A part of the text with its fields."""

    part: Part
    label: str
    fields: list[forms.BoundField]

    @property
    def count(self) -> str:
        """How many lines the part may have, in words."""
        least, most = self.part.least, self.part.most
        if least == most:
            return str(most)
        words = _("{least} to {most}") if least > 1 else _("up to {most}")
        return str(words).format(least=least, most=most)

    @property
    def limit(self) -> int:
        """The limit to count against; one that nobody gets near only distracts."""
        return self.part.limit if self.part.limit <= MOST_COUNTED else 0


class PartsForm(EditForm):
    """A field for each part; a part of many lines has one for each line, and one more."""

    def __init__(self, kind: Kind, data: Mapping[str, Any], posted: QueryDict | None) -> None:
        super().__init__(kind, posted)
        self.names: dict[str, list[str]] = {}
        for part in kind.parts:
            texts = self._texts(part, data)
            self.names[part.name] = [f"{part.name}-{at}" for at in range(len(texts))]
            for name, text in zip(self.names[part.name], texts, strict=True):
                self.fields[name] = part_field(part, text)

    def _texts(self, part: Part, data: Mapping[str, Any]) -> list[str]:
        if not part.many:
            return [str(data.get(part.name) or "")]
        if self.is_bound:
            posted = (at for at in range(MAX_LINES) if f"{part.name}-{at}" in self.data)
            return [""] * (max(posted, default=-1) + 1)
        lines = [str(line) for line in data.get(part.name) or ()]
        room = 1 if len(lines) < part.most else 0
        return lines + [""] * max(part.least - len(lines), room)

    @property
    def rows(self) -> list[Row]:
        return [
            Row(part, gettext(part.label), [self[name] for name in self.names[part.name]])
            for part in self.kind.parts
        ]

    @property
    def data_now(self) -> dict[str, Any]:
        return {part.name: self._value(part) for part in self.kind.parts}

    def _value(self, part: Part) -> Any:
        lines = [self.cleaned_data.get(name, "") for name in self.names[part.name]]
        return [line for line in lines if line] if part.many else lines[0]

    def clean(self) -> None:
        if not any(self.data_now.values()):
            raise ValidationError(_("The text is empty."))


class PartField(forms.CharField):
    """A part of a text. One that is still empty is a finding of the checks, no reason to refuse."""

    def to_python(self, value: Any) -> str:
        """Browsers end lines as the network does; left so, each line would count as edited."""
        return str(super().to_python(value)).replace("\r\n", "\n")

    def validate(self, value: str) -> None:
        pass


def part_field(part: Part, text: str) -> PartField:
    widget = forms.Textarea(attrs={"rows": 8}) if part.long else forms.TextInput()
    return PartField(
        label=gettext(part.label),
        initial=text,
        required=not part.optional,
        max_length=MAX_CHARS,
        widget=widget,
    )


def is_flat(kind: Kind, data: Mapping[str, Any]) -> bool:
    """Whether fields can show all of the text; one with an inner structure needs Markdown."""
    return set(data) <= {part.name for part in kind.parts} and all(
        isinstance(each, str) for value in data.values() for each in _values(value)
    )


def _values(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else [value]


def edit_form(
    kind: Kind, data: Mapping[str, Any], posted: QueryDict | None = None, *, markdown: bool = False
) -> EditForm:
    """The form that fits the text; posted fields say themselves which one they came from."""
    if posted is not None:
        markdown = "markdown" in posted
    if markdown or not is_flat(kind, data):
        return MarkdownForm(kind, posted, initial={"markdown": kind.render(dict(data))})
    return PartsForm(kind, data, posted)
