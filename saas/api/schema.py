"""How views describe themselves in OpenAPI: problems, idempotency, limits, preconditions."""

import re
from typing import Any

from django.db.models import Model
from django_filters import ChoiceFilter, ModelChoiceFilter
from drf_spectacular.extensions import OpenApiFilterExtension
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import SAFE_METHODS, AllowAny

from saas.api.problems import problems
from saas.api.sections import sections
from saas.errors import openai_status

PROBLEM_MEDIA = "application/problem+json"
IDEMPOTENCY_KEY = (
    "Makes the call safe to retry: the first answer to a key is kept for a day and given again, "
    "with `Idempotency-Replayed: true`. 1 to 255 printable ASCII characters."
)
IF_MATCH = "The `ETag` of the text that you have read. Another text since then answers 412."

VERBS = {
    "list": "List",
    "create": "Create",
    "retrieve": "Read",
    "partial_update": "Change",
    "destroy": "Delete",
}
ABOUT = """
Copy in your brand's voice, from a model of your own.

**Keys.** Send `Authorization: Bearer sk_…`; keys are made under Settings, Keys, with the scopes
`read`, `write`, `generate` and `approve`. A personal key may what its maker may at that moment;
a service account's key has a role of its own. `GET /api/v1/me/` tells what a key is.

**Errors** are problems as RFC 9457 has them. Their `code` never changes, and their `type` leads to
a page that says what to do. Quote the `request_id` when you ask us about one.

**Retries.** Give each POST an `Idempotency-Key` of its own. Sent again, it does nothing twice and
is answered as the first time. Calls that cost credits need one.

**Lists** take `limit`, `order`, and `after` or `before` with a cursor of the page before.

**Versions.** This is the one of 2026-11-01. A program may say so in `Kindling-Version`; another
version is refused.

**Limits** stand in `RateLimit-Policy` and `RateLimit`; after a 429 wait for `Retry-After` seconds.
"""


class AutoSchema(SpectacularSchema):
    """Adds to each operation what all of our API shares."""

    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        mode = getattr(self._handler(), "idempotency", "")
        if mode:
            found.append(header("Idempotency-Key", IDEMPOTENCY_KEY, required=mode == "required"))
        if getattr(self._handler(), "precondition", False):
            found.append(header("If-Match", IF_MATCH, required=True))
        return found

    def get_summary(self) -> str:
        """One line: how the handler's or the view's docstring begins, or what its name says."""
        verb = VERBS.get(getattr(self.view, "action", ""))
        if verb is None:
            text = getattr(self._handler(), "__doc__", None) or type(self.view).__doc__ or ""
            return re.split(r"[.:;](?:\s|$)", text.strip(), maxsplit=1)[0]
        model: type[Model] = self.view.model  # type: ignore[attr-defined]
        noun = str(model._meta.verbose_name)
        return f"{verb} {noun}s" if verb == "List" else f"{verb} {article(noun)} {noun}"

    def get_tags(self) -> list[str]:
        tag = getattr(self.view, "tag", "")
        return [tag] if tag else super().get_tags()

    def _handler(self) -> Any:
        name = getattr(self.view, "action", "") or self.method.lower()
        return getattr(self.view, name, None)

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if direction == "response":
            for status in self._problem_statuses():
                bodies.setdefault(str(status), self._problem(status))
        return bodies

    def _problem(self, status: int) -> dict[str, Any]:
        return openai_response() if self._openai() else problem_response(status)

    def _openai(self) -> bool:
        return bool(self.path.startswith("/v1/"))

    def _problem_statuses(self) -> list[int]:
        statuses = {401, 403, 406, 422, 429, 503}
        if "{" in self.path:
            statuses.add(404)
        if self.method not in SAFE_METHODS:
            statuses |= {400, 409, 413, 415}
        if self.method == "DELETE":
            statuses -= {413, 415}
        if getattr(self.view, "scope", "") == "generate" and self.method == "POST":
            statuses.add(402)
        if getattr(self._handler(), "precondition", False):
            statuses |= {412, 428}
        if AllowAny in self.view.permission_classes:
            statuses -= {401, 403, 429}
        statuses |= set(getattr(self.view, "problems", ()))
        return sorted(map(openai_status, statuses) if self._openai() else statuses)


def article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def header(name: str, description: str, *, required: bool) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        required=required,
        description=description,
    )


def problem_response(status: int) -> dict[str, Any]:
    codes = [code for code, kind in problems().items() if kind.status == status]
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "content": {PROBLEM_MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def openai_response() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/OpenAIError"}
    return {
        "description": "As OpenAI's clients read it.",
        "content": {"application/json": {"schema": schema}},
    }


OPENAI_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
                "state": {"type": "string", "description": "Of the object that is in the way."},
                "limit": {"type": "integer", "description": "The most that is taken."},
                "requested": {"type": "integer", "description": "How much this was."},
            },
        },
        "request_id": {"type": "string"},
    },
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": [
        *("type", "title", "status", "detail", "instance", "code", "request_id", "retryable"),
    ],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A page about the problem."},
        "title": {"type": "string", "description": "Always the same for one type."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong this time."},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "retryable": {"type": "boolean"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}},
    },
    "example": {
        "type": "https://kindling.example/problems/validation-failed",
        "title": "The request did not pass validation.",
        "status": 422,
        "detail": "1 field is invalid.",
        "instance": "urn:request:req_0197f3c2",
        "code": "validation_failed",
        "request_id": "req_0197f3c2",
        "retryable": False,
        "errors": [{"pointer": "/name", "code": "required", "detail": "This field is required."}],
    },
}
FIELD_SCHEMA = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "The field, as a JSON pointer."},
        "parameter": {"type": "string", "description": "The query parameter."},
        "header": {"type": "string", "description": "The header."},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}


def problem_schema() -> dict[str, Any]:
    """The schema of a problem, with the codes that all apps have declared."""
    code = {"type": "string", "enum": sorted(problems())}
    return PROBLEM_SCHEMA | {"properties": PROBLEM_SCHEMA["properties"] | {"code": code}}


def without_last_slash(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """A spectacular hook: OpenAI's paths as its clients spell them; both spellings are answered."""
    return [
        (path.rstrip("/") if path.startswith("/v1/") else path, *rest) for path, *rest in endpoints
    ]


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A spectacular hook: the words at the top, and the schemas of problems."""
    words = (str(section.about) for section in sections())
    result["info"]["description"] = "\n\n".join([ABOUT.strip(), *filter(None, words)])
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {
        "Problem": problem_schema(),
        "FieldProblem": FIELD_SCHEMA,
        "OpenAIError": OPENAI_SCHEMA,
    }
    return result


class FilterParameters(OpenApiFilterExtension):  # type: ignore[no-untyped-call]
    """Describes a list's filters without a look at the database, which has no tenant here."""

    target_class = "saas.api.filters.StrictFilterBackend"
    priority = 1

    def get_schema_operation_parameters(self, auto_schema: Any, *args: Any) -> list[dict[str, Any]]:
        filterset = getattr(auto_schema.view, "filterset_class", None)
        filters = filterset.base_filters if filterset else {}
        return [_query(name, each) for name, each in sorted(filters.items())]


def _query(name: str, each: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if isinstance(each, ModelChoiceFilter):
        schema["format"] = "uuid"
    elif isinstance(each, ChoiceFilter):
        schema["enum"] = [value for value, _ in each.extra["choices"]]
    elif "max_length" in each.extra:
        schema |= {"minLength": 1, "maxLength": each.extra["max_length"]}
    described = {"description": str(each._label)} if each._label else {}
    return {"name": name, "in": "query", "required": False, "schema": schema, **described}
