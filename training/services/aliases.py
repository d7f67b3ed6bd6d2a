"""Names that move from version to version, and the share of the writing that a challenger gets."""

from __future__ import annotations

import random
import re

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from saas.errors import Invalid
from tenants.events import record
from training.models import ModelAlias, ModelVersion
from training.models.aliases import CHALLENGER, CHAMPION, MOST_SHARE
from training.services.versions import can_work, live_version, locked, usable, writer

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_chance = random.SystemRandom()


def alias_of(name: str) -> ModelAlias | None:
    found: ModelAlias | None = (
        ModelAlias.objects.select_related("version").filter(name=name).first()
    )
    return found


@transaction.atomic
def alias_set(*, name: str, version: ModelVersion, share: int = 0) -> ModelAlias:
    """Let a name mean this version, and a challenger write a share of what is ordered.

    Raises Invalid, AdapterNotAvailable or BaseMismatch.
    """
    refuse_name(name)
    refuse_share(name, share)
    version = usable(locked(version))
    known = alias_of(name)
    moved = known is None or known.version != version
    alias = known or ModelAlias(name=name)
    alias.version, alias.share = version, share
    if moved:
        alias.since = timezone.now()
    alias.save()
    record("model.alias_set", version, alias=name, share=share)
    return alias


def refuse_name(name: str) -> None:
    if name == CHAMPION:
        detail = _("The champion is what is live. Make a version live to move it.")
    elif not NAME.fullmatch(name):
        detail = _("A name has small letters, digits and hyphens, and begins with a letter.")
    else:
        return
    raise Invalid(detail, errors=[{"pointer": "/name", "code": "invalid", "detail": detail}])


def refuse_share(name: str, share: int) -> None:
    if share and (name != CHALLENGER or not 0 <= share <= MOST_SHARE):
        detail = _("Only the challenger takes a share, of at most %d percent.") % MOST_SHARE
        raise Invalid(detail, errors=[{"pointer": "/share", "code": "invalid", "detail": detail}])


@transaction.atomic
def alias_remove(*, name: str) -> None:
    """Let a name mean nothing any more; a challenger gets no more of the writing."""
    alias = alias_of(name)
    if alias is not None:
        record("model.alias_removed", alias.version, alias=name)
        alias.delete()


def drawn_writer() -> ModelVersion | None:
    """What the next order is written with: what is live, or by its share the challenger.

    Raises AdapterNotAvailable or BaseMismatch where what is live cannot be used.
    """
    alias = alias_of(CHALLENGER)
    drawn = alias is not None and alias.share > _chance.randrange(100)
    if alias is not None and drawn and can_work(alias.version):
        return alias.version
    return writer()


def version_called(name: str) -> ModelVersion | None:
    """The version that an alias means now; None for the bare base, and where nobody set it.

    Raises LookupError for a name that is not set.
    """
    if name == CHAMPION:
        return live_version()
    alias = alias_of(name)
    if alias is None:
        raise LookupError(name)
    version: ModelVersion = alias.version
    return version
