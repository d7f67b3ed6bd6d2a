"""How Postgres answers what pages ask most, in a database of many workspaces and a million texts.

`python -m bench.plans` fills a scratch database and prints each question's plan and time, asked as
the app's own role under row security. One workspace has a tenth of everything.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from bench.database import scratch_database

CONTENTS, TENANTS = 1_000_000, 1_000
# By the type of a column: what stands in those that a question does not read.
DEFAULTS = {
    "uuid": "uuidv7()",
    "jsonb": "'{}'",
    "ARRAY": "'{}'",
    "boolean": "false",
    "timestamp with time zone": "now()",
}
NUMBERS = {"integer", "smallint", "bigint"}
# The first workspace has every tenth row, the others share what is left.
OF_TENANT = "JOIN workspace w ON w.n = CASE WHEN i % 10 = 0 THEN 1 ELSE 1 + i % {tenants} END"
GRANT = "to_char(now() AT TIME ZONE 'UTC', '\"grant:\"YYYY-MM')"
AGO = "now() - i * interval '1 minute'"
WORDS = "format('Anvils that land softly %s, for smiths of town %s', i, i % 5000)"


@dataclass(frozen=True, slots=True)
class Filling:
    """Rows of a table: how many, and the columns that are not the same in all of them."""

    table: str
    rows: int
    columns: dict[str, str]


def fillings(contents: int) -> list[Filling]:
    over = {"state": "'succeeded'", "max_attempts": "3", "kind": "'generate.variant'"}
    active = over | {"state": "'queued'", "queue": "'generate'", "due_at": "now()"}
    brief = {"kind": "'search_ad'", "title": "'Anvils'", "brand_id": "w.id", "id": "w.id"}
    return [
        Filling("generation_brand", 0, {"id": "w.id", "name": "'Acme'"}),
        Filling("generation_brief", 0, brief),
        Filling(
            "generation_content",
            contents,
            {
                "kind": "'search_ad'",
                "language": "'en'",
                "title": "format('Anvils %s', i)",
                "text": WORDS,
                "status": "(ARRAY['draft', 'in_review', 'approved', 'published'])[1 + i / 7 % 4]",
                "labels": "CASE WHEN i % 70 = 0 THEN ARRAY['spring'] ELSE '{}' END",
                "created_at": AGO,
                "updated_at": AGO,
            },
        ),
        Filling(
            "jobs_job",
            contents,
            over | {"created_at": AGO, "finished_at": AGO, "enqueued_at": AGO},
        ),
        Filling("jobs_job", 2_000, active),
        Filling(
            "generation_variant",
            contents,
            {"brief_id": "uuidv7()", "number": "1", "state": "'ready'", "created_at": AGO},
        ),
        Filling("generation_variant", 0, {"brief_id": "w.id", "state": "'queued'"}),
        Filling("billing_ledgeraccount", 0, {"id": "w.id", "kind": "'wallet'"}),
        Filling(
            "billing_ledgertransfer",
            contents,
            {
                "sequence": "i",
                "amount": "10",
                "state": "'posted'",
                "key": f"CASE WHEN i = 10 THEN {GRANT} ELSE i::text END",
                "booked_at": AGO,
                "debit_account_id": "w.id",
            },
        ),
    ]


def fill(database: str, contents: int = CONTENTS, tenants: int = TENANTS) -> UUID:
    """Fill all tables past row security; the id of the largest workspace."""
    with psycopg.connect(as_superuser(database)) as connection, connection.cursor() as cursor:
        # The rows are made to fit: neither foreign keys nor triggers look at each.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '256MB'")
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'content_words'")
        ((words_index,),) = cursor.fetchall()
        cursor.execute("DROP INDEX content_words")
        cursor.execute(
            "CREATE TEMPORARY TABLE workspace AS "
            f"SELECT i AS n, uuidv7() AS id FROM generate_series(1, {tenants}) i"
        )
        named = {"id": "w.id", "name": "'W'", "slug": "'w' || w.n", "status": "'active'"}
        insert(cursor, "tenants_tenant", named, "workspace w, LATERAL (SELECT w.n AS i) x")
        for each in fillings(contents):
            some = f"generate_series(1, {each.rows}) i {OF_TENANT.format(tenants=tenants)}"
            every = "workspace w, LATERAL (SELECT w.n AS i) x"
            columns = {"tenant_id": "w.id", **each.columns}
            insert(cursor, each.table, columns, some if each.rows else every)
        cursor.execute(words_index)
        cursor.execute("SELECT id FROM workspace WHERE n = 1")
        ((largest,),) = cursor.fetchall()
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")
    return UUID(str(largest))


def as_superuser(database: str) -> str:
    """The scratch database's URL for the role that row security does not hold."""
    from urllib.parse import urlsplit, urlunsplit

    name = urlsplit(database).path
    return urlunsplit(urlsplit(os.environ["DATABASE_ADMIN_URL"])._replace(path=name))


def insert(cursor: psycopg.Cursor[Any], table: str, columns: dict[str, str], rows: str) -> None:
    """Rows with these columns, and with something in all others that must not be empty."""
    cursor.execute(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_name = %s AND is_nullable = 'NO' AND column_default IS NULL",
        [table],
    )
    needed = {name: default(kind) for name, kind in cursor.fetchall()}
    values = needed | columns
    names = ", ".join(f'"{name}"' for name in values)
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())} FROM {rows}")


def default(kind: str) -> str:
    return "0" if kind in NUMBERS else DEFAULTS.get(kind, "''")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of one workspace or by a worker of all; the index that must answer it."""

    name: str
    ask: Callable[[], Any]
    index: str = ""


def questions() -> list[Question]:
    from generation.models import Content
    from generation.views.home import written_now
    from tenants.billing.services import balance
    from tenants.jobs.leases import due
    from tenants.jobs.models import Job
    from tenants.jobs.services import jobs_running

    live = Content.objects.live()
    newest = live.order_by("-updated_at", "-pk")
    return [
        Question("library, first page", lambda: list(newest[:20]), "content_live"),
        Question("library, how many", live.count, "content_live"),
        Question(
            "library, drafts",
            lambda: list(newest.filter(status="draft")[:20]),
            "content_live|content_by_status",
        ),
        Question(
            "home, how many drafts",
            live.filter(status="draft").count,
            "content_by_status|content_live",
        ),
        Question("library, by title", lambda: list(live.order_by("title", "-pk")[:20])),
        Question("library, two words", lambda: list(newest.search("softly 42")[:20])),
        Question("library, a rare word", lambda: list(newest.search("Anvils 70010")[:20])),
        Question("library, a label", lambda: list(newest.labelled("spring")[:20])),
        Question("API, contents", lambda: list(Content.objects.newest()[:20]), "content_newest"),
        Question("shell, running jobs", jobs_running, "job_active"),
        Question("drawer, ended jobs", lambda: list(ended(Job)[:10]), "job_finished"),
        Question("jobs, newest", lambda: list(Job.objects.newest()[:20]), "job_newest"),
        Question("home, written now", lambda: list(written_now()[:5]), "variant_unfinished"),
        Question("home, this month's credits", balance, "transfer_by_time"),
        Question("worker, what is due", lambda: due("generate", 8)),
    ]


def ended(job: Any) -> Any:
    return job.objects.finished().order_by("-finished_at")


Execute = Callable[[str, Any, bool, Any], Any]
# The tables that grow with what workspaces do; the others are read whole where they are small.
LARGE = "generation_content|generation_variant|jobs_job|billing_ledgertransfer"


@dataclass(frozen=True, slots=True)
class Answer:
    """A question's statements and plans, and its milliseconds, the second time it was asked."""

    question: Question
    plans: list[str]
    milliseconds: float

    @property
    def fits(self) -> bool:
        """Whether the index answered, and nothing read a whole large table."""
        whole = any(re.search(rf"Seq Scan on ({LARGE})", plan) for plan in self.plans)
        wanted = re.compile(self.question.index)
        return not whole and any(wanted.search(plan) for plan in self.plans)


def answers(largest: UUID) -> Iterator[Answer]:
    """Each question, asked in the largest workspace as the app's role."""
    from tenants.scope import tenant_scope

    with tenant_scope(largest):
        for question in questions():
            question.ask()
            began = time.perf_counter()
            question.ask()
            took = 1000 * (time.perf_counter() - began)
            yield Answer(question, plans(question.ask), took)


def plans(ask: Callable[[], Any]) -> list[str]:
    """The plans of all SELECTs that answer a question."""
    from django.db import connection, transaction

    found: list[str] = []

    def explain(execute: Execute, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith("SELECT"):
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS OFF) {sql}", params)
                found.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(explain):
        ask()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contents", type=int, default=CONTENTS)
    parser.add_argument("--tenants", type=int, default=TENANTS)
    options = parser.parse_args()
    database = scratch_database()
    began = time.perf_counter()
    largest = fill(database, options.contents, options.tenants)
    print(f"filled in {time.perf_counter() - began:.0f} s")
    for answer in answers(largest):
        print(f"\n## {answer.question.name}: {answer.milliseconds:.1f} ms")
        print("\n".join(answer.plans))


if __name__ == "__main__":
    main()
