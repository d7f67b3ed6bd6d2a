"""Contents: the library's copy, its versions, its review and its export."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from generation import services
from generation.api.filters import ContentFilter
from generation.api.serializers import (
    ApprovalSerializer,
    CommentSerializer,
    ContentSerializer,
    ContentVersionSerializer,
    NewContentSerializer,
    RestoreSerializer,
)
from generation.models import Content, ContentVersion
from generation.presentation import exports
from saas.api.pagination import PARAMETERS, InvalidParameter
from saas.errors import Invalid, PreconditionFailed, PreconditionRequired
from tenants.api import TenantViewSet
from tenants.idempotency.api import idempotent
from tenants.models_base import TenantQuerySet

# Whoever writes does not decide by the same right.
REVIEWING: dict[str, Any] = {"scope": "approve", "role": "admin"}
OWN_TEXT = OpenApiExample(
    "A post of your own",
    request_only=True,
    value={
        "kind": "social_post",
        "text": "The lamp that dims itself.",
        "labels": ["spring"],
    },
)
FORMAT = OpenApiParameter(
    "as", str, enum=list(exports.LAYOUTS), default="markdown", description="The file's format."
)


def etag(content: Content) -> str:
    """Stands for one state of the text: its version and the beginning of its hash."""
    return f'"{content.version}-{content.sha256[:16]}"'


def contested(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a handler that needs If-Match, for the schema."""
    handler.precondition = True  # type: ignore[attr-defined]
    return handler


def refuse_stale(request: Request, content: Content) -> None:
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired
    # Proxies that compress an answer mark its tag as weak: it still names this one text.
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    if "*" not in tags and etag(content) not in tags:
        raise PreconditionFailed(version=content.version)


class ContentViewSet(TenantViewSet):
    """The library: what was picked from variants, and what was written elsewhere.

    What is archived is listed with `archived=true` alone.
    """

    model = Content
    serializer_class = ContentSerializer
    filterset_class = ContentFilter
    orders = ("updated_at", "title")
    parameters = ()

    def get_queryset(self) -> TenantQuerySet[Any]:
        found = super().get_queryset()
        asked = self.action != "list" or "archived" in self.request.query_params
        return found if asked else found.filter(archived_at=None)

    def shown(self, row: Any, code: int = 200) -> Response:
        answer = super().shown(row, code)
        answer["ETag"] = etag(row)
        return answer

    def retrieve(self, request: Request, pk: str) -> Response:
        return self.shown(self.get_object())

    @extend_schema(
        request=NewContentSerializer, responses={201: ContentSerializer}, examples=[OWN_TEXT]
    )
    @idempotent()
    def create(self, request: Request) -> Response:
        asked = NewContentSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        content = services.content_create(**asked.validated_data)
        answer = self.shown(content, status.HTTP_201_CREATED)
        answer["Location"] = f"{request.path_info.rstrip('/')}/{content.pk}/"
        return answer

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete it for good, with its versions. Approved and published ones are archived first."""
        services.content_delete(content=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @contested
    def partial_update(self, request: Request, pk: str) -> Response:
        content = self.get_object()
        asked = self.get_serializer(content, data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        refuse_stale(request, content)
        found = asked.validated_data
        if "text" in found:
            content = services.content_edit(
                content=content, text=found["text"], expected=content.version
            )
        if "labels" in found:
            content.labels = found["labels"]
            content.save(update_fields=["labels", "updated_at"])
        return self.shown(content)

    @extend_schema(responses=ContentVersionSerializer(many=True), filters=False)
    @action(
        detail=True,
        serializer_class=ContentVersionSerializer,
        orders=("number",),
        parameters=PARAMETERS,
    )
    def versions(self, request: Request, pk: str) -> Response:
        """Every text that the content has had."""
        return self.paged(ContentVersion.objects.filter(content=self.get_object()))

    def paged(self, rows: TenantQuerySet[Any]) -> Response:
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=CommentSerializer, responses={200: ContentSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def submit(self, request: Request, pk: str) -> Response:
        """Ask for a review."""
        return self._step(request, services.content_submit, CommentSerializer)

    @extend_schema(request=CommentSerializer, responses={200: ContentSerializer})
    @action(detail=True, methods=["post"], url_path="return", **REVIEWING)
    @idempotent()
    def send_back(self, request: Request, pk: str) -> Response:
        """Send it back to its author, with the reason."""
        return self._step(request, services.content_return, CommentSerializer)

    @extend_schema(request=ApprovalSerializer, responses={200: ContentSerializer})
    @action(detail=True, methods=["post"], **REVIEWING)
    @idempotent()
    def approve(self, request: Request, pk: str) -> Response:
        """Approve exactly the text with this `sha256`; any other text now answers 412."""
        return self._step(request, services.content_approve, ApprovalSerializer)

    @extend_schema(request=None, responses={200: ContentSerializer})
    @action(detail=True, methods=["post"], **REVIEWING)
    @idempotent()
    def publish(self, request: Request, pk: str) -> Response:
        """Mark the approved text as published."""
        return self._step(request, services.content_publish)

    @extend_schema(request=None, responses={200: ContentSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def archive(self, request: Request, pk: str) -> Response:
        """Put it out of sight; nothing is lost."""
        return self._step(request, services.content_archive)

    @extend_schema(request=None, responses={200: ContentSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def unarchive(self, request: Request, pk: str) -> Response:
        """Take it out of the archive."""
        return self._step(request, services.content_unarchive)

    @extend_schema(request=RestoreSerializer, responses={200: ContentSerializer})
    @action(detail=True, methods=["post"])
    @idempotent()
    def restore(self, request: Request, pk: str) -> Response:
        """Make an earlier version the text again, as a new version."""
        asked = RestoreSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        content = self.get_object()
        number = asked.validated_data["version"]
        version = ContentVersion.objects.filter(content=content, number=number).first()
        if version is None:
            raise no_version()
        return self.shown(services.content_restore(content=content, version=version))

    def _step(
        self, request: Request, service: Callable[..., Any], serializer: Any = None
    ) -> Response:
        details = {}
        if serializer:
            asked = serializer(data=request.data)
            asked.is_valid(raise_exception=True)
            details = asked.validated_data
        service(content=self.get_object(), **details)
        return self.shown(self.get_object())

    @extend_schema(parameters=[FORMAT], responses={(200, "application/octet-stream"): bytes})
    @action(detail=True, parameters=("as",))
    def export(self, request: Request, pk: str) -> HttpResponse:
        """The text as a file: Markdown, HTML, JSON, or CSV as the ad platform imports it."""
        wanted = request.query_params.get("as", "markdown")
        if wanted not in exports.LAYOUTS:
            raise InvalidParameter("as", _("Choose one of: {}.").format(", ".join(exports.LAYOUTS)))
        return download(exports.single(self.get_object(), wanted))


def download(export: exports.Export) -> HttpResponse:
    """The file, to be kept and never shown as a page of ours."""
    headers = {
        "Content-Disposition": content_disposition_header(True, export.name) or "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(export.body, content_type=export.media_type, headers=headers)


def no_version() -> Invalid:
    detail = _("There is no such version.")
    return Invalid(errors=[{"pointer": "/version", "code": "does_not_exist", "detail": detail}])
