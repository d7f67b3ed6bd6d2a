"""GET and PATCH /api/v1/workspace/: what a workspace is called, and what /v1 tells the model."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.fields import CharField
from saas.api.serializers import StrictModelSerializer, StrictSerializer
from saas.api.views import ApiView
from tenants.models import LONGEST_PROMPT, Role, Tenant
from tenants.services import workspace_rename, workspace_set_system_prompt
from tenants.validators import name_check

PROMPT_HELP = (
    "What the model is told first in /v1, where a conversation brings no system message of its "
    "own. It is read, and charged, with each of them."
)


class WorkspaceSettingsSerializer(StrictModelSerializer):
    """The workspace of the key."""

    class Meta:
        model = Tenant
        fields = ("id", "name", "slug", "time_zone", "system_prompt", "created_at")
        read_only_fields = fields


class WorkspaceChangeSerializer(StrictSerializer):
    """What is to change; all else stays."""

    name = CharField(max_length=80, validators=[name_check], required=False)
    system_prompt = CharField(
        max_length=LONGEST_PROMPT, allow_blank=True, required=False, help_text=PROMPT_HELP
    )


class WorkspaceView(ApiView):
    """The workspace's own settings. To change them, the key must act with the role of an admin."""

    tag = "me"
    role = Role.ADMIN

    @extend_schema(responses=WorkspaceSettingsSerializer, operation_id="workspace_retrieve")
    def get(self, request: Request) -> Response:
        """Read what the workspace is called, and its system prompt."""
        return Response(WorkspaceSettingsSerializer(self._tenant(request)).data)

    @extend_schema(
        request=WorkspaceChangeSerializer,
        responses=WorkspaceSettingsSerializer,
        operation_id="workspace_update",
    )
    def patch(self, request: Request) -> Response:
        """Change the workspace's name or its system prompt."""
        asked = WorkspaceChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        tenant = self._tenant(request)
        if "name" in asked.validated_data:
            workspace_rename(tenant=tenant, name=asked.validated_data["name"])
        if "system_prompt" in asked.validated_data:
            workspace_set_system_prompt(tenant=tenant, text=asked.validated_data["system_prompt"])
        return self.get(request)

    def _tenant(self, request: Request) -> Tenant:
        key: Any = request.auth
        tenant: Tenant = key.tenant
        return tenant
