"""Recombee's addresses: which call each one is, alone and in batches."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.api.base import LARGE_BODY, MOST_EVENTS
from recommendations.api.recombee import answers, entities, interactions
from recommendations.api.recombee.base import SIGNED, flag_of, refuse, told
from recommendations.services.interactions import EventData, interactions_record
from saas.api.views import ApiView
from saas.errors import AppError

Handler = Callable[..., Any]
KEY = r"[a-zA-Z0-9_\-:@\.]+"
ITEM, USER, NAME = f"(?P<item>{KEY})", f"(?P<user>{KEY})", f"(?P<name>{KEY})"
KIND = f"(?P<kind>{'|'.join(interactions.TYPES)})"
PROPERTIES = {"items": "item_properties", "users": "person_properties"}


def property_calls(noun: str) -> list[tuple[str, str, Handler]]:
    which = PROPERTIES[noun]
    return [
        ("GET", f"{noun}/properties/list/", partial(entities.property_list, which)),
        ("PUT", f"{noun}/properties/{NAME}", partial(entities.property_add, which)),
        ("GET", f"{noun}/properties/{NAME}", partial(entities.property_info, which)),
        ("DELETE", f"{noun}/properties/{NAME}", partial(entities.property_delete, which)),
    ]


CALLS: list[tuple[str, str, Handler]] = [
    *property_calls("items"),
    *property_calls("users"),
    ("GET", "items/list/", entities.item_list),
    ("PUT", f"items/{ITEM}", entities.item_add),
    ("POST", f"items/{ITEM}", entities.item_set),
    ("GET", f"items/{ITEM}", entities.item_values),
    ("DELETE", f"items/{ITEM}", entities.item_delete),
    ("POST", "more-items/", entities.more_items_update),
    ("DELETE", "more-items/", entities.more_items_delete),
    ("GET", "users/list/", entities.user_list),
    ("PUT", f"users/{USER}/merge/(?P<source>{KEY})", entities.user_merge),
    ("PUT", f"users/{USER}", entities.user_add),
    ("POST", f"users/{USER}", entities.user_set),
    ("GET", f"users/{USER}", entities.user_values),
    ("DELETE", f"users/{USER}", entities.user_delete),
    ("GET", f"items/{ITEM}/{KIND}/", interactions.of_item),
    ("GET", f"users/{USER}/{KIND}/", interactions.of_user),
    ("POST", f"{KIND}/", interactions.interaction_add),
    ("DELETE", f"{KIND}/", interactions.interaction_delete),
    ("POST", f"recomms/users/{USER}/items/", answers.items_to_user),
    ("POST", f"recomms/items/{ITEM}/items/", answers.items_to_item),
    ("POST", f"recomms/users/{USER}/users/", answers.users_to_user),
    ("POST", f"recomms/items/{ITEM}/users/", answers.users_to_item),
    ("POST", f"recomms/users/{USER}/item-segments/", answers.segments_to_user),
    ("POST", f"recomms/items/{ITEM}/item-segments/", answers.segments_to_item),
    ("POST", "recomms/next/items/(?P<recomm>[^/]+)", answers.next_items),
    ("POST", f"search/users/{USER}/items/", answers.search),
    ("GET", "scenarios/", answers.scenarios),
]
PATTERNS: list[tuple[str, re.Pattern[str], Handler]] = [
    (method, re.compile(pattern.rstrip("/") + "/?"), handler) for method, pattern, handler in CALLS
]
ADDED = re.compile(f"{KIND}/?")


def called(method: str, path: str, params: Mapping[str, Any]) -> Any:
    """What a call comes to; raises AppError."""
    taken = False
    for known, pattern, handler in PATTERNS:
        if match := pattern.fullmatch(path):
            if known == method:
                return handler(params, **match.groupdict())
            taken = True
    if taken:
        raise refuse(_("This address does not take this method."), 405)
    raise refuse(_("This call of Recombee’s is not available here."), 404)


class RecombeeView(ApiView):
    """Any of Recombee's calls."""

    schema = None
    strict_parameters = False
    max_body = LARGE_BODY

    def get(self, request: Request, database: str, path: str) -> Response:
        return self.answer(request, path)

    def post(self, request: Request, database: str, path: str) -> Response:
        if path.rstrip("/") == "batch":
            return Response(batch(request.data))
        return self.answer(request, path)

    def put(self, request: Request, database: str, path: str) -> Response:
        return self.answer(request, path, 201)

    def delete(self, request: Request, database: str, path: str) -> Response:
        return self.answer(request, path)

    def answer(self, request: Request, path: str, status: int = 200) -> Response:
        method = str(request.method)
        body = request.data if method != "GET" else {}
        if not isinstance(body, Mapping):
            raise refuse(_("Send a JSON object."))
        asked = request.query_params.dict()
        params = {**{name: asked[name] for name in asked if name not in SIGNED}, **body}
        with transaction.atomic():
            return Response(called(method, path, params), status=status)


def batch(data: Any) -> list[dict[str, Any]]:
    """Many calls in their order; each has its own outcome."""
    rows = data.get("requests") if isinstance(data, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise refuse(_("requests: give a list of calls."))
    if len(rows) > MOST_EVENTS:
        raise refuse(_("At most %d calls in a batch.") % MOST_EVENTS, 413)
    found: list[dict[str, Any]] = []
    waiting: list[Mapping[str, Any]] = []
    for row in rows:
        if added(row):
            waiting.append(row)
            continue
        found += record_all(waiting)
        waiting = []
        found.append(one(row))
    return found + record_all(waiting)


def path_of(row: Mapping[str, Any]) -> str:
    return unquote(str(row.get("path", ""))).lstrip("/")


def params_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    params = row.get("params") or {}
    return params if isinstance(params, Mapping) else {}


def added(row: Mapping[str, Any]) -> bool:
    """Whether a call adds an interaction that may be recorded together with others."""
    match = ADDED.fullmatch(path_of(row))
    plain = match is not None and match["kind"] != "viewportions"
    return plain and str(row.get("method", "")).upper() == "POST"


def one(row: Mapping[str, Any]) -> dict[str, Any]:
    method = str(row.get("method", "")).upper()
    try:
        with transaction.atomic():
            found = called(method, path_of(row), params_of(row))
    except AppError as error:
        return failed(error)
    return {"code": 201 if method == "PUT" else 200, "json": found}


def failed(error: AppError) -> dict[str, Any]:
    body = told(error, None)
    return {"code": body["statusCode"], "json": body}


def record_all(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Interactions that follow each other, recorded at once."""
    found: list[dict[str, Any]] = [{} for _row in rows]
    read = list(readable(rows, found))
    with transaction.atomic():
        missing = interactions.known_or_cascading([(event, may) for _, event, may in read])
        kept: list[tuple[int, EventData]] = []
        for (place, event, _may), lack in zip(read, missing, strict=True):
            if lack:
                found[place] = failed(interactions.not_there(lack))
            else:
                kept.append((place, event))
        places = interactions_record(events=[each for _, each in kept]).places if kept else []
    known = refuse(_("This interaction is known already."), 409)
    for (place, _event), new in zip(kept, places, strict=True):
        found[place] = {"code": 200, "json": entities.OK} if new else failed(known)
    return found


def readable(
    rows: list[Mapping[str, Any]], found: list[dict[str, Any]]
) -> Iterator[tuple[int, EventData, bool]]:
    """The events in order, with their places; what is wrong with the others goes to `found`."""
    for place, row in enumerate(rows):
        try:
            event = interactions.event_of(path_of(row).strip("/"), params_of(row))
        except AppError as error:
            found[place] = failed(error)
        else:
            yield place, event, flag_of(params_of(row), "cascadeCreate")
