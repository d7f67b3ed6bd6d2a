"""Answers and events through the web process: the whole request, with walls, filters and logging.

Each catalogue is made by SQL, its model by chance, so only speed is measured. Milliseconds by the
clock, and of the web process alone by its processor: other work on the machine lengthens the first.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.database import scratch_database
from bench.rec.tables import Table

if TYPE_CHECKING:
    from tenants.models import Tenant

PERSONS, HISTORY, SUCCESSORS, CLUSTERS = 1000, 50, 20, 200
# Of a large catalogue so many items have a past; the others wait for their first click.
KNOWN = 100_000
DIM, TEXT_DIM, NEIGHBOURS = 64, 384, 50
ASKED, SENT, BATCH = 200, 200, 10_000
SIZES = (1_000, 100_000, 1_000_000)
ASK, EVENTS = "/api/v1/recommendations/", "/api/v1/interactions/"
FILTER = "'price' < 90 and \"tag-1\" not in 'tags'"

ITEMS = """
INSERT INTO recommendations_item (id, tenant_id, created_at, updated_at, key, number, version,
 type, title, text, tags, attributes, price, url, image_url, in_stock, hidden, variant_of, source)
SELECT gen_random_uuid(), %(tenant)s, now(), now(), 'item-' || n, n, 1, 'plant', 'Plant ' || n, '',
 ARRAY['tag-' || n %% 50], jsonb_build_object('height', n %% 90), n %% 100, '', '', true, false,
 '', ''
FROM generate_series(0, %(items)s - 1) AS n
"""
COUNTS = """
INSERT INTO recommendations_itemcounts (id, tenant_id, created_at, updated_at, item_id, number,
 impressions, clicks, events, popular, trending)
SELECT gen_random_uuid(), tenant_id, now(), now(), id, number, 1000, number %% 50, number %% 50,
 number %% 977, number %% 53 FROM recommendations_item WHERE tenant_id = %(tenant)s
"""
TRANSITIONS = """
INSERT INTO recommendations_transition
(id, tenant_id, created_at, updated_at, source, target, count)
SELECT gen_random_uuid(), %(tenant)s, now(), now(), n, (n * 31 + s * s * 97 + s) %% %(items)s, 1 + s
FROM generate_series(0, %(known)s - 1) AS n, generate_series(1, %(successors)s) AS s
ON CONFLICT DO NOTHING
"""
ANALYZE = "ANALYZE"


@dataclass(slots=True)
class Times:
    """Milliseconds of each request by the clock and by the processor of this process."""

    clock: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @contextmanager
    def taken(self) -> Iterator[None]:
        start, used = time.perf_counter(), time.process_time()
        yield
        self.clock.append(1000 * (time.perf_counter() - start))
        self.cpu.append(1000 * (time.process_time() - used))

    def cells(self) -> tuple[str, ...]:
        p50, p95 = np.percentile(self.clock, [50, 95])
        return f"{p50:.1f}", f"{p95:.1f}", f"{np.median(self.cpu):.1f}", f"{min(self.clock):.1f}"


COLUMNS = ("clock p50, ms", "p95", "own CPU p50", "fastest")


def report(sizes: tuple[int, ...]) -> list[str]:
    scratch_database()
    unlimited()
    table = Table(("through the web process", *COLUMNS))
    with TemporaryDirectory() as folder:
        from django.test import override_settings

        with override_settings(MEDIA_ROOT=folder, ALLOWED_HOSTS=["*"]):
            for size in sizes:
                shop = Shop.made(size)
                table.add(f"answer of 10 from {size:,} items", *shop.answers().cells())
                table.add(f"the same with a filter, {size:,}", *shop.answers(FILTER).cells())
                if size <= 100_000:
                    table.add(f"one event, {size:,} items", *shop.events().cells())
                    table.add(f"{BATCH:,} events, {size:,} items", *shop.batch().cells())
    return [str(table), f"Load average {os.getloadavg()[0]:.1f}.", *tenants()]


def unlimited() -> None:
    from collections import defaultdict

    from saas.api import throttling

    throttling.provide_quotas(lambda: defaultdict(lambda: 10**9))


@dataclass
class Shop:
    """A workspace with a catalogue, people with a past, and a model."""

    tenant: Tenant
    post: Callable[..., Any]
    random: np.random.Generator

    @classmethod
    def made(cls, size: int, model: bool = True) -> Shop:
        from rest_framework.test import APIClient

        from tenants.models import ApiKey, Role, User
        from tenants.scope import tenant_scope
        from tenants.services import workspace_create

        name = f"bench-{size}-{time.monotonic_ns()}@kindling.test"
        tenant = workspace_create(owner=User.objects.create_user(name), name="Bench")
        with tenant_scope(tenant):
            filled(tenant, size)
            if model:
                fitted(tenant, size)
            _, secret = ApiKey.issue(
                name="Bench", scopes=["read", "write"], created_by=None, role=Role.OWNER
            )
        client = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return cls(tenant, client.post, np.random.default_rng(0))

    def answers(self, rule: str = "") -> Times:
        times = Times()
        for turn in range(ASKED + 10):
            asked = {"person": f"person-{self.random.integers(PERSONS)}", "count": 10}
            if rule:
                asked["filter"] = rule
            with times.taken():
                answer = self.post(ASK, asked)
            if answer.status_code != 200 or len(answer.json()["items"]) != 10:
                raise RuntimeError(answer.content.decode()[:500])
            if turn < 10:
                times = Times()  # the first ones fill this process's memory
        return times

    def events(self) -> Times:
        times = Times()
        for turn in range(SENT):
            with times.taken():
                answer = self.post(EVENTS, self.event(turn))
            if answer.status_code != 202:
                raise RuntimeError(answer.content.decode()[:500])
        return times

    def batch(self) -> Times:
        times = Times()
        for start in (SENT, SENT + BATCH, SENT + 2 * BATCH):
            rows = [self.event(turn) for turn in range(start, start + BATCH)]
            with times.taken():
                answer = self.post(EVENTS, rows)
            if answer.status_code != 202:
                raise RuntimeError(answer.content.decode()[:500])
        return times

    def event(self, turn: int) -> dict[str, Any]:
        at = datetime.now(UTC) - timedelta(days=1) + timedelta(milliseconds=turn)
        return {
            "person": f"person-{self.random.integers(PERSONS)}",
            "item": f"item-{self.random.integers(1000)}",
            "type": "click",
            "timestamp": at.isoformat(),
        }


def filled(tenant: Tenant, size: int) -> None:
    from django.db import connection, transaction

    from recommendations.models import Catalogue, Person

    known = min(size, KNOWN)
    values = {"tenant": tenant.pk, "items": size, "known": known, "successors": SUCCESSORS}
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (ITEMS, COUNTS, TRANSITIONS):
            cursor.execute(statement, values)
        Catalogue.objects.create(next_number=size, version=1)
        random, now = np.random.default_rng(1), time.time()
        Person.objects.bulk_create(
            Person(
                key=f"person-{number}",
                recent_items=random.integers(0, known, HISTORY).tolist(),
                recent_times=(now - 86_400 * np.arange(HISTORY, 0, -1)).tolist(),
                recent_weights=[1.0] * HISTORY,
            )
            for number in range(PERSONS)
        )
    with connection.cursor() as cursor:
        cursor.execute(ANALYZE)


def fitted(tenant: Tenant, size: int) -> None:
    """A model's files: vectors in clusters, as texts and behaviour have them."""
    from recommendations.models import RankingModel
    from recommendations.serving.trained import folder_of
    from saas.ids import uuid7

    pk = uuid7()
    folder = folder_of(tenant.pk, pk)
    folder.mkdir(parents=True)
    random = np.random.default_rng(2)
    write_model(folder, size, random)
    RankingModel.objects.create(
        pk=pk, number=1, state="champion", sha256="0" * 64, items=size, events=size
    )


def write_model(folder: Path, size: int, random: np.random.Generator) -> None:
    from recommendations.fitting.data import Case
    from recommendations.fitting.searches import QUERIES, write_item_search, write_text_search
    from recommendations.ranking.sequence.config import ModelConfig
    from recommendations.ranking.sequence.forward import Encoder
    from recommendations.ranking.sequence.weights import save, shapes
    from recommendations.serving import trained

    def clustered(dim: int) -> Any:
        centres = random.standard_normal((CLUSTERS, dim), dtype=np.float32)
        found = centres[random.integers(0, CLUSTERS, size)]
        found += 0.5 * random.standard_normal((size, dim), dtype=np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    config = ModelConfig(dim=DIM, length=HISTORY)
    weights = {
        name: 0.1 * random.standard_normal(shape, dtype=np.float32)
        for name, shape in shapes(0, config).items()
        if name != "items"
    }
    save(folder / trained.SEQUENCE, weights, config)
    items, texts = clustered(DIM), clustered(TEXT_DIM).astype(np.float16)
    np.save(folder / trained.ITEMS, items)
    np.save(folder / trained.VECTORS, texts)
    write_text_search(folder, texts)
    encoder = Encoder.load(folder / trained.SEQUENCE, items)
    histories = random.integers(0, size, (QUERIES, HISTORY))
    write_item_search(folder, encoder, [Case(history, 0, 0.0) for history in histories])
    near = random.integers(0, size, (size, NEIGHBOURS), dtype=np.int32)
    np.save(folder / trained.NEIGHBOURS, near)
    np.save(folder / trained.SCORES, random.random((size, NEIGHBOURS), dtype=np.float32))


TENANTS, SMALL = 100, 1_000


def tenants() -> list[str]:
    """What a process keeps for a hundred workspaces, and whether they answer as one does."""
    from django.test import override_settings

    with TemporaryDirectory() as folder, override_settings(MEDIA_ROOT=folder):
        shops = [Shop.made(SMALL) for _ in range(TENANTS)]
        shops[0].answers()
        before, one = own_memory(), shops[0].answers()
        many = Times()
        for turn in range(4):
            for shop in shops:
                asked = {"person": f"person-{shop.random.integers(PERSONS)}", "count": 10}
                with many.taken():
                    shop.post(ASK, asked)
            if not turn:
                many = Times()
        grown = own_memory() - before
    ratio = np.median(many.cpu) / np.median(one.cpu)
    return [
        f"{TENANTS} workspaces of {SMALL:,} items in one process: {grown:.0f} MB more of its own"
        f" memory (at most 200); an answer takes {ratio:.2f} times one workspace's CPU ms."
    ]


def own_memory() -> float:
    """MB that are this process's alone; files that are mapped are shared."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
