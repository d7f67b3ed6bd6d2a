"""The base of every API view, the schema's two formats and the page to read it on."""

from functools import cache
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer2
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAcceptable
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from saas.api import throttling
from saas.api.filters import known_parameters, refuse_unknown
from saas.api.reference import groups, inline
from saas.api.sections import sections
from saas.errors import UnsupportedApiVersion

# The API's versions by their dates, oldest first.
VERSIONS = ("2026-11-01",)


class ApiView(APIView):
    """Refuses query parameters it does not know, and tells how the caller's limits stand."""

    metadata_class = None
    # What a call with an effect needs: the key's scope, and the least role of whoever it acts for.
    scope = "write"
    role = "editor"
    # Any of these scopes reads.
    readable_with: ClassVar[tuple[str, ...]] = ("read",)
    # Query parameters beside a list's own, policies that count for calls with an effect, and
    # statuses of problems that are not every view's.
    parameters: ClassVar[tuple[str, ...]] = ()
    # Programs written for another API may send what we do not know; elsewhere that is a mistake.
    strict_parameters = True
    limits: ClassVar[tuple[str, ...]] = ()
    # Whether a call with an effect is answered also where Valkey is away.
    essential: ClassVar[bool] = False
    problems: ClassVar[tuple[int, ...]] = ()

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """An unknown `format` is as little acceptable as an unknown Accept header."""
        try:
            return super().perform_content_negotiation(request, force)
        except Http404 as error:
            raise NotAcceptable from error

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_other_version(request)
        # A method that is not taken has no query either: that is said first.
        taken = hasattr(self, str(request.method).lower())
        if self.strict_parameters and taken:
            refuse_unknown(request, known_parameters(self))

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        answer: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        throttling.set_headers(getattr(request, "_request", request), answer)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


def refuse_other_version(request: Request) -> None:
    """Raise where the caller names a version of the API that there is not."""
    asked = request.headers.get("Kindling-Version", VERSIONS[-1])
    if asked not in VERSIONS:
        detail = _("There is no version “%s” of this API.") % asked[:40]
        raise UnsupportedApiVersion(detail, supported=list(VERSIONS))


class PlainJSON(JSONRenderer):
    """The schema for tools that only know plain JSON."""


class PlainYAML(OpenApiYamlRenderer2):
    media_type = "application/yaml"


class SchemaView(APIView):
    """The API's description, as JSON or with `?format=yaml` as YAML. Anybody may read it."""

    permission_classes = (AllowAny,)
    throttle_classes = ()
    renderer_classes = (PlainJSON, PlainYAML, OpenApiJsonRenderer2)
    metadata_class = None

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(described(get_language() or "en"))


@cache
def described(language: str) -> dict[str, Any]:
    """The schema; it changes with the code alone, so it is made once for each language."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    found: dict[str, Any] = generator.get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    return found


def docs(request: HttpRequest) -> HttpResponse:
    """The schema as a page to read, with calls to copy."""
    schema, server = described(get_language() or "en"), request.build_absolute_uri("/")
    return render(
        request,
        "saas/api_docs.html",
        {
            "info": schema["info"],
            "about": inline(schema["info"]["description"]),
            "samples": [
                (section.title, section.sample.format(server=server))
                for section in sections()
                if section.sample
            ],
            "groups": groups(schema, server),
        },
    )
