"""What the studio's endpoints share: rows that callers make and change."""

from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from saas.errors import AlreadyExists, InUse
from tenants.api import TenantViewSet
from tenants.idempotency.api import idempotent


class EditableViewSet(TenantViewSet):
    """Also makes, changes and deletes them."""

    @idempotent()
    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self.store(serializer)
        where = f"{request.path_info.rstrip('/')}/{serializer.data['id']}/"
        return Response(serializer.data, status.HTTP_201_CREATED, headers={"Location": where})

    def partial_update(self, request: Request, pk: str) -> Response:
        serializer = self.get_serializer(self.get_object(), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        self.store(serializer)
        return Response(serializer.data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        try:
            self.get_object().delete()
        except models.ProtectedError as error:
            raise InUse(_("It is in use.")) from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    def store(self, serializer: BaseSerializer[Any]) -> None:
        try:
            with transaction.atomic():
                serializer.save()
        except IntegrityError as error:
            raise AlreadyExists(_("Another one has this name.")) from error
