"""GET /api/v1/me/: which key this is, for whom it acts, and what it may do."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.serializers import StrictModelSerializer, StrictSerializer
from saas.api.views import ApiView
from tenants.models import ApiKey, Role, Tenant, User

Limits = Callable[[], dict[str, int]]
_limits: list[Limits] = []


def provide_limits(limits: Limits) -> None:
    """Declare what tells the limits of the workspace in scope, in an app's AppConfig.ready()."""
    _limits.append(limits)


class WorkspaceSerializer(StrictModelSerializer):
    class Meta:
        model = Tenant
        fields = ("id", "name", "slug")


class UserSerializer(StrictModelSerializer):
    class Meta:
        model = User
        fields = ("id", "name", "email")


class KeySerializer(StrictModelSerializer):
    """The key that the request came with. A personal one acts for its maker."""

    personal = serializers.BooleanField()

    class Meta:
        model = ApiKey
        fields = ("id", "name", "prefix", "personal", "scopes", "expires_at", "created_at")


class MeSerializer(StrictSerializer):
    """Who asks. `user` is null for a service account's key; `role` is the one of this moment."""

    workspace = WorkspaceSerializer()
    key = KeySerializer()
    user = UserSerializer(allow_null=True)
    role = serializers.ChoiceField(choices=Role.choices)
    limits = serializers.DictField(
        child=serializers.IntegerField(), help_text="What the workspace may have, by name."
    )


class MeView(ApiView):
    """The key that asks."""

    tag = "me"
    readable_with = tuple(ApiKey.Scope.values)

    @extend_schema(responses=MeSerializer, operation_id="me_retrieve")
    def get(self, request: Request) -> Response:
        """Read for whom this key acts, with which role, scopes and limits."""
        key: Any = request.auth
        found = {
            "workspace": key.tenant,
            "key": key,
            "user": key.created_by if key.personal else None,
            "role": request._request.role,  # type: ignore[attr-defined]
            "limits": {name: most for tell in _limits for name, most in tell().items()},
        }
        return Response(MeSerializer(found).data)
