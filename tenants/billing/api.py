"""Usage, balance and prices by API."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django_filters import CharFilter, FilterSet, IsoDateTimeFilter
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.serializers import StrictModelSerializer
from saas.api.views import ApiView
from tenants.api import TenantViewSet
from tenants.billing.meters import meters
from tenants.billing.models import Price, UsageEvent
from tenants.billing.prices import price_list, rates
from tenants.billing.services import balance, month_start

TAG = "billing"


class UsageSerializer(StrictModelSerializer):
    """What a piece of work consumed, by meter, and its cost in micro-credits."""

    usage = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    seconds = serializers.FloatField(read_only=True)

    class Meta:
        model = UsageEvent
        fields = (
            *("id", "source", "source_id", "kind", "usage", "seconds", "customer_endpoint"),
            *("amount", "created_at"),
        )
        read_only_fields = fields


class UsageFilter(FilterSet):  # type: ignore[misc]
    """Usage by what it was for and when."""

    kind = CharFilter(max_length=60)
    source = CharFilter(max_length=20, label="`job` for jobs.")
    source_id = CharFilter(max_length=80, label="A job's id, for example.")
    since = IsoDateTimeFilter("created_at", "gte", label="From this moment on.")
    until = IsoDateTimeFilter("created_at", "lt", label="Before this moment.")


class UsageViewSet(TenantViewSet):
    """What was charged, newest first. A credit has 1,000,000 micro-credits."""

    model = UsageEvent
    serializer_class = UsageSerializer
    filterset_class = UsageFilter
    tag = TAG


class BalanceSerializer(serializers.Serializer[Any]):
    """Micro-credits: what may be spent now, and what this month brought and took."""

    available = serializers.IntegerField()
    reserved = serializers.IntegerField()
    granted_this_month = serializers.IntegerField()
    spent_this_month = serializers.IntegerField()
    renews_at = serializers.DateTimeField()


class BalanceView(ApiView):
    """The workspace's credits."""

    tag = TAG

    @extend_schema(responses=BalanceSerializer, operation_id="balance_retrieve")
    def get(self, request: Request) -> Response:
        """Micro-credits that are left, those set aside for running work, and this month's sums."""
        now = balance()
        renewal = month_start(month_start(timezone.now()) + timedelta(days=32))
        return Response(BalanceSerializer({**asdict(now), "renews_at": renewal}).data)


class UpcomingPriceSerializer(serializers.ModelSerializer[Price]):
    """A price that holds from a moment to come."""

    class Meta:
        model = Price
        fields = ("micro_credits", "per", "valid_from")


class PriceSerializer(serializers.Serializer[Any]):
    """A meter costs so many micro-credits for each so many units, rounded up once per charge."""

    meter = serializers.CharField()
    name = serializers.CharField()
    micro_credits = serializers.IntegerField()
    per = serializers.IntegerField()
    upcoming = UpcomingPriceSerializer(many=True)


class PricesSerializer(serializers.Serializer[Any]):
    data = PriceSerializer(many=True)  # type: ignore[assignment]


class PriceView(ApiView):
    """What each meter costs."""

    tag = TAG

    @extend_schema(responses=PricesSerializer, operation_id="prices_list")
    def get(self, request: Request) -> Response:
        """The prices that hold now and those to come. A job costs what it cost when asked for."""
        now = timezone.now()
        later = [row for row in price_list.rows() if row.valid_from > now]
        known = rates(now)
        data = [
            {
                "meter": meter.name,
                "name": str(meter.label),
                **known[meter.name]._asdict(),
                "upcoming": [row for row in later if row.meter == meter.name],
            }
            for meter in meters()
        ]
        return Response(PricesSerializer({"data": data}).data)
