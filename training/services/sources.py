"""Rows of the product's own into a dataset, which from then on keeps up with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from tenants.events import record
from training.datasets.reading import Record
from training.errors import SourceUnknown
from training.models import Dataset
from training.services.datasets import UPSERT, Check, Import, Imported, dataset_create, rows_import
from training.sources import RowSource, source_of, sources


@dataclass(frozen=True, slots=True)
class Offer:
    """A source as a dataset sees it: how many rows it has, and how many were taken."""

    source: RowSource
    count: int
    taken: int
    followed: bool

    @property
    def fresh(self) -> int:
        return max(0, self.count - self.taken)


def offers(dataset: Dataset) -> list[Offer]:
    """What the product has for a dataset of this task."""
    found = []
    for source in sources(dataset.task):
        taken = dataset.rows.filter(origin=source.name).count()
        found.append(Offer(source, source.count(), taken, source.name in dataset.sources))
    return found


def source_follow(*, dataset: Dataset, name: str) -> Imported:
    """Take all rows of a source, now and before each run. Raises SourceUnknown, LimitReached."""
    source = source_of(name)
    if source is None or source.task != dataset.task:
        raise SourceUnknown
    if name not in dataset.sources:
        dataset.sources = [*dataset.sources, name]
        dataset.save(update_fields=["sources", "updated_at"])
        record("dataset.follows", dataset, source=name)
    return taken(dataset, source)


@transaction.atomic
def source_dataset(*, name: str) -> Dataset:
    """The dataset of a source alone, made where there is none yet. Raises SourceUnknown."""
    source = source_of(name)
    if source is None:
        raise SourceUnknown
    named = str(source.label)[:80]
    known = Dataset.objects.filter(name=named, task=source.task).first()
    dataset = known or dataset_create(
        name=named, task=source.task, note=_("Kept up to date with your work."), consent=True
    )
    source_follow(dataset=dataset, name=name)
    return dataset


def sources_refresh(*, dataset: Dataset, check: Check = lambda done: None) -> None:
    """Take what has come since; texts that were changed take the place of what they were."""
    for name in dataset.sources:
        source = source_of(name)
        if source is not None:
            taken(dataset, source, check)


def taken(dataset: Dataset, source: RowSource, check: Check = lambda done: None) -> Imported:
    fields = [field.name for field in dataset.spec.fields] + ["row_id", "group_id"]
    how = Import({name: name for name in fields}, mode=UPSERT, origin=source.name)
    return rows_import(dataset=dataset, records=numbered(source), how=how, check=check)


def numbered(source: RowSource) -> Iterator[Record]:
    for number, values in enumerate(source.rows(), start=1):
        yield Record(number, values)
