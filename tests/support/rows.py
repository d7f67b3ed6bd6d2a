"""Makes a valid row of any tenant model, so that the isolation proofs need no list of models."""

import secrets
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.core.validators import MaxValueValidator
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from tenants.models import Tenant, User
from tenants.models_base import TenantModel
from tenants.scope import current_tenant_id, tenant_scope

ATTEMPTS = 8
# For a model whose rules cannot be read from its fields: label -> values of its row.
RECIPES: dict[str, Callable[[], dict[str, Any]]] = {}


class CannotMakeRow(AssertionError):
    """The generic factory does not know how to make a row of this model."""


def tenant_models() -> list[type[TenantModel]]:
    """Every model whose rows belong to one tenant."""
    return [model for model in apps.get_models() if issubclass(model, TenantModel)]


def make_tenant() -> Tenant:
    """A workspace without anything in it."""
    tenant = Tenant(name="Any", slug=f"any-{secrets.token_hex(6)}")
    with tenant_scope(tenant):
        tenant.save(force_insert=True)
    return tenant


def make_row(model: type[TenantModel]) -> TenantModel:
    """A saved row of the tenant in scope, with all that it refers to."""
    failure: Exception | None = None
    for attempt in range(ATTEMPTS):  # each attempt takes the next of the choices
        row = build_row(model, attempt)
        try:
            with transaction.atomic():
                insert(row)
        except IntegrityError as error:
            failure = error
        else:
            return row
    raise CannotMakeRow(
        f"No row of {model._meta.label} could be made from its fields alone: {failure}. "
        "Add a recipe for it to RECIPES in tests/support/rows.py."
    )


def build_row(model: type[TenantModel], attempt: int = 0) -> TenantModel:
    """An unsaved row; what it refers to is saved."""
    values = RECIPES.get(model._meta.label, dict)()
    for field in model._meta.concrete_fields:
        if field.attname not in values and field.name not in values and needed(field):
            values[field.name] = value_for(field, attempt, taken=values.values())
    return model(**values)


def insert(row: models.Model) -> None:
    """INSERT past the managers and past save(): only the database decides."""
    models.QuerySet(type(row)).bulk_create([row])
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def needed(field: Any) -> bool:
    auto = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return not (auto or field.null or field.has_default() or field.has_db_default())


def value_for(field: Any, attempt: int, taken: Iterable[Any]) -> Any:
    if isinstance(field, models.ForeignKey):
        return referred(field, taken)
    if field.choices:
        values = [value for value, _ in field.flatchoices]
        return values[attempt % len(values)]
    for kind, make in MAKERS.items():
        if isinstance(field, kind):
            return make(field)
    raise CannotMakeRow(f"{field}: no value is known for a {type(field).__name__}.")


def referred(field: Any, taken: Iterable[Any]) -> models.Model:
    target = field.remote_field.model
    if target is Tenant:
        return Tenant.objects.get(pk=current_tenant_id())
    if target is User:
        return User.objects.create_user(f"{secrets.token_hex(8)}@rows.test")
    try:
        return make_row(target)
    except CannotMakeRow:  # there can be only so many: take one that this row has not yet
        free = (row for row in models.QuerySet(target).all() if row not in taken)
        if found := next(free, None):
            return found
        raise


def small_number(field: Any) -> int:
    limits = [rule.limit_value for rule in field.validators if isinstance(rule, MaxValueValidator)]
    return 1 + secrets.randbelow(min([30_000, *limits]))


def short_text(field: Any) -> str:
    return secrets.token_hex(32)[: field.max_length]


MAKERS: dict[type[Any], Callable[[Any], Any]] = {
    models.EmailField: lambda field: f"{secrets.token_hex(8)}@rows.test",
    models.URLField: lambda field: f"https://{secrets.token_hex(8)}.test/",
    models.CharField: lambda field: "" if field.blank else short_text(field),
    models.TextField: lambda field: "" if field.blank else secrets.token_hex(8),
    models.UUIDField: lambda field: uuid4(),
    models.BooleanField: lambda field: False,
    models.DateTimeField: lambda field: timezone.now() + timedelta(days=1),
    models.DateField: lambda field: timezone.now().date(),
    models.JSONField: lambda field: {},
    models.BinaryField: lambda field: secrets.token_bytes(8),
    models.IntegerField: small_number,
    models.FloatField: small_number,
    models.Field: lambda field: [],  # arrays
}
