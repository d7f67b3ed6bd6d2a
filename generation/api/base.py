"""What the studio's endpoints share: rows of the workspace, refusals, and who acts."""

from typing import Any, ClassVar, cast

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from generation.job_kinds import QUEUE
from generation.services.briefs import Author
from saas.api.views import ApiView
from saas.errors import Conflict, TooManyRequests
from tenants.idempotency.api import idempotent
from tenants.jobs.models import Job
from tenants.models import ApiKey
from tenants.models_base import TenantModel, TenantQuerySet

RETRY_AFTER_S = 10


def author(request: Request) -> Author:
    """The key that the request came with, and the member who made the key."""
    key = cast(ApiKey, request.auth)
    return Author(user=key.created_by, api_key=key)


def refuse_full_queue() -> None:
    """Raise where so much waits already that more would only wait longer."""
    if Job.objects.filter(queue=QUEUE, state=Job.State.QUEUED).count() >= settings.MAX_QUEUED_JOBS:
        raise TooManyRequests(
            _("The workspace has too many texts waiting to be written."),
            code="queue_full",
            retry_after=RETRY_AFTER_S,
        )


class StudioViewSet(ApiView, GenericViewSet[Any]):
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


class EditableViewSet(StudioViewSet):
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
            raise Conflict(_("It is in use."), code="in_use") from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    def store(self, serializer: BaseSerializer[Any]) -> None:
        try:
            with transaction.atomic():
                serializer.save()
        except IntegrityError as error:
            detail = _("Another one has this name.")
            raise Conflict(detail, code="already_exists") from error
