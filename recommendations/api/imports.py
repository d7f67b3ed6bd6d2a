"""Files of items and of events over the API: a job reads them and says what became of each row."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from recommendations.services.imports import EVENTS, ITEMS, file_preview, import_request
from saas.api.fields import CharField
from saas.api.parsers import StrictMultiPartParser
from saas.api.serializers import StrictSerializer
from saas.api.views import ApiView
from tenants.idempotency.api import idempotent
from tenants.jobs.api import JobSerializer
from training.api.datasets import mapping_of
from training.datasets.problems import FileRefused
from training.datasets.reading import kind_of
from training.services.imports import file_keep, refused


class ItemImportSerializer(StrictSerializer):
    """A CSV, TSV, JSONL or XLSX file; without a mapping, columns are found by their names."""

    file = serializers.FileField(allow_empty_file=True)
    mapping = CharField(required=False, help_text="JSON: the column's name to the field's.")


class ImportView(ApiView):
    """Takes a file and says which job reads it."""

    tag = "recommendations"
    parser_classes = (StrictMultiPartParser,)
    what: str

    def requested(self, request: Request) -> Response:
        asked = ItemImportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        file = asked.validated_data["file"]
        try:
            kind = kind_of(file.name or "")
        except FileRefused as error:
            raise refused(error) from error
        file_id = file_keep(file=file)
        found = file_preview(file_id=file_id, kind=kind, what=self.what)
        given = mapping_of(asked.validated_data.get("mapping", ""))
        job = import_request(
            what=self.what,
            file_id=file_id,
            name=(file.name or "")[:100],
            kind=kind,
            mapping=given or found.mapping,
        )
        return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)


IMPORT: dict[str, Any] = {
    "request": {"multipart/form-data": ItemImportSerializer},
    "responses": {202: JobSerializer},
}


class ItemImportView(ImportView):
    """A file of items."""

    what = ITEMS

    @extend_schema(operation_id="items_import", **IMPORT)
    @idempotent()
    def post(self, request: Request) -> Response:
        """Send a file of items; columns that are no field become attributes."""
        return self.requested(request)


class InteractionImportView(ImportView):
    """A file of events."""

    what = EVENTS

    @extend_schema(operation_id="interactions_import", **IMPORT)
    @idempotent()
    def post(self, request: Request) -> Response:
        """Send a file of events, however old; those that are known change nothing."""
        return self.requested(request)
