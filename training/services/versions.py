"""The life of a model version: import, go live, step back, hold, delete. Each step is noted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from generation.engine.lora.base_model import BaseModel
from generation.engine.lora.peft import MAX_CONFIG_BYTES, Settings, identity, placed
from generation.engine.lora.tensors import FormatError, finite, read_header, unsafe
from saas.errors import AlreadyExists, TooLarge
from saas.storage import sha256_of
from tenants.actors import current_actor, require
from tenants.billing.limits import require_room, require_storage
from tenants.events import record
from tenants.models import Role, Tenant
from tenants.scope import current_tenant_id, tenant_scope
from training import base_model, files, head_files
from training.errors import (
    AdapterInvalid,
    AdapterNotAvailable,
    BaseMismatch,
    ModelLive,
    NotBetter,
    NothingToRollBack,
    TooManyModels,
    UnsafeFormat,
)
from training.models import Dataset, ModelAlias, ModelSwitch, ModelVersion
from training.models.aliases import CHALLENGER
from training.services.gate import gate_now

HEAD_BYTES = 16
State = ModelVersion.State


@dataclass(frozen=True, slots=True)
class Upload:
    """The two files that PEFT writes, and what to call them."""

    name: str
    weights: File[Any]
    config: File[Any]
    note: str = ""


def version_import(*, upload: Upload) -> ModelVersion:
    """Check both files and keep them as the next version. Raises what is wrong with them."""
    refuse_unsafe(upload.weights)
    told, under = read_settings(upload.config), current_base()
    if told.base_sha256 not in ("", under.sha256):
        detail = _("This adapter was made for another base model than “%s”.") % under.name
        raise BaseMismatch(detail, needed=told.base_sha256, base=under)
    check_weights(upload.weights, told, under)
    return keep(upload, replace(told, base_sha256=under.sha256))


def refuse_unsafe(weights: File[Any]) -> None:
    limit = settings.MAX_ADAPTER_BYTES
    if weights.size > limit:
        raise TooLarge(_("At most %d bytes are taken.") % limit, limit=limit)
    if unsafe(weights.name or "", weights.read(HEAD_BYTES)):
        raise UnsafeFormat


def read_settings(config: File[Any]) -> Settings:
    try:
        return Settings.read(config.read(MAX_CONFIG_BYTES + 1))
    except FormatError as error:
        raise AdapterInvalid(error) from error


def current_base() -> BaseModel:
    found = base_model.current()
    if found is None:
        detail = _("This workspace writes with a server that takes no adapters.")
        raise BaseMismatch(detail, needed="", base=None)
    return found


def check_weights(weights: File[Any], told: Settings, under: BaseModel) -> None:
    file = cast(BinaryIO, weights)
    file.seek(0)
    try:
        entries = read_header(file, weights.size)
        placed(entries, told.rank, under.shape)
        if not finite(file, entries):
            raise FormatError("not_finite")
    except FormatError as error:
        raise AdapterInvalid(error) from error


@transaction.atomic
def keep(upload: Upload, told: Settings) -> ModelVersion:
    """Store checked files. The same adapter is kept once; deleted ones may come again."""
    tenant = lock_models()
    sha256 = identity(sha256_of(upload.weights), told)
    refuse_known(sha256, upload.weights.size)
    files.store(tenant.pk, sha256, upload.weights, told.written())
    version: ModelVersion = ModelVersion.objects.create(
        number=next_number(),
        name=upload.name,
        note=upload.note,
        sha256=sha256,
        base_sha256=told.base_sha256,
        base_name=told.base_name,
        rank=told.rank,
        size=upload.weights.size,
        **current_actor().authorship,
    )
    record("model.imported", version, sha256=sha256, rank=told.rank)
    return version


def next_number() -> int:
    """Of the next version; the workspace's models are locked."""
    return (ModelVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1


def refuse_known(sha256: str, size: int) -> None:
    kept = ModelVersion.objects.kept()
    if known := kept.filter(sha256=sha256).first():
        detail = _("You have this adapter already: it is “%(name)s”, number %(number)d.")
        detail %= {"name": known.name, "number": known.number}
        raise AlreadyExists(detail)
    require_room("models", kept.count, error=TooManyModels)
    require_storage(size)


def lock_models() -> Tenant:
    """Let one change of the workspace's models at a time through."""
    tenant: Tenant = Tenant.objects.select_for_update(no_key=True).get(pk=current_tenant_id())
    return tenant


def live_switch(place: Dataset | None = None) -> ModelSwitch | None:
    """The choice that holds now; None where nobody has chosen yet, which means the base.

    With a dataset it is the choice among the heads that were taught with it.
    """
    newest: ModelSwitch | None = ModelSwitch.objects.of(place).latest_first().first()
    return newest


def live_version(place: Dataset | None = None) -> ModelVersion | None:
    switch = live_switch(place)
    return switch.version if switch else None


def usable(version: ModelVersion) -> ModelVersion:
    """The version, where it can do its work now; raises why not."""
    if not version.active:
        raise AdapterNotAvailable(version)
    if not version.writes:
        return version
    under = base_model.current()
    if under is None or under.sha256 != version.base_sha256:
        detail = _(
            "“%(name)s” was made for another base model than the one that writes now. Switch back "
            "to the base model, or bring an adapter for the new one."
        )
        detail %= {"name": version.name}
        raise BaseMismatch(detail, needed=version.base_sha256, base=under)
    return version


def writer() -> ModelVersion | None:
    """What a request that comes now is written with. Raises where that cannot be used."""
    live = live_version()
    return usable(live) if live else None


@transaction.atomic
def version_promote(
    *, version: ModelVersion | None, place: Dataset | None = None, reason: str = ""
) -> ModelSwitch:
    """Work with this version from now on, or with none; running work goes on as it was.

    Without a version it is writing that the bare base does from now on, or the dataset of `place`
    whose heads rest. A version that was measured and has not won needs an owner, and a reason.
    Raises AdapterNotAvailable, BaseMismatch or NotBetter.
    """
    lock_models()
    if version is not None:
        version = usable(ModelVersion.objects.select_related("dataset").get(pk=version.pk))
        refuse_worse(version, reason)
        ModelAlias.objects.filter(name=CHALLENGER, version=version).delete()
        place = version.place
    now = live_switch(place)
    if now is not None and now.version == version:
        return now
    return switched(Switch(version, place, back=now, reason=reason), now)


def refuse_worse(version: ModelVersion, reason: str) -> None:
    """Raise unless it has won, was never measured here, or an owner says why it is to go live."""
    gate = gate_now()
    if gate.opens_for(version):
        return
    if not reason.strip():
        raise NotBetter(confidence=gate.confidence, measured=gate.proof(version).measured)
    require(Role.OWNER)


@transaction.atomic
def version_rollback(*, place: Dataset | None = None) -> ModelSwitch:
    """Go one step back; versions that cannot be used now are passed over."""
    lock_models()
    now = live_switch(place)
    if now is None or (now.version is None and now.back is None):
        raise NothingToRollBack(_("There is nothing to go back to."))
    back = now.back
    while back and (back.version == now.version or not can_work(back.version)):
        back = back.back
    version = back.version if back else None
    return switched(Switch(version, place, back=back.back if back else None, stepped=True), now)


def can_work(version: ModelVersion | None) -> bool:
    """Whether something can be done with it now; with the bare base it always can."""
    if version is None or not version.writes:
        return version is None or version.active
    under = base_model.current()
    return under is not None and version.active and version.base_sha256 == under.sha256


@dataclass(frozen=True, slots=True)
class Switch:
    """A choice to be written down: which version, where, and what a step back returns to."""

    version: ModelVersion | None
    place: Dataset | None
    back: ModelSwitch | None
    stepped: bool = False
    reason: str = ""


def switched(switch: Switch, now: ModelSwitch | None) -> ModelSwitch:
    last = ModelSwitch.objects.aggregate(last=Max("number"))["last"] or 0
    made: ModelSwitch = ModelSwitch.objects.create(
        number=last + 1,
        version=switch.version,
        dataset=switch.place,
        back=switch.back,
        stepped_back=switch.stepped,
        **current_actor().authorship,
    )
    told = {"before": str(now.version) if now and now.version else ""}
    told |= {"reason": switch.reason} if switch.reason else {}
    record("model.rolled_back" if switch.stepped else "model.promoted", switch.version, **told)
    return made


@transaction.atomic
def version_quarantine(*, version: ModelVersion) -> ModelVersion:
    """Let nothing be written with it, waiting work included, until it is resumed."""
    version = locked(version)
    if version.state != State.QUARANTINED:
        refuse_erased(version)
        version.move(State.QUARANTINED)
        record("model.quarantined", version)
    return version


@transaction.atomic
def version_resume(*, version: ModelVersion) -> ModelVersion:
    version = locked(version)
    if version.state != State.ACTIVE:
        refuse_erased(version)
        version.move(State.ACTIVE)
        record("model.resumed", version)
    return version


@transaction.atomic
def version_erase(*, version: ModelVersion) -> ModelVersion:
    """Delete its files for good; its row stays, so that old texts keep their origin."""
    version = locked(version)
    if live_version(version.place) == version:
        detail = _("“%s” is live. Switch to another model before you delete it.") % version.name
        raise ModelLive(detail)
    if version.state != State.ERASED:
        version.move(State.ERASED)
        ModelAlias.objects.filter(version=version).delete()
        record("model.erased", version, sha256=version.sha256)
        gone = partial(remove_files, version.workspace_id, version.sha256, head=not version.writes)
        transaction.on_commit(gone)
    return version


def remove_files(tenant_id: UUID, sha256: str, *, head: bool) -> None:
    """Delete an erased version's files, unless the same adapter was brought again meanwhile."""
    with tenant_scope(tenant_id), transaction.atomic():
        lock_models()
        if not ModelVersion.objects.kept().filter(sha256=sha256).exists():
            (head_files if head else files).remove(tenant_id, sha256)


def locked(version: ModelVersion) -> ModelVersion:
    lock_models()
    found: ModelVersion = ModelVersion.objects.select_related("dataset").get(pk=version.pk)
    return found


def refuse_erased(version: ModelVersion) -> None:
    if version.state == State.ERASED:
        raise AdapterNotAvailable(version)
