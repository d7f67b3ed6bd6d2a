"""`manage.py first_ad`: has one ad written for the demo workspace and shows it as it comes."""

import json
import time
from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.models import Brief, Variant
from generation.services.briefs import brief_request
from generation.services.demo import demo_tenant
from tenants.jobs.streams import stream_key
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """The main job once, through the real queue and the real engine."""

    help = "Write one search ad for the demo workspace and print it while it is written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--timeout", type=int, default=300, help="seconds to wait")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = demo_tenant()
        if tenant is None:
            raise CommandError("There is no demo workspace yet: run `manage.py demo` first.")
        with tenant_scope(tenant):
            brief = self._order()
            self.stdout.write(f"Writing an ad for “{brief.title}” …\n")
            self._follow(tenant, brief, time.monotonic() + options["timeout"])
            self._show(brief)

    def _order(self) -> Brief:
        model = Brief.objects.filter(kind="search_ad").order_by("created_at").first()
        if model is None:
            raise CommandError("The demo workspace has no ad brief: run `manage.py demo` again.")
        return brief_request(
            kind=model.kind,
            fields=model.fields,
            brand=model.brand,
            audience=model.audience,
            variants=1,
        )

    def _follow(self, tenant: Tenant, brief: Brief, deadline: float) -> None:
        for name, data in events(stream_key(tenant.pk, brief.stream), deadline):
            if name == "section":
                self.stdout.write(f"\n{data['section']}: ", ending="")
            elif name == "token":
                self.stdout.write(data["text"], ending="")
            elif name == "done":
                self.stdout.write("\n")
                return
            self.stdout.flush()
        raise CommandError(late(brief.variants.get().state))

    def _show(self, brief: Brief) -> None:
        variant = brief.variants.get()
        if variant.state != Variant.State.READY:
            raise CommandError(f"The ad was not written: {variant.error or variant.state}")
        self.stdout.write(f"\n{variant.text}\n")


def late(state: str) -> str:
    """Why there is no text yet, and what to do."""
    if state == Variant.State.QUEUED:
        return "No worker has taken the ad: start one for the queue generate, or see its log."
    return "The ad is still being written: this machine is slow. It will stand in the library."


def events(key: str, deadline: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, data) of a stream's events until the deadline."""
    last = "0"
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        while time.monotonic() < deadline:
            for _key, entries in client.xread({key: last}, count=100, block=1000) or []:
                for entry_id, fields in entries:
                    last = entry_id
                    yield fields[b"e"].decode(), json.loads(fields[b"d"])
