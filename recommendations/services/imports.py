"""Files of items and of events: looked at first, read in the background, each fault by its line."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from recommendations.api.events import FIELDS as EVENT_FIELDS
from recommendations.api.events import Clock, Wrong, event_of
from recommendations.api.serializers import ItemSerializer
from recommendations.errors import EventConflict
from recommendations.services.catalogue import FIELDS as ITEM_FIELDS
from recommendations.services.catalogue import ItemData, items_write
from recommendations.services.interactions import EventData, interactions_record
from saas.errors import field_errors
from tenants.jobs.models import Job
from tenants.jobs.services import job_request
from training.datasets.problems import FileRefused
from training.datasets.reading import Record, read
from training.errors import FileNotTaken
from training.services.imports import SHOWN, Preview, import_path, refused

KIND = "recommend.import"
KINDS = ("csv", "tsv", "jsonl", "xlsx")
ITEMS, EVENTS = "items", "interactions"
# A column that is no field of an item is one of its attributes, by the column's name.
ATTRIBUTE = "attributes"
FIELDS = {ITEMS: ("id", *ITEM_FIELDS), EVENTS: tuple(sorted(EVENT_FIELDS))}
NEEDED = {ITEMS: ("id",), EVENTS: ("person", "item", "type")}
# What other shops and recommenders call these columns.
ALIASES = {
    ITEMS: {
        **dict.fromkeys(("item", "item_id", "itemid", "sku", "key"), "id"),
        **dict.fromkeys(("name", "headline"), "title"),
        **dict.fromkeys(("description", "body", "comment"), "text"),
        **dict.fromkeys(("categories", "labels"), "tags"),
        **dict.fromkeys(("category", "kind"), "type"),
        **dict.fromkeys(("link", "address"), "url"),
        **dict.fromkeys(("image", "picture", "image_link"), "image_url"),
    },
    EVENTS: {
        **dict.fromkeys(("user", "user_id", "userid", "visitor", "person_id"), "person"),
        **dict.fromkeys(("item_id", "itemid", "sku", "product"), "item"),
        **dict.fromkeys(("event", "event_type", "feedback_type", "action"), "type"),
        **dict.fromkeys(("time", "date", "occurred_at"), "timestamp"),
        **dict.fromkeys(("rating", "amount"), "value"),
        **dict.fromkeys(("seconds", "dwell"), "duration"),
        **dict.fromkeys(("session_id", "sessionid"), "session"),
    },
}
FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
BATCH = 1_000
MOST_PROBLEMS = 1_000


@dataclass(slots=True)
class Report:
    """What became of a file's rows."""

    created: int = 0
    updated: int = 0
    duplicates: int = 0
    rejected: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, line: int, name: str, detail: str) -> None:
        self.rejected += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append({"line": line, "field": name, "detail": detail})

    def stored(self) -> dict[str, Any]:
        return {
            "created": self.created,
            "updated": self.updated,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "problems": self.problems,
        }


def file_preview(*, file_id: UUID, kind: str, what: str) -> Preview:
    """The first rows and what each column probably is. Raises FileNotTaken."""
    if kind not in KINDS:
        raise FileNotTaken(_("Send a CSV, TSV, JSONL or XLSX file."), reason="kind")
    try:
        records = list(islice(read(import_path(file_id), kind), SHOWN))
    except FileRefused as error:
        raise refused(error) from error
    except OSError as error:
        raise FileNotTaken(_("The file is not here any more. Send it again.")) from error
    headers = list(dict.fromkeys(name for record in records for name in record.values))
    return Preview(headers, [record.values for record in records], guess_mapping(what, headers))


def guess_mapping(what: str, headers: Iterable[str]) -> dict[str, str]:
    """The field that each column probably is, by its name; of items the others are attributes."""
    found: dict[str, str] = {}
    for header in headers:
        bare = header.strip().lower().replace(" ", "_").replace("-", "_")
        name = bare if bare in FIELDS[what] else ALIASES[what].get(bare, "")
        if name and name not in found.values():
            found[header] = name
        elif what == ITEMS:
            found[header] = ATTRIBUTE
    return found


@transaction.atomic
def import_request(
    *, what: str, file_id: UUID, name: str, kind: str, mapping: Mapping[str, str]
) -> Job:
    """Have a kept file read. Raises FileNotTaken for a mapping that cannot do."""
    strange = sorted(set(mapping.values()) - set(FIELDS[what]))
    chosen = [field for field in mapping.values() if field != ATTRIBUTE]
    twice = sorted({field for field in chosen if chosen.count(field) > 1})
    missing = [field for field in NEEDED[what] if field not in chosen]
    if strange or twice or missing:
        names = ", ".join(missing or twice or strange)
        raise FileNotTaken(_("Say which column is: %s.") % names, reason="mapping_incomplete")
    payload = {
        "title": name[:200],
        "what": what,
        "file": str(file_id),
        "kind": kind,
        "mapping": dict(mapping),
    }
    return job_request(kind=KIND, payload=payload, estimate=0)


def rows_import(
    *,
    what: str,
    records: Iterable[Record],
    mapping: Mapping[str, str],
    check: Callable[[int], None] = lambda done: None,
) -> Report:
    """Take rows in, a batch at a time; sent again, they change nothing. `check` may raise."""
    report = Report()
    take = take_items if what == ITEMS else take_events
    done = 0
    for chunk in chunks(records):
        take(chunk, mapping, report)
        done += len(chunk)
        check(done)
    return report


def chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    source = iter(records)
    while chunk := list(islice(source, BATCH)):
        yield chunk


def take_items(chunk: Sequence[Record], mapping: Mapping[str, str], report: Report) -> None:
    items = []
    for record in chunk:
        asked = ItemSerializer(data=item_row(record.values, mapping))
        if asked.is_valid():
            values = dict(asked.validated_data)
            items.append(ItemData(values.pop("key"), values))
        else:
            first = next(iter(field_errors(asked_details(asked))))
            report.refuse(record.line, first["pointer"].strip("/"), str(first["detail"]))
    written = items_write(items=items)
    report.created += written.created
    report.updated += written.updated


def asked_details(asked: ItemSerializer) -> Any:
    """The serializer's errors with their codes, as DRF raises them."""
    return {
        name: [{"code": each.code, "message": str(each)} for each in errors]
        if isinstance(errors, list)
        else {"code": "invalid", "message": _("This value does not fit.")}
        for name, errors in asked.errors.items()
    }


def item_row(values: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """An item as the API takes it; empty cells are left out."""
    found: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for header, name in mapping.items():
        value = values.get(header)
        if value is None or value == "":
            continue
        if name == ATTRIBUTE:
            if isinstance(value, Mapping):
                attributes |= value
            else:
                attributes[header] = number_or_text(value)
        else:
            found[name] = item_value(name, value)
    return found | ({"attributes": attributes} if attributes else {})


def item_value(name: str, value: Any) -> Any:
    """A cell as the field takes it: lists and flags are texts in a table."""
    if name == "tags" and isinstance(value, str):
        mark = next((mark for mark in "|;" if mark in value), ",")
        return [tag.strip() for tag in value.split(mark) if tag.strip()]
    if name in ("in_stock", "hidden") and isinstance(value, str):
        return FLAGS.get(value.strip().lower(), value)
    return str(value) if name == "id" else value


def number_or_text(value: Any) -> Any:
    """A text that is a number as one."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return number if abs(number) < 1e15 else value


def take_events(chunk: Sequence[Record], mapping: Mapping[str, str], report: Report) -> None:
    clock = Clock(timezone.now(), historical=True)
    events: list[tuple[int, EventData]] = []
    for record in chunk:
        try:
            events.append((record.line, event_of(event_row(record.values, mapping), clock)))
        except Wrong as error:
            report.refuse(record.line, error.name, error.detail)
    while events:
        try:
            told = interactions_record(events=[event for _line, event in events])
        except EventConflict as error:
            known = error.extra["event_id"]
            for line, event in events:
                if event.event_id == known:
                    report.refuse(line, "event_id", str(error))
            events = [each for each in events if each[1].event_id != known]
        else:
            report.created += told.accepted
            report.duplicates += told.duplicates
            return


def event_row(values: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """An event as the API takes it; empty cells are left out."""
    found: dict[str, Any] = {}
    for header, name in mapping.items():
        value = values.get(header)
        if value is None or value == "":
            continue
        if name in ("value", "duration", "timestamp"):
            found[name] = number_or_text(value)
        else:
            found[name] = str(value)
    return found
