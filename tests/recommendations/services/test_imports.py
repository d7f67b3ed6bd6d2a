"""Files of items and events: columns, cells, faults by line, and the same file twice."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from recommendations.models import Interaction, Item
from recommendations.services.imports import (
    EVENTS,
    ITEMS,
    Report,
    file_preview,
    guess_mapping,
    import_request,
    rows_import,
)
from tenants.billing.errors import LimitReached
from tenants.billing.models import LimitOverride
from training.datasets.reading import Record, read
from training.errors import FileNotTaken
from training.services.imports import file_keep, import_path

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_acme")]
NOW = timezone.now().replace(microsecond=0)
CATALOGUE = """SKU,Name,Description,Category,Labels,Price,In stock,Light
fern,Fern,A fern,plant,green|shade,19.00,yes,low
pot,Pot,,pot,clay,9,no,
b d,Broken,,,,,,
cheap,Cheap,,,,-1,,
odd,Odd,,,,,perhaps,3.5
"""


def taken(what: str, text: str, tmp_path: Path, kind: str = "csv") -> Report:
    path = tmp_path / f"rows.{kind}"
    path.write_text(text)
    headers = list(next(iter(read(path, kind))).values)
    mapping = guess_mapping(what, headers)
    return rows_import(what=what, records=read(path, kind), mapping=mapping)


def test_a_catalogue_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    report = taken(ITEMS, CATALOGUE, tmp_path)
    assert (report.created, report.updated, report.rejected) == (2, 0, 3)
    fern, pot = Item.objects.get(key="fern"), Item.objects.get(key="pot")
    assert (fern.title, fern.text, fern.type, str(fern.price)) == (
        "Fern",
        "A fern",
        "plant",
        "19.00",
    )
    assert (fern.tags, fern.attributes) == (["green", "shade"], {"Light": "low"})
    assert (fern.in_stock, pot.in_stock, pot.attributes) == (True, False, {})
    faults = [(each["line"], each["field"]) for each in report.problems]
    assert faults == [(4, "id"), (5, "price"), (6, "in_stock")]
    again = taken(ITEMS, CATALOGUE, tmp_path)
    assert (again.created, again.updated) == (0, 2)


def test_jsonl_keeps_lists_and_objects(tmp_path: Path) -> None:
    text = '{"id": 7, "tags": ["a", "b"], "attributes": {"size": 2}, "colour": "red"}\n'
    assert taken(ITEMS, text, tmp_path, "jsonl").created == 1
    item = Item.objects.get(key="7")
    assert (item.tags, item.attributes) == (["a", "b"], {"size": 2, "colour": "red"})


def test_events_however_old_count_once(tmp_path: Path) -> None:
    old = NOW - timedelta(days=400)
    lines = ["user_id,item_id,event,time,seconds"]
    lines += [f"ann,fern,view,{(old + timedelta(minutes=n)).isoformat()},{n}" for n in range(5)]
    lines += [f"ben,pot,click,{old.timestamp()},", "ben,pot,Click,2024-01-01,", ",pot,click,,"]
    report = taken(EVENTS, "\n".join(lines), tmp_path)
    assert (report.created, report.rejected) == (6, 2)
    assert [each["field"] for each in report.problems] == ["type", "person"]
    again = taken(EVENTS, "\n".join(lines), tmp_path)
    assert (again.created, again.duplicates) == (0, 6)
    assert Interaction.objects.filter(person__key="ann").count() == 5


def test_another_event_of_the_same_id_is_refused_alone(tmp_path: Path) -> None:
    at = NOW.isoformat()
    rows = [f"ann,{item},view,{at},{name}" for item, name in (("a", "e1"), ("b", "e2"))]
    head = "person,item,type,timestamp,event_id"
    assert taken(EVENTS, "\n".join([head, *rows]), tmp_path).created == 2
    more = [f"ann,c,view,{at},e1", f"ann,d,view,{at},e3"]
    report = taken(EVENTS, "\n".join([head, *more]), tmp_path)
    assert (report.created, report.rejected, report.problems[0]["field"]) == (1, 1, "event_id")


def test_progress_and_stopping() -> None:
    records = [Record(n, {"id": f"i{n}"}) for n in range(2_500)]
    seen: list[int] = []
    rows_import(what=ITEMS, records=records, mapping={"id": "id"}, check=seen.append)
    assert seen == [1_000, 2_000, 2_500]
    assert Item.objects.count() == 2_500


@pytest.mark.parametrize(
    "mapping", [{}, {"a": "title"}, {"a": "id", "b": "id"}, {"a": "id", "b": "colour"}]
)
def test_a_mapping_that_cannot_do_is_refused(mapping: Any) -> None:
    file_id = file_keep(file=ContentFile(b"a,b\n1,2\n"))
    with pytest.raises(FileNotTaken):
        import_request(what=ITEMS, file_id=file_id, name="x", kind="csv", mapping=mapping)
    assert import_path(file_id).exists()


def test_a_preview_shows_the_first_rows() -> None:
    file_id = file_keep(file=ContentFile(CATALOGUE.encode()))
    found = file_preview(file_id=file_id, kind="csv", what=ITEMS)
    assert found.mapping["SKU"] == "id"
    assert len(found.rows) == 5
    for kind in ("text", "pdf"):
        with pytest.raises(FileNotTaken):
            file_preview(file_id=file_id, kind=kind, what=ITEMS)


def test_a_workspace_has_so_many_items(tmp_path: Path) -> None:
    LimitOverride.objects.create(name="items", value=2)
    assert taken(ITEMS, "id\na\nb\n", tmp_path).created == 2
    assert taken(ITEMS, "id,title\na,A\n", tmp_path).updated == 1
    with pytest.raises(LimitReached):
        taken(ITEMS, "id\nc\n", tmp_path)
