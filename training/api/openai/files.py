"""/v1/files: what a program uploads to teach with, and what its runs have measured."""

from typing import Any
from uuid import UUID

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.fields import ChoiceField
from saas.api.pagination import InvalidParameter
from saas.api.parsers import StrictMultiPartParser
from saas.api.serializers import StrictSerializer
from saas.api.views import ApiView
from saas.errors import NotFound
from tenants.idempotency.api import idempotent
from training.api.openai.ids import FileId
from training.api.openai.lists import PARAMETERS, list_schema, listed, seconds
from training.models import TrainingFile
from training.services.files import file_delete, file_upload
from training.services.imports import import_path

MOST = 10_000
ORDERS = ("asc", "desc")
INTEGER, STRING = {"type": "integer"}, {"type": "string"}
FILE = {
    "type": "object",
    "required": ["id", "object", "bytes", "created_at", "filename", "purpose", "status"],
    "properties": {
        "id": STRING,
        "object": {"const": "file"},
        "bytes": INTEGER,
        "created_at": INTEGER,
        "filename": STRING,
        "purpose": {"enum": list(TrainingFile.Purpose.values)},
        "status": {"const": "processed"},
    },
}
DELETED = {
    "type": "object",
    "required": ["id", "object", "deleted"],
    "properties": {"id": STRING, "object": {"const": "file"}, "deleted": {"const": True}},
}


class UploadSerializer(StrictSerializer):
    """A file of JSON lines, each a conversation or a preference."""

    file = serializers.FileField(allow_empty_file=True)
    purpose = ChoiceField(choices=[(each, each) for each in (TrainingFile.Purpose.FINE_TUNE,)])


def shown(file: TrainingFile) -> dict[str, Any]:
    return {
        "id": FileId.spell(file.pk),
        "object": "file",
        "bytes": file.size,
        "created_at": seconds(file.created_at),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
    }


def found(pk: UUID) -> TrainingFile:
    """The file; raises NotFound."""
    file = TrainingFile.objects.filter(pk=pk).first()
    if file is None:
        raise NotFound
    return file


class FileList(ApiView):
    """The files that are there."""

    tag = "openai"
    problems = (507,)
    parameters = (*PARAMETERS, "order", "purpose")

    def get_parsers(self) -> list[Any]:
        posting = self.request is not None and self.request.method == "POST"
        return [StrictMultiPartParser()] if posting else super().get_parsers()

    @extend_schema(operation_id="openai_files_list", responses={200: list_schema(FILE)})
    def get(self, request: Request) -> Response:
        rows, query = TrainingFile.objects.all(), request.query_params
        if query.get("order", "desc") not in ORDERS:
            raise InvalidParameter("order", " / ".join(ORDERS))
        if "purpose" in query:
            rows = rows.filter(purpose=query["purpose"])
        return listed(request, rows, shown, kind=FileId, most=MOST)

    @extend_schema(
        operation_id="openai_files_create",
        request={"multipart/form-data": UploadSerializer},
        responses={200: FILE},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        """Upload a file of rows to learn from."""
        asked = UploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(shown(file_upload(file=asked.validated_data["file"])))


class FileDetail(ApiView):
    """One file."""

    tag = "openai"

    @extend_schema(operation_id="openai_files_retrieve", responses={200: FILE})
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(shown(found(pk)))

    @extend_schema(operation_id="openai_files_delete", responses={200: DELETED})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Delete a file for good."""
        file_delete(file=found(pk))
        return Response({"id": FileId.spell(pk), "object": "file", "deleted": True})


class FileContent(ApiView):
    """What stands in a file."""

    tag = "openai"

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Bytes are given to everybody: OpenAI's client asks for "application/binary"."""
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type

    @extend_schema(
        operation_id="openai_files_content",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: UUID) -> FileResponse:
        file = found(pk)
        try:
            content = import_path(file.pk).open("rb")
        except FileNotFoundError as error:
            raise NotFound from error
        return FileResponse(content, as_attachment=True, filename=file.name)
