"""What endpoints over a workspace's rows share: how they are listed and shown."""

from typing import Any, ClassVar

from django.db import models
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from saas.api.views import ApiView
from tenants.models_base import TenantModel, TenantQuerySet


class TenantViewSet(ApiView, GenericViewSet[Any]):
    """Lists and shows the rows of one model."""

    model: ClassVar[type[TenantModel]]
    related: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self) -> TenantQuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return TenantQuerySet(self.model).none()
        found: TenantQuerySet[Any] = self.model.objects.all()
        return found.prefetch_related(*self.related)

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    def shown(self, row: models.Model, code: int = status.HTTP_200_OK) -> Response:
        """The row as this view set shows its rows."""
        return Response(self.get_serializer(row).data, status=code)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells spectacular what our keys look like."""

    target_class = "tenants.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "`sk_…`, from Settings, Keys."}
