"""The generate worker: keeps leasing jobs into the engine's free rows until none is left.

One thread, one engine, many jobs. A crash loses nothing: leases run out and are taken again.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from django.conf import settings
from django.db import Error, close_old_connections, connection
from structlog.contextvars import bound_contextvars

from generation import engine as engines
from generation.engine.text import storable
from generation.engine.types import (
    Engine,
    EngineBusy,
    EngineError,
    Event,
    Failed,
    Finished,
    LimitError,
    Token,
)
from generation.serving.adapters import FINAL, engine_options
from generation.serving.backends import Backends
from generation.serving.commits import InlineExecutor, ThreadExecutor
from generation.serving.handlers import EngineCall, Handling, Outcome, Stopped, logprobs_to_json
from generation.serving.metrics import meter
from generation.serving.running import ENDED_PERCENT, Running
from saas.outages import AWAY, Backoff, cause
from tenants.jobs import services as jobs
from tenants.jobs import vitals
from tenants.jobs.leases import Beat, heartbeats, take
from tenants.jobs.models import Lease
from tenants.jobs.readers import ReaderWatch
from tenants.jobs.registry import JobKind, kind_of
from tenants.jobs.shutdown import shutting_down
from tenants.jobs.streams import StreamPiece, piece
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
# Readers see text so often; what is written in between comes to them as one piece.
SHOW_EVERY_S = 0.1
# All jobs give their sign of life at once, and hear whether somebody wants them stopped.
BEAT_EVERY_S = 1.0
# A worker that is told to stop is given ten seconds.
DRAIN_TIMEOUT_S = 6.0
# Between two looks while ends wait to be stored and nothing is written.
PAUSE_S = 0.02


@cache
def engine() -> Engine:
    """The process's one engine, loaded on first use: after the fork, never before it."""
    return engines.load(settings.ENGINE, **engine_options())


class BatchWorker:
    """Drives the jobs of many tenants over one engine, and over those of their own."""

    def __init__(
        self,
        engine: Engine,
        queue: str,
        owner: str = "batch-worker",
        executor: InlineExecutor | None = None,
    ) -> None:
        self.engine = Backends(engine)
        self.queue = queue
        self.owner = owner
        self.executor = executor or InlineExecutor()
        self.running: dict[str, Running] = {}
        self.events: list[StreamPiece] = []
        self.looked = 0.0
        self.beaten = time.monotonic()
        self.shown = 0.0
        self.stopped = 0.0
        self.database = Backoff()
        self.meter = meter()
        self.readers = ReaderWatch()

    def run(self) -> int:
        """Handling until no job is due; the number of jobs taken."""
        try:
            return self._run()
        finally:
            self.executor.shutdown()
            self.engine.close()

    def _run(self) -> int:
        taken = 0
        while True:
            admitted = 0
            if shutting_down():
                self._hand_back()
            else:
                admitted = self._admit()
            taken += admitted
            if not (self.running or admitted or self.executor.held()):
                break
            if self.running:
                self._step()
            else:
                time.sleep(PAUSE_S)
            self._beat()
            self._heed_readers()
            if time.monotonic() - self.shown >= SHOW_EVERY_S:
                self._flush()
        self._flush()
        return taken

    def _step(self) -> None:
        vitals.touch("step")
        began = time.monotonic()
        events = self.engine.step()
        self.meter.stepped(self.engine, time.monotonic() - began)
        for event in events:
            self.meter.saw(event)
            self._handle(event)

    # Taking jobs in

    def _admit(self) -> int:
        vitals.touch("look")
        now = time.monotonic()
        busy = self.running or self.database.failing
        if self.database.waiting or (busy and now - self.looked < LOOK_EVERY_S):
            return 0
        free, full = self.engine.free_rows, self.engine.saturated_tenants()
        if free <= 0:
            # One more may come from a workspace of which nothing runs: others give way to it.
            free = min(1, self.engine.stats().room_for_others)
            full |= {running.lease.tenant_id for running in self.running.values()}
        if free <= 0:
            return 0
        try:
            leases = take(self.queue, limit=free, owner=self.owner, full=full)
        except Error as error:  # what runs goes on for as long as its leases hold
            self._away(error)
            return 0
        self._back()
        # As many as were asked for: look again at once, they may not have filled our own rows.
        self.looked = now if len(leases) < free else 0.0
        for lease in leases:
            self._take(lease)
        return len(leases)

    def _take(self, lease: Lease) -> None:
        self.meter.leased(lease.waited_s)
        kind = kind_of(lease.kind)
        if kind is None:
            self.executor.end(jobs.postpone_unknown, lease, {})
            return
        with tenant_scope(lease.tenant_id), bound_contextvars(**lease.log_ids):
            running = Running(lease, handling(kind, lease))
            if lease.token > 1:
                self._publish(running, "reset")
            self._advance(running, lambda: next(running.handling))

    # One job's way

    def _advance(self, running: Running, step: Callable[[], tuple[EngineCall, ...]]) -> None:
        """Run the handler by one step: up to its next engine calls, or to its end."""
        try:
            running.begin(step())
            for call in running.calls.values():
                self._submit(running, call.call)
        except StopIteration as end:
            self._finish(running, end.value)
        except (EngineError, LimitError) as error:
            self._fail(running, error.code, error.message, retry=isinstance(error, EngineBusy))
        except AWAY as error:  # the platform's fault, and none of the job's attempts
            self._away(error)
            self._drop(running)
            self._end(jobs.hand_back, running)
        except Exception:  # a bug in one handler must not stop the others; it is logged and counted
            log.exception("handler_crashed job=%s", running.lease.job_id)
            self._fail(running, "internal_error", "", retry=True)

    def _submit(self, running: Running, call: EngineCall) -> None:
        self.engine.submit(call.request, running.endpoint)
        self.running[call.request.id] = running
        self.meter.asked(call.request.id, customer_endpoint=running.endpoint is not None)
        if not call.appends:
            self._publish(running, "section", section=call.section, index=call.index)

    def _handle(self, event: Event) -> None:
        running = self.running.get(event.request_id)
        if running is None:
            return
        if isinstance(event, Token):
            logprobs = [logprobs_to_json(each) for each in event.logprobs]
            self._stream(running, event.request_id, storable(event.text), logprobs)
            return
        del self.running[event.request_id]
        with tenant_scope(running.lease.tenant_id), bound_contextvars(**running.lease.log_ids):
            if isinstance(event, Failed):
                retry = event.retry and event.code not in FINAL
                self._fail(running, event.code, event.message, retry=retry)
            else:
                self._finished(running, replace(event, text=storable(event.text)))

    def _stream(self, running: Running, request_id: str, text: str, logprobs: list[Any]) -> None:
        part, fresh = running.calls[request_id], running.more(request_id, text)
        if part.unsent is not None:
            part.unsent["text"] += fresh
        elif fresh or logprobs:
            call = part.call
            self._publish(running, "token", section=call.section, index=call.index, text=fresh)
            part.unsent = self.events[-1][2]
        if logprobs and part.unsent is not None:
            part.unsent.setdefault("logprobs", []).extend(logprobs)

    def _finished(self, running: Running, event: Finished) -> None:
        """One of the job's calls is over; with the last of them the job goes on, or ends."""
        running.finished(event)
        if running.open:
            return
        if running.cancelled or any(each.reason == "cancelled" for each in running.results):
            self._cancelled(running, event)
        else:
            self._advance(running, lambda: running.handling.send(running.results))

    # Ends

    def _finish(self, running: Running, outcome: Outcome) -> None:
        usage = running.usage
        result = {**outcome.result, **usage.units}
        self._publish_usage(running)
        self._end(jobs.finish, running, result=result, usage=usage, apply=outcome.apply)

    def _cancelled(self, running: Running, event: Finished) -> None:
        """Let the handler say what is to be kept of the text so far."""
        outcome = Outcome({})
        try:
            running.handling.throw(Stopped(running.kept.strip(), event))
        except StopIteration as end:
            outcome = end.value
        except Stopped:
            pass  # a handler that keeps nothing
        except Exception:  # as in _advance; the job ends as it was asked to
            log.exception("handler_crashed job=%s", running.lease.job_id)
        self._publish_usage(running)
        self._end(jobs.cancelled, running, usage=running.usage, apply=outcome.apply)

    def _fail(self, running: Running, code: str, detail: str, *, retry: bool) -> None:
        log.warning("not_written job=%s code=%s detail=%s", running.lease.job_id, code, detail)
        self._drop(running)
        self._end(jobs.fail, running, code=code, detail=detail, retry=retry)

    def _drop(self, running: Running) -> None:
        """End what the engine still does for the job, and hear no more of it."""
        for request_id in running.open:
            if self.running.pop(request_id, None):
                self.engine.cancel(request_id)

    def _end(self, commit: Callable[..., object], running: Running, **values: Any) -> None:
        """Commit the job's end once all of its text stands in the stream."""
        self._flush()
        self.executor.end(commit, running.lease, values)

    def _hand_back(self) -> None:
        """The worker is told to stop: leave its jobs to the next one.

        An answer that somebody already reads could not be taken up again: it has a while to end.
        """
        self.stopped = self.stopped or time.monotonic()
        patient = time.monotonic() - self.stopped < DRAIN_TIMEOUT_S
        for running in self._jobs():
            if not (patient and running.streams_to_client):
                self._drop(running)
                self._end(jobs.hand_back, running)

    def _jobs(self) -> list[Running]:
        """The jobs under way, each once however many calls it has."""
        return list(dict.fromkeys(self.running.values()))

    # Outages of the database

    def _away(self, error: Error) -> None:
        if not self.database.failing:
            log.warning("database_away jobs=%s error=%s", len(self.running), cause(error))
        connection.close()
        self.database.failed()

    def _back(self) -> None:
        if away_s := self.database.succeeded():
            log.info("database_back jobs=%s seconds=%.1f", len(self.running), away_s)

    # Signs of life, and tokens

    def _beat(self) -> None:
        """Keep the leases of what runs, and of what has ended until that is stored."""
        now = time.monotonic()
        if self.database.waiting or now - self.beaten < BEAT_EVERY_S:
            return
        kept = [(run.lease, run.progress) for run in self._jobs()]
        kept += [(lease, ENDED_PERCENT) for lease in self.executor.held()]
        if not kept:
            return
        try:
            heard = heartbeats(kept)
        except Error as error:  # a lease outlives many of them
            self._away(error)
            return
        self.beaten = now
        self._back()
        for running in self._jobs():
            self._apply_heartbeat(running, heard.get(running.lease.job_id))

    def _apply_heartbeat(self, running: Running, beat: Beat | None) -> None:
        """Stop what somebody wants stopped, and drop what went to another worker."""
        if beat is None:
            log.warning("stale_lease job=%s", running.lease.job_id)
            self._drop(running)
        elif beat.cancelled:
            self._stop(running)

    def _heed_readers(self) -> None:
        """Stop answers whose only reader was a web process that is gone."""
        gone = self.readers.gone(run.reader for run in self._jobs() if run.reader)
        for running in self._jobs() if gone else ():
            if running.reader in gone:
                log.info("reader_gone job=%s", running.lease.job_id)
                self._stop(running)

    def _stop(self, running: Running) -> None:
        if not running.cancelled:
            running.cancelled = True
            for request_id in running.open:
                self.engine.cancel(request_id)

    def _publish(self, running: Running, name: str, **data: Any) -> None:
        if name != "token":
            running.forget_unsent()
        self.events.append(piece(running.lease, name, data))

    def _publish_usage(self, running: Running) -> None:
        self._publish(
            running,
            "usage",
            prompt_tokens=running.prompt_tokens,
            completion_tokens=running.completion_tokens,
        )

    def _flush(self) -> None:
        self.shown = time.monotonic()
        if not self.events:
            return
        for running in self._jobs():
            running.forget_unsent()
        events, self.events = self.events, []
        self.executor.publish(events)


def handling(kind: JobKind, lease: Lease) -> Handling:
    """The work of a job of this kind; whatever goes wrong comes with its first step."""
    outcome: Outcome = yield from kind.load()(lease)
    return outcome


def prepare() -> None:
    """Load the engine before the worker says that it is there: nobody's first text waits for it."""
    engine()


def run(queue: str, owner: str) -> None:
    """The worker of the generate queue: write all that is due there."""
    close_old_connections()
    loaded = engine()
    try:
        BatchWorker(loaded, queue, owner, ThreadExecutor()).run()
    except Exception:
        engine.cache_clear()  # its state is unknown now: the next notice loads it anew
        _close(loaded)
        raise


def _close(broken: Engine) -> None:
    """Let its calls and its memory go, as far as it still can."""
    try:
        broken.close()
    except Exception:  # what broke it is raised by the caller, and says more
        log.warning("engine_not_closed", exc_info=True)
