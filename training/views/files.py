"""A file to be read, as every page that takes one handles it: keep it, look at it once more."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.files.base import File
from django.forms import Form

from saas.errors import AppError
from training.datasets.problems import FileRefused
from training.datasets.reading import kind_of
from training.errors import FileNotTaken
from training.services.imports import Preview, file_keep, refused

# Reads the first rows of a kept file, given its number and what kind of file it is.
ReadPreview = Callable[[UUID, str], Preview]


def keep_uploaded(form: Form, look: ReadPreview) -> tuple[dict[str, Any], Preview] | None:
    """Keep the form's file: what the next form needs, and the first rows; None where refused."""
    file: File[Any] = form.cleaned_data["file"]
    try:
        kind = kind_of(file.name or "")
        file_id = file_keep(file=file)
        return {"file_id": file_id, "kind": kind, "name": file.name}, look(file_id, kind)
    except FileRefused as error:
        form.add_error("file", str(refused(error)))
    except AppError as error:
        form.add_error("file", str(error))
    return None


def preview_again(form: Form, look: ReadPreview) -> Preview:
    """The first rows once more. Raises FileNotTaken where the form names no file."""
    given = form.cleaned_data
    if "file_id" not in given or "kind" not in given:
        raise FileNotTaken
    return look(given["file_id"], given["kind"])
