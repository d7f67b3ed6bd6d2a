"""From a workspace's model server to an engine over it, and from its failures to plain words."""

from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from generation.engine.openai import OpenAIEngine
from generation.engine.types import EngineError, Event, Failed
from generation.models import Endpoint
from saas.keyring import Unreadable
from saas.outbound import guarded_transport

# Calls to one workspace's server at a time, from one worker.
ROWS = 8
READ_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class BackendError:
    """What went wrong with a workspace's model server, and whether another try may go better."""

    code: str
    words: Any
    retry: bool = False

    def failed(self, request_id: str) -> Failed:
        return Failed(request_id, self.code, str(self.words), retry=self.retry)

    def error(self) -> EngineError:
        return EngineError(self.code, str(self.words))


OFF = BackendError(
    "endpoint_off",
    _("Your model server was switched off or removed before this was written. Write it again."),
)
KEY_LOST = BackendError(
    "endpoint_refused",
    _("The key of your model server can no longer be read here. An owner has to enter it again."),
)
NOT_ALLOWED = BackendError(
    "url_not_allowed",
    _("The address of your model server leads to a place that is not allowed."),
)
UNREACHABLE = BackendError(
    "endpoint_unreachable",
    _("Your model server did not answer. Look whether it runs and whether its address is right."),
    retry=True,
)
BUSY = BackendError(
    "endpoint_busy", _("Your model server takes no more requests at the moment."), retry=True
)
# By the code of the engine's own failure.
ERRORS_BY_CODE = {
    NOT_ALLOWED.code: NOT_ALLOWED,
    "engine_unreachable": UNREACHABLE,
    "engine_timeout": UNREACHABLE,
    "engine_unauthorized": BackendError(
        "endpoint_refused", _("Your model server refused the key. An owner has to enter a new one.")
    ),
    "model_missing": BackendError(
        "endpoint_model_missing",
        _("Your model server does not know this model, or its address ends in a wrong path."),
    ),
    "engine_rate_limited": BUSY,
    "engine_rejected": BackendError(
        "endpoint_rejected", _("Your model server does not take this kind of request.")
    ),
    "engine_protocol_error": BackendError(
        "endpoint_unreadable", _("What answers there does not speak OpenAI's protocol.")
    ),
    "engine_failed": BackendError(
        "endpoint_failed", _("Your model server broke off with an error of its own."), retry=True
    ),
}
WORDS = {error.code: error.words for error in (*ERRORS_BY_CODE.values(), OFF, KEY_LOST)}
WORDS["endpoint_refused"] = ERRORS_BY_CODE["engine_unauthorized"].words


@dataclass(frozen=True, slots=True)
class Target:
    """All that an engine needs to know of a model server; equal where nothing has changed."""

    tenant_id: UUID
    base_url: str
    model: str
    dialect: str
    sealed_key: str

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        return cls(
            endpoint.workspace_id,
            endpoint.base_url,
            endpoint.model,
            endpoint.dialect,
            endpoint.sealed_key,
        )

    def open(self, **options: Any) -> OpenAIEngine:
        """An engine over the server; raises EngineError where its key cannot be read."""
        endpoint = Endpoint(tenant_id=self.tenant_id, sealed_key=self.sealed_key)
        try:
            key = endpoint.key
        except Unreadable as error:
            raise KEY_LOST.error() from error
        given = {"rows": ROWS, "timeout": READ_TIMEOUT_S, **options}
        return OpenAIEngine(
            base_url=self.base_url,
            model=self.model,
            dialect=self.dialect,
            adapters="listed" if self.dialect == Endpoint.Dialect.VLLM else "none",
            api_key=key,
            transport=guarded_transport(self.base_url, refusal=NOT_ALLOWED.error),
            **given,
        )


def target_of(endpoint_id: str) -> Target:
    """The server that a job was ordered for; raises EngineError where it is in use no more."""
    endpoint = Endpoint.objects.enabled().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise OFF.error()
    return Target.of(endpoint)


def translated(event: Event) -> Event:
    """The event in the words of whoever runs that server."""
    if isinstance(event, Failed):
        known = ERRORS_BY_CODE.get(event.code)
        return known.failed(event.request_id) if known else replace(event, retry=False)
    return event
