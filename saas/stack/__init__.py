"""The embedded stack: Postgres, Valkey, web and worker under one supervisor."""

from saas.stack.services import services

__all__ = ["services"]
