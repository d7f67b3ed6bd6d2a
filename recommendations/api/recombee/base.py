"""What all of Recombee's addresses share: signed requests, their errors, values read by hand."""

import hmac
import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommendations.models.catalogue import KEY_PATTERN, MAX_KEY
from saas import keyring
from saas.errors import AppError, NotAuthenticated
from tenants.authentication import admitted
from tenants.lookups import api_keys_with
from tenants.models import ApiKey, Role

PREFIX = "/recombee/"
# How far the clock of who signs may be from ours; what was signed earlier is not taken again.
TOLERANCE_S = 30
SIGNATURE = re.compile(r"[?&]hmac_timestamp=(\d{1,12})&hmac_sign=([0-9a-f]{40})$")
SIGNED = ("hmac_timestamp", "hmac_sign")
KEY = re.compile(KEY_PATTERN)
FIRST_YEAR, LARGEST = 1990, 1e15
MOST = 1_000


class RecombeeError(AppError):
    """What a call of Recombee's is refused for."""

    status, code = 400, "recombee_refused"
    title = gettext_lazy("The call of Recombee’s cannot be answered.")
    advice = gettext_lazy("“detail” says what is wrong with it.")


class RecombeeNotFound(RecombeeError):
    status, code = 404, "recombee_not_found"
    advice = gettext_lazy("Look up its key, or create it with “cascadeCreate”.")


class RecombeeMethod(RecombeeError):
    status, code = 405, "recombee_method_not_allowed"
    advice = gettext_lazy("Use the method that Recombee’s reference names for this address.")


class RecombeeConflict(RecombeeError):
    status, code = 409, "recombee_conflict"
    advice = gettext_lazy("It is there already; go on with what is there.")


class RecombeeTooLarge(RecombeeError):
    status, code = 413, "recombee_too_large"
    advice = gettext_lazy("Send less at a time.")


ERRORS = {
    error.status: error
    for error in (
        RecombeeError,
        RecombeeNotFound,
        RecombeeMethod,
        RecombeeConflict,
        RecombeeTooLarge,
    )
}


def told(error: AppError, request: HttpRequest | None) -> dict[str, Any]:
    """An error as Recombee's clients read it."""
    first = (error.extra.get("errors") or [{}])[0]
    message = first.get("detail") or error.detail or str(error.title)
    return {"statusCode": recombee_status(error.status), "message": message}


def recombee_status(status: int) -> int:
    """Recombee says 400 where we say 422."""
    return 400 if status == 422 else status


def authenticate(request: HttpRequest) -> tuple[ApiKey, Role] | None:
    """The token that the request is signed with; raises AppError where the signature is wrong."""
    address = request.get_full_path().removeprefix(PREFIX.rstrip("/"))
    found = SIGNATURE.search(address)
    if found is None:
        return None
    if abs(time.time() - int(found[1])) > TOLERANCE_S:
        raise NotAuthenticated(
            _("The request was signed too long ago, or by a clock that is wrong.")
        )
    prefix = request.path_info.split("/")[2].rpartition("-")[2]
    signed = address[: found.start(2) - len("&hmac_sign=")]
    for key in api_keys_with(prefix):
        if key.kind == ApiKey.Kind.SIGNING and fits(key, signed, found[2]):
            return admitted(key, ApiKey.Kind.SIGNING)
    raise NotAuthenticated(_("The signature does not fit the database and its token."))


def fits(key: ApiKey, signed: str, signature: str) -> bool:
    """Whether the key signed this address; it may be percent-encoded in another way by now."""
    try:
        secret = keyring.unseal(key.sealed_secret, owner=key.workspace_id).encode()
    except keyring.Unreadable:
        return False
    spellings = {signed, unquote(signed)}
    return any(
        hmac.compare_digest(hmac.new(secret, text.encode(), sha1).hexdigest(), signature)
        for text in spellings
    )


def refuse(detail: str, status: int = 400) -> RecombeeError:
    return ERRORS[status](detail)


def key_of(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_KEY or not KEY.fullmatch(value):
        raise refuse(_("%s: use at most 128 letters, digits and _ - : @ . only.") % name)
    return value


def flag_of(params: Mapping[str, Any], name: str) -> bool:
    return params.get(name) in (True, "true", "True", "1")


def whole_of(params: Mapping[str, Any], name: str, otherwise: int, most: int = MOST) -> int:
    value = params.get(name, otherwise)
    try:
        found = int(value)
    except (TypeError, ValueError):
        found = -1
    if not 0 <= found <= most:
        raise refuse(
            _("%(name)s: give a whole number from 0 to %(most)d.") % {"name": name, "most": most}
        )
    return found


def number_of(params: Mapping[str, Any], name: str) -> float | None:
    value = params.get(name)
    if value is None:
        return None
    sort = isinstance(value, int | float) and not isinstance(value, bool)
    if not sort or not math.isfinite(value) or abs(value) > LARGEST:
        raise refuse(_("%s: give a number that is not out of all proportion.") % name)
    return float(value)


def moment_of(value: Any) -> datetime:
    """ISO 8601 or unix seconds, as a number or a text; now where it is left out."""
    if value is None:
        return timezone.now()
    found = None
    try:
        found = datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        try:
            found = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            found = None
    if found is None or found.year < FIRST_YEAR or found.year > 2100:
        raise refuse(_("timestamp: give ISO 8601 or unix seconds."))
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if (found - timezone.now()).total_seconds() > 300:
        raise refuse(_("timestamp: give a moment that is not in the future."))
    return found


def uuid_of(value: Any) -> UUID | None:
    """The answer's id; another system's recommId says nothing here."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def names_of(value: Any) -> list[str]:
    """Names, as a list or joined by commas."""
    if isinstance(value, str):
        return [name for name in value.split(",") if name]
    return [str(name) for name in value] if isinstance(value, list) else []
