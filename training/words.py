"""Problems of files and rows, and events of runs, in the reader's language."""

from django.utils.translation import gettext, gettext_noop

from training.datasets.problems import Problem
from training.models import TrainingEvent

WORDS = {
    "file_empty": gettext_noop("The file is empty, or has a header and no rows."),
    "unsupported_media_type": gettext_noop("Send a CSV, TSV, JSONL, XLSX or text file."),
    "charset_unknown": gettext_noop("There is no charset “{charset}”."),
    "encoding_invalid": gettext_noop(
        "Byte {offset} is not {encoding}. Save the file as UTF-8, or say which charset it has."
    ),
    "row_too_long": gettext_noop("A line is longer than {limit} characters."),
    "too_many_columns": gettext_noop("There are more than {limit} columns."),
    "too_many_rows": gettext_noop("There are more than {limit} rows. Send the file in parts."),
    "csv_malformed": gettext_noop("The table is broken here: {reason}."),
    "header_twice": gettext_noop("Two columns have this name."),
    "too_many_cells": gettext_noop("This row has more cells than the header."),
    "jsonl_malformed": gettext_noop("This line is not JSON that everybody reads alike: {reason}."),
    "archive_unreadable": gettext_noop("The workbook is damaged or locked with a password."),
    "archive_unsafe_path": gettext_noop("The workbook holds parts that do not belong in one."),
    "archive_too_large": gettext_noop("The workbook would take too much room when opened."),
    "field_empty": gettext_noop("This field is empty."),
    "field_too_long": gettext_noop("This field has more than {limit} characters."),
    "messages_invalid": gettext_noop("Give messages with a role and a text each."),
    "no_answer": gettext_noop("The conversation does not end with an answer to learn from."),
    "nothing_preferred": gettext_noop("Both answers are the same."),
    "tags_do_not_fit": gettext_noop("There must be one tag for each token."),
    "tag_invalid": gettext_noop("A tag is O, or begins with B- or I-."),
    "span_invalid": gettext_noop("A marked place lies outside of the text, or has no label."),
    "row_invalid": gettext_noop("This row does not have the form of its task."),
    "row_id_taken": gettext_noop("Another row has this id: {row_id}."),
    "personal_data": gettext_noop("This row holds personal data, which the dataset refuses."),
}


def problem_words(problem: Problem) -> str:
    return gettext(WORDS[problem.code]).format(**{"reason": "", **problem.params})


EVENTS = {
    "created": gettext_noop("The run was ordered."),
    "validating": gettext_noop("The rows are checked."),
    "started": gettext_noop("Teaching has begun."),
    "step": gettext_noop("Step {step} of {steps}: training loss {loss:.4f}."),
    "evaluated": gettext_noop("Step {step}: validation loss {loss:.4f}."),
    "model_created": gettext_noop("The model {number} was made."),
    "paused": gettext_noop("The run was paused."),
    "resumed": gettext_noop("The run goes on."),
    "succeeded": gettext_noop("The run is done."),
    "cancelled": gettext_noop("The run was cancelled."),
    "failed": gettext_noop("The run failed: {detail}"),
}


def event_words(event: TrainingEvent) -> str:
    return gettext(EVENTS[event.code]).format(**{"detail": "", **event.data})
