"""What the studio's endpoints share: rows that callers make and change, and refusals."""

from typing import Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from generation.serving.job_kinds import QUEUE
from saas.errors import AlreadyExists, InUse
from tenants.api import TenantViewSet
from tenants.idempotency.api import idempotent
from tenants.jobs.errors import QueueFull
from tenants.jobs.models import Job

RETRY_AFTER_S = 10


def refuse_full_queue() -> None:
    """Raise where so much waits already that more would only wait longer."""
    if Job.objects.filter(queue=QUEUE, state=Job.State.QUEUED).count() >= settings.MAX_QUEUED_JOBS:
        raise QueueFull(
            _("The workspace has too many texts waiting to be written."),
            retry_after=RETRY_AFTER_S,
        )


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
