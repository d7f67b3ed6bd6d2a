"""Datasets over the API: rows one by one or as files, and the versions that are taken of them."""

import json
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.fields import BooleanField, CharField, ChoiceField
from saas.api.pagination import PARAMETERS
from saas.api.parsers import StrictJSONParser, StrictMultiPartParser
from saas.api.serializers import StrictModelSerializer, StrictSerializer
from saas.errors import Invalid
from tenants.api import TenantViewSet
from tenants.idempotency.api import idempotent
from tenants.jobs.api import JobSerializer
from tenants.models_base import TenantQuerySet
from training.datasets.problems import FileRefused
from training.datasets.reading import Record, kind_of
from training.models import Dataset, DatasetRow, DatasetVersion
from training.services.datasets import (
    APPEND,
    UPSERT,
    Import,
    dataset_create,
    dataset_delete,
    rows_import,
    version_of,
)
from training.services.imports import file_keep, file_preview, import_request, refused
from training.services.sources import Offer, offers, source_follow

MOST_ROWS = 1_000
MODES = (APPEND, UPSERT)


class DatasetSerializer(StrictModelSerializer):
    """Rows of one task that a model can learn from."""

    row_count = serializers.SerializerMethodField()

    class Meta:
        model = Dataset
        fields = (
            *("id", "name", "task", "note", "privacy", "licence", "consent", "row_count"),
            *("created_at", "updated_at"),
        )
        read_only_fields = ("id", "created_at", "updated_at")

    def get_row_count(self, dataset: Dataset) -> int:
        """Counted with the list; for a dataset that was just made, there are none yet."""
        return int(getattr(dataset, "counted_rows", 0))


class DatasetChangeSerializer(DatasetSerializer):
    """The same without its task, which stays."""

    task = CharField(read_only=True)


class RowSerializer(StrictModelSerializer):
    """One example; its split is empty until a version parts the rows."""

    split = ChoiceField(choices=DatasetRow.Split.choices, allow_blank=True, read_only=True)

    class Meta:
        model = DatasetRow
        fields = ("id", "row_id", "group_id", "content", "origin", "split", "created_at")
        read_only_fields = fields


class RowsSerializer(StrictSerializer):
    """Up to 1,000 rows: their fields by name, with row_id and group_id beside them."""

    rows = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=MOST_ROWS)
    mode = ChoiceField(choices=[(mode, mode) for mode in MODES], default=UPSERT)
    dry_run = BooleanField(default=False)


class RowsReportSerializer(serializers.Serializer[Any]):
    """What became of the rows."""

    accepted = serializers.IntegerField()
    updated = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    private = serializers.IntegerField(help_text="Rows in which personal data was found.")
    problems = serializers.ListField(child=serializers.DictField())


class ImportSerializer(StrictSerializer):
    """A CSV, TSV, JSONL, XLSX or text file; without a mapping, columns are found by their names."""

    file = serializers.FileField(allow_empty_file=True)
    mapping = CharField(required=False, help_text="JSON: the column's name to the field's.")
    charset = CharField(required=False, max_length=40)
    mode = ChoiceField(choices=[(mode, mode) for mode in MODES], default=UPSERT)


class VersionSerializer(StrictModelSerializer):
    """What a dataset was at a moment."""

    class Meta:
        model = DatasetVersion
        fields = ("id", "number", "sha256", "rows", "near_duplicates", "statistics", "created_at")
        read_only_fields = fields


class SourceSerializer(serializers.Serializer[Any]):
    """Rows that the product itself has."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField(help_text="Rows that are there.")
    taken = serializers.IntegerField(help_text="Rows that the dataset has of it.")
    followed = serializers.BooleanField(help_text="Whether new rows come before each run.")


class FollowSerializer(StrictSerializer):
    """The name of a source."""

    source = CharField(max_length=40)  # type: ignore[assignment]


def source_shown(offer: Offer) -> dict[str, Any]:
    source = offer.source
    told = {"name": source.name, "label": str(source.label), "count": offer.count}
    return {**told, "taken": offer.taken, "followed": offer.followed}


class DatasetViewSet(TenantViewSet):
    """What models learn from."""

    model = Dataset
    serializer_class = DatasetSerializer
    tag = "training"
    orders = ("name",)
    max_body = 5 * 1024 * 1024

    def get_queryset(self) -> TenantQuerySet[Any]:
        return super().get_queryset().annotate(counted_rows=Count("rows"))

    def get_parsers(self) -> list[Any]:
        posting = self.request is not None and self.request.method == "POST"
        files = getattr(self, "action_map", {}).get("post") == "imports"
        return [StrictMultiPartParser()] if posting and files else [StrictJSONParser()]

    @extend_schema(request=DatasetSerializer, responses={201: DatasetSerializer})
    @idempotent()
    def create(self, request: Request) -> Response:
        asked = DatasetSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self.shown(dataset_create(**asked.validated_data), status.HTTP_201_CREATED)

    @extend_schema(request=DatasetChangeSerializer, responses={200: DatasetSerializer})
    def partial_update(self, request: Request, pk: str) -> Response:
        asked = DatasetChangeSerializer(self.get_object(), data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        asked.save()
        return self.shown(self.get_object())

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        dataset_delete(dataset=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=RowSerializer(many=True), filters=False)
    @action(detail=True, serializer_class=RowSerializer, parameters=PARAMETERS, orders=())
    def rows(self, request: Request, pk: str) -> Response:
        """The rows, newest first."""
        page = self.paginate_queryset(self.get_object().rows.all())
        return self.get_paginated_response(RowSerializer(page, many=True).data)

    @extend_schema(request=RowsSerializer, responses={200: RowsReportSerializer})
    @rows.mapping.post
    @idempotent()
    def add_rows(self, request: Request, pk: str) -> Response:
        """Add or change rows; with `dry_run` nothing is written."""
        dataset = self.get_object()
        asked = RowsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        names = {name: name for row in given["rows"] for name in row}
        report = rows_import(
            dataset=dataset,
            records=[Record(at, row) for at, row in enumerate(given["rows"], start=1)],
            how=Import(names, mode=given["mode"], dry_run=given["dry_run"], origin="api"),
        )
        return Response(report.stored())

    @extend_schema(
        request={"multipart/form-data": ImportSerializer}, responses={202: JobSerializer}
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def imports(self, request: Request, pk: str) -> Response:
        """Send a file of rows; the job's result says what became of each."""
        dataset = self.get_object()
        asked = ImportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        file = given["file"]
        try:
            kind = kind_of(file.name or "")
        except FileRefused as error:
            raise refused(error) from error
        file_id = file_keep(file=file)
        charset = given.get("charset", "")
        found = file_preview(dataset=dataset, file_id=file_id, kind=kind, charset=charset)
        job = import_request(
            dataset=dataset,
            file_id=file_id,
            name=(file.name or "")[:100],
            kind=kind,
            mapping=mapping_of(given.get("mapping", "")) or found.mapping,
            charset=charset,
            mode=given["mode"],
        )
        return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={200: SourceSerializer(many=True)}, filters=False)
    @action(detail=True, serializer_class=SourceSerializer, pagination_class=None)
    def sources(self, request: Request, pk: str) -> Response:
        """What the product itself has for this dataset: approved copy, edits, picks."""
        found = [source_shown(offer) for offer in offers(self.get_object())]
        return Response(found)

    @extend_schema(request=FollowSerializer, responses={200: RowsReportSerializer})
    @sources.mapping.post
    @idempotent()
    def follow_source(self, request: Request, pk: str) -> Response:
        """Take a source's rows, now and before each run."""
        dataset = self.get_object()
        asked = FollowSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        report = source_follow(dataset=dataset, name=asked.validated_data["source"])
        return Response(report.stored())

    @extend_schema(responses=VersionSerializer(many=True), filters=False)
    @action(
        detail=True, serializer_class=VersionSerializer, parameters=PARAMETERS, orders=("number",)
    )
    def versions(self, request: Request, pk: str) -> Response:
        """What the dataset was."""
        page = self.paginate_queryset(self.get_object().versions.all())
        return self.get_paginated_response(VersionSerializer(page, many=True).data)

    @extend_schema(request=None, responses={201: VersionSerializer})
    @versions.mapping.post
    @idempotent()
    def take_version(self, request: Request, pk: str) -> Response:
        """Take a version of the rows as they are now; the same rows give the same version."""
        made = version_of(self.get_object())
        return Response(VersionSerializer(made).data, status=status.HTTP_201_CREATED)


def mapping_of(text: str) -> dict[str, str]:
    """The mapping that was sent as JSON; raises Invalid for anything else."""
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        detail = _('Give JSON such as {"Category": "label"}.')
        raise Invalid(errors=[{"pointer": "/mapping", "code": "invalid", "detail": detail}])
    return found
