"""Checks JSON against a schema from outside, whose patterns may be made to take for ever."""

import json
from collections.abc import Iterator
from typing import Any

import regex
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import SchemaError
from jsonschema.validators import extend

PATTERN_S = 0.2
TIMED_OUT = "The pattern takes too long to check."


def pattern(validator: Any, wanted: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """As jsonschema's own, within a time."""
    if not isinstance(instance, str):
        return
    try:
        found = regex.search(wanted, instance, timeout=PATTERN_S)
    except (TimeoutError, regex.error):
        yield ValidationError(TIMED_OUT)
        return
    if not found:
        yield ValidationError(f"The text does not match {wanted!r}.")


def pattern_properties(
    validator: Any, patterns: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    for wanted, part in patterns.items() if isinstance(instance, dict) else ():
        for name, value in instance.items():
            if not list(pattern(validator, wanted, name, schema)):
                yield from validator.descend(value, part, path=name, schema_path=wanted)


Validator = extend(
    Draft202012Validator, {"pattern": pattern, "patternProperties": pattern_properties}
)


def is_valid(value: Any, schema: Any) -> bool:
    return bool(Validator(schema).is_valid(value))


def broken_promise(text: str, source: str) -> str:
    """What of the schema (as JSON) the text does not keep; empty where it keeps all."""
    try:
        error = next(Validator(json.loads(source)).iter_errors(json.loads(text)), None)
    except ValueError:
        return "The text is not JSON."
    except (SchemaError, RecursionError):
        return "The schema cannot be checked."
    return str(error.message)[:200] if error else ""
