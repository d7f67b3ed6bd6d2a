"""Kinds of job: what each is called, which queue it runs on and who does it.

The app that does the work declares its kinds in its AppConfig.ready; nothing else names them.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from tenants.billing.meters import register_work

# `generate` is for the batch worker; `train` and `score` are long work that can wait for writing.
QUEUES = ("default", "generate", "train", "score")

QueueWorker = Callable[[str, str], None]

# What people read about errors that any job may end with; stored as is, translated when shown.
MESSAGES = {
    "internal_error": gettext_noop("The work stopped unexpectedly. Start it again."),
    "worker_lost": gettext_noop("The program that did the work stopped. Start it again."),
    "unknown_kind": gettext_noop("This kind of work is not known here. Tell your operator."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """One kind of job.

    `handler` is a callable or the dotted path of one, which is imported by the first worker that
    needs it, never by the web. `page` is the URL name of the page that shows the result: it takes
    the workspace's slug and the id that the payload holds as `page_key`. `tags` are the keys of
    the payload that every event of the job's stream repeats. `messages` are words for people by
    the code of an error, untranslated. `meters` are what it may be charged by. `request_due`, or
    the function at that path, asks for such a job where one is due; the sweeper calls it once an
    hour for each workspace in which something was counted. `forgotten`: its jobs are deleted some
    time after their end, since nothing but the asker refers to them.
    """

    name: str
    label: str | Promise
    handler: str | Callable[..., Any]
    queue: str = "default"
    page: str = ""
    page_key: str = ""
    meters: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    messages: Mapping[str, str] = field(default_factory=dict)
    max_attempts: int = 3
    forgotten: bool = False
    request_due: str | Callable[[], object] = ""

    def load(self) -> Callable[..., Any]:
        """The function that does such jobs; raises ImportError where there is none."""
        if callable(self.handler):
            return self.handler
        found: Callable[..., Any] = import_string(self.handler)
        return found

    def ask_if_due(self) -> None:
        """Ask for such a job in the current workspace, if it is time for one."""
        if callable(self.request_due):
            self.request_due()
        elif self.request_due:
            import_string(self.request_due)()

    def page_id(self, payload: Mapping[str, Any]) -> str:
        """The id that the page of the job's result is called with; empty where it has none."""
        key = self.page_key or self.page.replace("-", "_")
        return str(payload.get(key) or "") if self.page else ""


_kinds: dict[str, JobKind] = {}
_workers: dict[str, str | QueueWorker] = dict.fromkeys(QUEUES, "tenants.jobs.worker.run")
# By queue: what its workers do once before they say that they are there.
_preparations: dict[str, str] = {}


def register(kind: JobKind) -> JobKind:
    """Add a kind of job; raises ImproperlyConfigured for a name or a queue that cannot be."""
    if kind.name in _kinds:
        raise ImproperlyConfigured(f"There are two kinds of job called {kind.name}.")
    if kind.queue not in QUEUES:
        raise ImproperlyConfigured(f"{kind.name}: no worker listens to the queue {kind.queue}.")
    _kinds[kind.name] = kind
    register_work(kind.name, kind.label)
    return kind


@contextmanager
def registered(*kinds: JobKind) -> Iterator[None]:
    """Add kinds for as long as the block lasts; for tests."""
    for kind in kinds:
        register(kind)
    try:
        yield
    finally:
        for kind in kinds:
            del _kinds[kind.name]


def kind_of(name: str) -> JobKind | None:
    """The kind of this name; None where this version of the program does not know it."""
    return _kinds.get(name)


def kinds() -> list[JobKind]:
    """All kinds, by name."""
    return [_kinds[name] for name in sorted(_kinds)]


def label_of(name: str) -> str:
    """A kind as people call it; an unknown one by its name."""
    kind = kind_of(name)
    return str(kind.label) if kind else name


def message_of(name: str, code: str, detail: str) -> str:
    """What people read about an error: the kind's own words, or those for all kinds."""
    kind = kind_of(name)
    own = kind.messages if kind else {}
    return own.get(code) or MESSAGES.get(code, detail)


def topic_of(job_id: UUID, payload: Mapping[str, Any]) -> str:
    """Where a job's events stream: a topic of its own, or the one that the payload shares."""
    return payload.get("topic") or f"job:{job_id}"


def event_tags(kind: str, job_id: UUID, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What every event of a job carries, so that readers can tell a topic's jobs apart."""
    known = kind_of(kind)
    tags = known.tags if known else ()
    return {"job": str(job_id), **{tag: payload[tag] for tag in tags if tag in payload}}


def register_worker(queue: str, worker: str | QueueWorker, *, prepare: str = "") -> None:
    """Have a queue served by this function of (queue, owner), or by the one at a dotted path.

    `prepare` is the path of what each of its workers does once, before it takes work.
    """
    if queue not in QUEUES:
        raise ImproperlyConfigured(f"There is no queue {queue}.")
    _workers[queue] = worker
    _preparations[queue] = prepare


def prepare_worker(queue: str) -> None:
    """Do what a worker of the queue does before it takes work."""
    if path := _preparations.get(queue, ""):
        import_string(path)()


def worker_of(queue: str) -> QueueWorker:
    """What works on a queue until nothing on it is due."""
    worker = _workers[queue]
    found: QueueWorker = worker if callable(worker) else import_string(worker)
    return found
