"""What a variant's card shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.template.defaultfilters import linebreaks_filter
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from generation.models import Brief, Content, Variant
from generation.presentation.issues import IssueView, in_order, issue_views
from generation.presentation.marks import marked_numbers, to_marks, with_edges
from training.models import ModelVersion

LOOKS = {
    Variant.State.QUEUED: "queued",
    Variant.State.WRITING: "running",
    Variant.State.READY: "done",
    Variant.State.FAILED: "failed",
    Variant.State.STOPPED: "done",
}


@dataclass(frozen=True)
class Card:
    """One variant as its card on the brief's page shows it."""

    variant: Variant
    brief: Brief
    model: ModelVersion | None = None

    @classmethod
    def all(cls, variants: Iterable[Variant], brief: Brief) -> "list[Card]":
        """The cards of a brief's variants, each with the model that wrote it."""
        found = list(variants)
        hashes = {variant.adapter_sha256 for variant in found} - {""}
        models = ModelVersion.objects.that_wrote(hashes) if hashes else {}
        return [cls(variant, brief, models.get(variant.adapter_sha256)) for variant in found]

    @classmethod
    def of(cls, variant: Variant) -> "Card":
        return cls.all([variant], variant.brief)[0]

    @property
    def look(self) -> str:
        return "picked" if self.content else LOOKS[Variant.State(self.variant.state)]

    @property
    def usable(self) -> bool:
        return self.variant.state == Variant.State.READY

    @property
    def reason(self) -> str:
        """Why there is no text, or only a part of one."""
        if self.variant.state == Variant.State.FAILED:
            # Stored in the words of the source, some of which the catalogue knows.
            return _(self.variant.error) if self.variant.error else _("The writing went wrong.")
        return _("You stopped it here.") if self.variant.state == Variant.State.STOPPED else ""

    @property
    def note(self) -> str:
        """A word about its state, where that is not what the look says."""
        stopped = self.variant.state == Variant.State.STOPPED
        return self.variant.get_state_display() if stopped else ""

    @property
    def expected(self) -> int:
        """How many tokens it may have in the end."""
        payload = self.variant.job.payload if self.variant.job else {}
        return int(payload.get("expected_tokens") or 400)

    @cached_property
    def content(self) -> Content | None:
        picked = self.variant.contents.all() if self.variant.picked_at else ()
        return max(picked, key=lambda content: content.created_at, default=None)

    @cached_property
    def html(self) -> SafeString:
        """The text as it will be read; a kind escapes all of it."""
        if not self.variant.text:
            return SafeString("")
        if not self.variant.data:
            return linebreaks_filter(self.variant.text)
        found = self._found
        shown = self.brief.kind_spec.html(with_edges(self.variant.data, found))
        return to_marks(shown, [issue["severity"] for issue in found], self.anchor)

    @property
    def anchor(self) -> str:
        """How the addresses of its findings on the page begin."""
        return f"variant-{self.variant.number}-found"

    @cached_property
    def marked(self) -> set[int]:
        """The findings that are marked in the text; the others stand in the list alone."""
        return marked_numbers(self.html, self.anchor)

    @cached_property
    def _found(self) -> list[Mapping[str, Any]]:
        return in_order(self.variant.issues)

    @cached_property
    def issues(self) -> list[IssueView]:
        return issue_views(self._found, self.brief.kind_spec, self.variant.data)
