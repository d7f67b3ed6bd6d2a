"""Structured logs on standard output: one shape for web, workers, uvicorn and Celery.

Each line carries its time, its tenant, and the request that it comes from, also in the worker; in
the worker its job as well.
"""

import logging
import re
from typing import Any

import structlog

from tenants import scope

# The parts of addresses that open something: links in mails, and keys that somebody put there.
SECRETS = re.compile(
    r"(/invitations/|/account/confirm-email/|/account/password/reset/key/|\bsk_[0-9a-f]{8}_)"
    r"(?!switch/)[^/\s\"'?&#]+"
)


def without_secrets(line: str) -> str:
    """A log line in which secrets in addresses are crossed out."""
    return SECRETS.sub(r"\1***", line)


def render_with(renderer: Any) -> Any:
    """The renderer, with secrets crossed out of what it makes: also out of tracebacks."""

    def rendered(logger: Any, name: str, event: dict[str, Any]) -> str:
        return without_secrets(renderer(logger, name, event))

    return rendered


def add_tenant(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Name the tenant in scope, or say that there is none."""
    tenant_id = scope.current().tenant_id
    event.setdefault("tenant", str(tenant_id) if tenant_id else "-")
    return event


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_tenant,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if config["json"]
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            render_with(renderer),
        ],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(config["level"])
    # uvicorn has set handlers of its own before, which would write addresses as they came.
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    # Each request has two lines of its own, which say more.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    # It notes each call to a workspace's own server, without saying whose it was.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
