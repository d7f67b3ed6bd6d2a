"""Briefs and their variants: ordering copy, and what becomes of each text."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from generation import services
from generation.api.filters import BriefFilter, VariantFilter
from generation.api.serializers import (
    BriefChangeSerializer,
    BriefRequestSerializer,
    BriefSerializer,
    BulkRequestSerializer,
    BulkSerializer,
    ContentSerializer,
    MoreVariantsSerializer,
    VariantSerializer,
)
from generation.models import Brief, Variant
from tenants.api import TenantViewSet
from tenants.idempotency.api import idempotent
from tenants.models_base import TenantQuerySet

ORDER = OpenApiExample(
    "A search ad",
    request_only=True,
    value={
        "kind": "search_ad",
        "fields": {
            "product": "Lumen, the lamp that dims itself",
            "points": ["Dims with the evening", "Two-year guarantee"],
            "url": "https://lumen.example",
        },
        "brand": "0197f3c2-6a51-7d0e-9c41-5f0c7d1e2a3b",
        "variants": 2,
    },
)


class BriefViewSet(TenantViewSet):
    """Briefs. Ordering one has its variants written in the background."""

    model = Brief
    related = ("variants",)
    serializer_class = BriefSerializer
    filterset_class = BriefFilter

    @property
    def orders_copy(self) -> bool:
        """Whether the call has something written; others only change what was ordered."""
        return self.action not in {"partial_update", "destroy"}

    @property
    def scope(self) -> str:  # type: ignore[override]
        return "generate" if self.orders_copy else "write"

    @property
    def limits(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("generations",) if self.orders_copy else ()

    @extend_schema(
        request=BriefRequestSerializer, responses={201: BriefSerializer}, examples=[ORDER]
    )
    @idempotent(required=True)
    def create(self, request: Request) -> Response:
        asked = BriefRequestSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        brief = services.brief_request(**asked.validated_data)
        answer = self.shown(brief, status.HTTP_201_CREATED)
        answer["Location"] = f"{request.path_info.rstrip('/')}/{brief.pk}/"
        return answer

    @extend_schema(request=BriefChangeSerializer, responses=BriefSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        asked = BriefChangeSerializer(
            data=request.data, partial=True, context=self.get_serializer_context()
        )
        asked.is_valid(raise_exception=True)
        services.brief_change(brief=self.get_object(), **asked.validated_data)
        return self.shown(self.get_object())

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete it with its variants. What was picked from them stays in the library."""
        services.brief_delete(brief=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=BulkRequestSerializer, responses={201: BulkSerializer}, filters=False)
    @action(detail=False, methods=["post"])
    @idempotent(required=True)
    def bulk(self, request: Request) -> Response:
        """Order up to 100 briefs at once: all are taken, or none."""
        asked = BulkRequestSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        made = services.briefs_request(orders=asked.validated_data["briefs"])
        wanted = [brief.pk for brief in made]
        known = {brief.pk: brief for brief in self.get_queryset().filter(pk__in=wanted)}
        rows = [known[brief.pk] for brief in made]
        return Response({"data": self.get_serializer(rows, many=True).data}, 201)

    @extend_schema(request=MoreVariantsSerializer, responses={201: BriefSerializer}, filters=False)
    @action(detail=True, methods=["post"])
    @idempotent(required=True)
    def variants(self, request: Request, pk: str) -> Response:
        """Have more variants of the brief written."""
        asked = MoreVariantsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        brief = self.get_object()
        services.variants_add(brief=brief, **asked.validated_data)
        return self.shown(self.get_object(), status.HTTP_201_CREATED)


class VariantViewSet(TenantViewSet):
    """Variants: edit, rate, pick, stop, write anew."""

    model = Variant
    serializer_class = VariantSerializer
    filterset_class = VariantFilter
    orders = ("updated_at",)

    def get_queryset(self) -> TenantQuerySet[Any]:
        return super().get_queryset().select_related("brief__brand", "brief__audience", "job")

    def partial_update(self, request: Request, pk: str) -> Response:
        variant = self.get_object()
        asked = self.get_serializer(variant, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        if "text" in asked.validated_data:
            text = asked.validated_data["text"]
            variant = services.variant_edit(variant=variant, text=text)
        if "rating" in asked.validated_data:
            variant.update_fields({"rating": asked.validated_data["rating"]})
        return self.shown(variant)

    @extend_schema(request=None, responses={200: ContentSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def pick(self, request: Request, pk: str) -> Response:
        """Take the variant into the library. Picking it again gives the same content."""
        content = services.variant_pick(variant=self.get_object())
        return Response(ContentSerializer(content).data)

    @extend_schema(request=None, responses={200: VariantSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        """End the writing. What was written so far stays, and is paid for."""
        return self.shown(services.variant_stop(variant=self.get_object()))

    @extend_schema(request=None, responses={202: VariantSerializer})
    @action(detail=True, methods=["post"], scope="generate", limits=("generations",))
    @idempotent(required=True)
    def retry(self, request: Request, pk: str) -> Response:
        """Have the variant written anew. Its text is lost; contents picked from it stay."""
        fresh = services.variant_retry(variant=self.get_object())
        return self.shown(fresh, status.HTTP_202_ACCEPTED)
