"""Files of rows: kept until they are read, looked at first, and read in the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from saas.ids import uuid7
from saas.storage import InsufficientStorage
from tenants.jobs.models import Job
from tenants.jobs.services import job_request
from tenants.scope import current_tenant_id
from training.datasets.problems import FileRefused, Problem
from training.datasets.reading import KINDS, read
from training.datasets.tasks import COMMON, guess_mapping
from training.errors import FileNotTaken
from training.models import Dataset
from training.services.datasets import UPSERT
from training.words import problem_words

KIND = "training.import"
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a file, its headers, and which field each one probably is."""

    headers: list[str]
    rows: list[Mapping[str, Any]]
    mapping: dict[str, str]


def import_path(file_id: UUID) -> Path:
    folder = Path(settings.MEDIA_ROOT) / "tenants" / str(current_tenant_id()) / "imports"
    return folder / str(file_id)


def file_keep(*, file: File[Any]) -> UUID:
    """Keep an uploaded file under a name of our own until it is read."""
    file_id = uuid7()
    path = import_path(file_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            for piece in file.chunks():
                target.write(piece)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise InsufficientStorage from error
    return file_id


def file_preview(*, dataset: Dataset, file_id: UUID, kind: str, charset: str = "") -> Preview:
    """Look at the first rows. Raises FileNotTaken where the file cannot be read."""
    try:
        records = list(islice(read(import_path(file_id), kind, charset), SHOWN))
    except FileRefused as error:
        raise refused(error) from error
    except OSError as error:
        raise FileNotTaken(_("The file is not here any more. Send it again.")) from error
    headers = list(records[0].values)
    rows = [record.values for record in records]
    return Preview(headers, rows, guess_mapping(dataset.spec, headers))


def refused(error: FileRefused) -> FileNotTaken:
    """The file's problems in the reader's language."""
    errors = [
        {"pointer": f"/rows/{p.line}", "code": p.code, "detail": problem_words(p)}
        for p in error.problems
    ]
    detail = errors[0]["detail"] if errors else ""
    return FileNotTaken(detail, reason=error.code, errors=errors, error_count=error.count)


@transaction.atomic
def import_request(  # noqa: PLR0913
    *,
    dataset: Dataset,
    file_id: UUID,
    name: str,
    kind: str,
    mapping: Mapping[str, str],
    charset: str = "",
    mode: str = UPSERT,
) -> Job:
    """Have a kept file read into the dataset. Raises FileNotTaken for a mapping that cannot do."""
    fields = {field.name for field in dataset.spec.fields} | COMMON.keys()
    strange = sorted(set(mapping.values()) - fields)
    missing = dataset.spec.missing(mapping)
    if kind not in KINDS or strange or missing:
        names = ", ".join(missing or strange)
        raise FileNotTaken(_("Say which column is: %s.") % names, reason="mapping_incomplete")
    payload = {
        "dataset": str(dataset.pk),
        "title": f"{dataset.name}: {name}"[:200],
        "file": str(file_id),
        "kind": kind,
        "mapping": dict(mapping),
        "charset": charset,
        "mode": mode,
    }
    return job_request(kind=KIND, payload=payload, estimate=0)


def forget_file(file_id: UUID) -> None:
    import_path(file_id).unlink(missing_ok=True)


def problem_rows(problems: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Stored problems as the rows of a CSV: line, field, what is wrong."""
    found = []
    for each in problems:
        params = {k: v for k, v in each.items() if k not in ("line", "field", "code")}
        problem = Problem(each["code"], each["line"], each["field"], params)
        found.append([str(each["line"]), each["field"], problem_words(problem)])
    return found
