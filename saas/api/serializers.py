"""Serializers that refuse what they do not know instead of leaving it out."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from saas.api import fields
from saas.api.parsers import escape

# What callers have tried to set in other products' APIs; none of it can be set from outside.
RESERVED = frozenset(
    {
        *("id", "pk", "tenant", "tenant_id", "workspace", "created_at", "updated_at"),
        *("created_by", "role", "is_admin", "is_staff", "is_superuser", "balance", "scopes"),
    }
)
READ_ONLY = _("This field cannot be set.")
UNKNOWN = _("This field is not known here.")


class StrictSerializer(serializers.Serializer[Any]):
    """Answers an unknown or read-only field with an error at its place."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if not isinstance(data, Mapping):
            return super().run_validation(data)
        strange = self._strange(data)
        try:
            value = super().run_validation(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**strange, **_as_dict(error.detail)}) from error
        if strange:
            raise serializers.ValidationError(strange)
        return value

    def _strange(self, data: Mapping[str, Any]) -> dict[str, Any]:
        writable = {field.field_name for field in self._writable_fields}
        known = self.fields.keys() | RESERVED
        return {
            escape(name): serializers.ErrorDetail(
                str(READ_ONLY if name in known else UNKNOWN),
                "read_only_field" if name in known else "unknown_field",
            )
            for name in data
            if name not in writable
        }


def _as_dict(detail: Any) -> dict[str, Any]:
    return detail if isinstance(detail, dict) else {"non_field_errors": detail}


class StrictModelSerializer(StrictSerializer, serializers.ModelSerializer[Any]):
    """The same for a model's rows, with fields that take no value of another type."""

    serializer_related_field = fields.TenantRelatedField
    serializer_choice_field = fields.ChoiceField
    serializer_field_mapping: ClassVar[dict[Any, Any]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: fields.CharField,
        models.TextField: fields.CharField,
        models.IntegerField: fields.IntegerField,
        models.PositiveIntegerField: fields.IntegerField,
        models.PositiveSmallIntegerField: fields.IntegerField,
        models.SmallIntegerField: fields.IntegerField,
        models.BigIntegerField: fields.IntegerField,
        models.PositiveBigIntegerField: fields.IntegerField,
        models.FloatField: fields.FloatField,
        models.BooleanField: fields.BooleanField,
        models.DateTimeField: fields.DateTimeField,
        models.UUIDField: fields.UUIDField,
    }
