"""The workspace's own model server, by API."""

from typing import Any, cast

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from generation.models import Endpoint
from generation.services import endpoint_delete, endpoint_save
from saas.api.fields import BooleanField, CharField
from saas.api.serializers import StrictModelSerializer
from saas.api.views import ApiView
from saas.errors import NotFound

ENDPOINT = OpenApiExample(
    "A provider's server",
    request_only=True,
    value={
        "base_url": "https://models.example.com/v1",
        "model": "llama-3.1-8b-instruct",
        "dialect": "vllm",
        "key": "mk-3f9c27aa5d1e",
    },
)


class EndpointSerializer(StrictModelSerializer):
    """A model server. Its key is written only; it stays where none is sent, "" removes it."""

    key = CharField(write_only=True, required=False, allow_blank=True, max_length=500)
    enabled = BooleanField(default=True)

    class Meta:
        model = Endpoint
        fields = (
            *("base_url", "model", "dialect", "writer", "key", "key_tail", "enabled"),
            *("checked_at", "check_result", "created_at", "updated_at"),
        )
        read_only_fields = ("key_tail", "checked_at", "check_result", "created_at", "updated_at")


class EndpointView(ApiView):
    """The server that writes this workspace's texts; without one, the platform's model does.

    To change it, the key must act with the role of an owner.
    """

    tag = "endpoint"
    role = "owner"
    problems = (404,)

    @extend_schema(responses=EndpointSerializer, operation_id="endpoint_retrieve")
    def get(self, request: Request) -> Response:
        """Read the workspace's model server."""
        found = Endpoint.objects.first()
        if found is None:
            raise NotFound
        return Response(EndpointSerializer(found).data)

    @extend_schema(
        request=EndpointSerializer,
        responses=EndpointSerializer,
        examples=[ENDPOINT],
        operation_id="endpoint_update",
    )
    def put(self, request: Request) -> Response:
        """Set the workspace's model server up, or change it."""
        serializer = EndpointSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        fields = cast(dict[str, Any], serializer.validated_data)
        key = fields.pop("key", None)
        found = endpoint_save(fields=fields, key=key)
        return Response(EndpointSerializer(found).data)

    @extend_schema(responses={204: None}, operation_id="endpoint_destroy")
    def delete(self, request: Request) -> Response:
        """Remove the workspace's model server."""
        endpoint_delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
