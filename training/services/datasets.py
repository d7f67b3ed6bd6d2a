"""Rows into a dataset, whatever they come from; and the versions that are taken of it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from saas.errors import AlreadyExists
from tenants.billing.limits import require_room
from tenants.events import record
from training.datasets.cleaning import cleaned, fingerprint, near_duplicates
from training.datasets.privacy import find_private, masked
from training.datasets.problems import Problem
from training.datasets.reading import Record
from training.datasets.splitting import Groups, assign
from training.datasets.statistics import Statistics
from training.datasets.tasks import mapped
from training.errors import DatasetInUse, DatasetTooSmall, GroupSplitConflict
from training.models import Dataset, DatasetRow, DatasetVersion

CHUNK = 1_000
MOST_PROBLEMS = 1_000
LEAST_ROWS = 8
APPEND, UPSERT = "append", "upsert"

Check = Callable[[int], None]


@dataclass(slots=True)
class Imported:
    """What became of the rows of a file."""

    accepted: int = 0
    updated: int = 0
    duplicates: int = 0
    rejected: int = 0
    private: int = 0
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, problems: Sequence[Problem]) -> None:
        self.rejected += 1
        self.problems.extend(problems[: MOST_PROBLEMS - len(self.problems)])

    def stored(self) -> dict[str, Any]:
        counts = {
            name: getattr(self, name)
            for name in ("accepted", "updated", "duplicates", "rejected", "private")
        }
        problems = [
            {"line": p.line, "field": p.column, "code": p.code, **dict(p.params)}
            for p in self.problems
        ]
        return {**counts, "problems": problems}


@dataclass(frozen=True, slots=True)
class Import:
    """How a file's rows are taken: which column is which field, and what equal ids mean."""

    mapping: Mapping[str, str]
    mode: str = APPEND
    dry_run: bool = False
    origin: str = "import"
    # Where all of these rows belong; otherwise the next version parts them.
    split: str = ""


def rows_import(
    *, dataset: Dataset, records: Iterable[Record], how: Import, check: Check = lambda done: None
) -> Imported:
    """Take rows in chunks of a thousand, each in a transaction of its own.

    A row whose text is there already is a duplicate and changes nothing, so the same file twice
    does no harm. `check(rows so far)` is called between chunks and may raise to stop.
    """
    report = Imported()
    source = iter(records)
    done = 0
    while chunk := list(islice(source, CHUNK)):
        check(done)
        _take(dataset, chunk, how, report)
        done += len(chunk)
    return report


@transaction.atomic
def _take(dataset: Dataset, chunk: Sequence[Record], how: Import, report: Imported) -> None:
    found = dict(_readable(dataset, chunk, how, report))
    if how.dry_run or not found:
        report.accepted += len(found)
        return
    Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
    hashes = {row.sha256 for row in found.values()}
    taken = set(dataset.rows.filter(sha256__in=hashes).values_list("sha256", flat=True))
    there = dataset.rows.all().keyed(found)
    fresh: list[DatasetRow] = []
    for row in found.values():
        if row.sha256 in taken:
            report.duplicates += 1
        elif row.row_id not in there:
            fresh.append(row)
            taken.add(row.sha256)
        elif how.mode == UPSERT:
            _change(there[row.row_id], row)
            report.updated += 1
        else:
            report.refuse([Problem("row_id_taken", 0, "row_id", {"row_id": row.row_id})])
    require_room("dataset_rows", DatasetRow.objects.count, more=len(fresh))
    DatasetRow.objects.bulk_create(fresh)
    report.accepted += len(fresh)


def _change(known: DatasetRow, row: DatasetRow) -> None:
    """Another text for a row; which split it is in stays, so that tests stay comparable."""
    known.content, known.sha256, known.group_id = row.content, row.sha256, row.group_id
    known.save(update_fields=["content", "sha256", "group_id", "updated_at"])


def _readable(
    dataset: Dataset, chunk: Sequence[Record], how: Import, report: Imported
) -> Iterator[tuple[str, DatasetRow]]:
    """(row_id, row) of what can be learnt from; the others go into the report."""
    for each in chunk:
        values = cleaned(mapped(each.values, how.mapping))
        try:
            content = dataset.spec.build(values)
        except (KeyError, TypeError, ValueError):
            report.refuse([Problem("row_invalid", each.line)])
            continue
        if problems := list(dataset.spec.check(content, each.line)):
            report.refuse(problems)
            continue
        content, private = without_private(dataset, content)
        report.private += private
        if private and dataset.privacy == Dataset.Privacy.REFUSE:
            report.refuse([Problem("personal_data", each.line)])
            continue
        sha256 = fingerprint(content)
        row_id = str(values.get("row_id") or sha256[:32])[:120]
        yield (
            row_id,
            DatasetRow(
                dataset=dataset,
                row_id=row_id,
                group_id=str(values.get("group_id") or "")[:120],
                content=content,
                sha256=sha256,
                origin=how.origin,
                split=how.split,
            ),
        )


def without_private(dataset: Dataset, content: Any) -> tuple[Any, bool]:
    """The content as the dataset's policy keeps it, and whether something private was found."""
    texts = list(_texts(content))
    if not any(find_private(text) for text in texts):
        return content, False
    if dataset.privacy == Dataset.Privacy.MASK:
        return _masked(content), True
    return content, True


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {name: _masked(inner) for name, inner in value.items()}
    return [_masked(inner) for inner in value] if isinstance(value, list) else value


@transaction.atomic
def dataset_create(**values: Any) -> Dataset:
    """A new dataset without rows. Raises AlreadyExists, or LimitReached."""
    require_room("datasets", Dataset.objects.count)
    if Dataset.objects.filter(name=values["name"]).exists():
        raise AlreadyExists(_("There is a dataset with this name already."))
    made: Dataset = Dataset.objects.create(**values)
    record("dataset.created", made, task=made.task)
    return made


def dataset_delete(*, dataset: Dataset) -> Dataset:
    """Delete a dataset with its rows. Raises DatasetInUse where models were taught with it."""
    with transaction.atomic():
        if dataset.runs.exists():
            raise DatasetInUse
        record("dataset.deleted", dataset)
        dataset.delete()
    return dataset


def version_of(dataset: Dataset, check: Check = lambda done: None) -> DatasetVersion:
    """The version of the rows as they are now: the newest one, or a new one where they changed.

    Nearly equal rows are joined into one group, of which the first is kept; rows that were in a
    split before stay there for the dataset's life. Raises DatasetTooSmall.
    """
    rows = list(dataset.rows.select_related("dataset").in_order())
    if len(rows) < LEAST_ROWS:
        raise DatasetTooSmall(least=LEAST_ROWS, rows=len(rows))
    check(0)
    groups, dropped = grouped(rows)
    check(len(rows))
    with transaction.atomic():
        Dataset.objects.select_for_update(no_key=True).get(pk=dataset.pk)
        kept = [row for row in rows if row.row_id not in dropped]
        _give_splits(kept, groups, seed=int(dataset.pk.int % 2**31))
        return _stored(dataset, kept, len(dropped))


def grouped(rows: Sequence[DatasetRow]) -> tuple[Groups, set[str]]:
    """Which rows belong together, and those that only repeat an earlier one."""
    groups = Groups()
    for row in rows:
        if row.group_id:
            groups.join(f"group:{row.group_id}", row.row_id)
    dropped: set[str] = set()
    for later, earlier in near_duplicates((row.row_id, row.text()) for row in rows):
        groups.join(earlier, later)
        dropped.add(later)
    held = {row.row_id for row in rows if row.split}
    return groups, dropped - held


def _give_splits(rows: Sequence[DatasetRow], groups: Groups, *, seed: int) -> None:
    frozen = {row.row_id: row.split for row in rows if row.split}
    given = assign([row.row_id for row in rows], groups, seed=seed, frozen=frozen)
    refuse_one_sided(given)
    changed = [row for row in rows if not row.split]
    for row in changed:
        row.split = given[row.row_id]
    DatasetRow.objects.bulk_update(changed, ["split"], batch_size=CHUNK)


def refuse_one_sided(given: dict[str, str]) -> None:
    """Raise where all rows are one group: nothing could be measured."""
    if len(set(given.values())) < 2:
        raise GroupSplitConflict


def _stored(dataset: Dataset, rows: Sequence[DatasetRow], dropped: int) -> DatasetVersion:
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.row_id):
        digest.update(json.dumps([row.row_id, row.sha256, row.split]).encode())
    sha256 = digest.hexdigest()
    latest = dataset.latest_version()
    if latest is not None and latest.sha256 == sha256:
        return _with_rows(latest)
    found = Statistics()
    for row in rows:
        found.add(dataset.spec, row.content, row.split)
    last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
    made: DatasetVersion = DatasetVersion.objects.create(
        dataset=dataset,
        number=last + 1,
        sha256=sha256,
        rows=len(rows),
        near_duplicates=dropped,
        statistics=found.stored(),
    )
    return _with_rows(made)


def _with_rows(version: DatasetVersion) -> DatasetVersion:
    """The version, with each of its new rows noting that it came with it."""
    fresh = version.dataset.rows.exclude(split="").filter(since=0)
    fresh.update(since=version.number)
    return version
