"""Names of models, a challenger beside the champion, and how sure a win has to be."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.fields import CharField, IntegerField
from saas.api.serializers import StrictModelSerializer, StrictSerializer
from saas.errors import NotFound
from tenants.idempotency.api import idempotent
from training.models import ModelAlias
from training.models.aliases import CONFIDENCES, MOST_SHARE
from training.services.aliases import alias_remove, alias_set
from training.services.challenge import comparison_now
from training.services.gate import confidence, confidence_set


@extend_schema_field({"type": "integer", "enum": [value for value, _label in CONFIDENCES]})
class ConfidenceField(IntegerField):
    """One of the percentages that can be chosen."""

    def to_internal_value(self, data: Any) -> int:
        value = super().to_internal_value(data)
        if value not in dict(CONFIDENCES):
            self.fail("invalid")
        return value


class AliasNameSerializer(StrictSerializer):
    """The name of an alias."""

    name = CharField(max_length=40)


class AliasSetSerializer(AliasNameSerializer):
    """A name of your own or “challenger”, and the challenger's share in percent."""

    share = IntegerField(default=0, max_value=MOST_SHARE)


class AliasSerializer(StrictModelSerializer):
    """A name and the version that it means now."""

    number = serializers.IntegerField(source="version.number", read_only=True)

    class Meta:
        model = ModelAlias
        fields = ("name", "version", "number", "share", "since")
        read_only_fields = fields


class MeasureSerializer(serializers.Serializer[Any]):
    """A share from 0 to 1 with its 95 % interval, of so many cases."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    cases = serializers.IntegerField()


class SideSerializer(serializers.Serializer[Any]):
    """How people took one version's texts; of `changed` less is better."""

    model = serializers.CharField()
    texts = serializers.IntegerField()
    liked = MeasureSerializer()
    picked = MeasureSerializer()
    approved = MeasureSerializer()
    changed = MeasureSerializer()


class ComparisonSerializer(serializers.Serializer[Any]):
    """Champion and challenger over the same time."""

    since = serializers.DateTimeField()
    share = serializers.IntegerField()
    champion = SideSerializer()
    challenger = SideSerializer()
    told_apart = serializers.ListField(
        child=serializers.CharField(), help_text="Measures whose intervals lie apart."
    )


class PolicySerializer(StrictSerializer):
    """Percent."""

    confidence = ConfidenceField()


class AliasActions:
    """What the view set of models does with names; `get_object` is the view set's."""

    get_object: Any

    @extend_schema(request=AliasSetSerializer, responses={200: AliasSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def alias(self, request: Request, pk: str) -> Response:
        """Let a name mean this version; a challenger may write a share of what is ordered."""
        version = self.get_object()
        asked = AliasSetSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        alias = alias_set(version=version, **asked.validated_data)
        return Response(AliasSerializer(alias).data)

    @extend_schema(responses=AliasSerializer(many=True), filters=False)
    @action(detail=False, serializer_class=AliasSerializer, pagination_class=None)
    def aliases(self, request: Request) -> Response:
        """All names, and what they mean now. “champion” is what is live and stands beside them."""
        rows = ModelAlias.objects.select_related("version")
        return Response(AliasSerializer(rows, many=True).data)

    @extend_schema(request=AliasNameSerializer, responses={204: None}, filters=False)
    @action(detail=False, methods=["post"], url_path="aliases/remove", url_name="alias-remove")
    @idempotent()
    def alias_remove(self, request: Request) -> Response:
        """Let a name mean nothing any more."""
        asked = AliasNameSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        alias_remove(name=asked.validated_data["name"])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=ComparisonSerializer, filters=False)
    @action(detail=False, problems=(404,))
    def comparison(self, request: Request) -> Response:
        """The challenger beside the champion, as people took their texts since it is tried."""
        found = comparison_now()
        if found is None:
            raise NotFound
        return Response(ComparisonSerializer(found).data)

    @extend_schema(responses=PolicySerializer, filters=False)
    @action(detail=False)
    def policy(self, request: Request) -> Response:
        """How sure the workspace wants to be before a model goes live."""
        return Response({"confidence": confidence()})

    @extend_schema(request=PolicySerializer, responses={200: PolicySerializer})
    @policy.mapping.patch
    def change_policy(self, request: Request) -> Response:
        """Choose how sure that is, in percent; an owner may."""
        asked = PolicySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response({"confidence": confidence_set(percent=asked.validated_data["confidence"])})
