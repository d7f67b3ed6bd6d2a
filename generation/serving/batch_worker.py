"""The generate worker: keeps leasing jobs into the engine's free rows until none is left.

One thread, one engine, many jobs. A crash loses nothing: leases run out and are taken again.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

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
from generation.serving.commits import InlineExecutor, ThreadExecutor, ended
from generation.serving.handlers import (
    EngineCall,
    Handling,
    Outcome,
    Stopped,
    logprobs_to_json,
)
from generation.serving.metrics import meter
from tenants.billing.meters import Usage
from tenants.jobs import services as jobs
from tenants.jobs.leases import Beat, heartbeats, take
from tenants.jobs.models import Lease
from tenants.jobs.registry import JobKind, kind_of
from tenants.jobs.shutdown import shutting_down
from tenants.jobs.streams import StreamPiece, piece, publish
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
# Readers see text so often; what is written in between comes to them as one piece.
SHOW_EVERY_S = 0.1
# All jobs give their sign of life at once, and hear whether somebody wants them stopped.
BEAT_EVERY_S = 1.0
# A worker that is told to stop is given ten seconds.
DRAIN_TIMEOUT_S = 6.0


@cache
def engine() -> Engine:
    """The process's one engine, loaded on first use: after the fork, never before it."""
    return engines.load(settings.ENGINE, **engine_options())


@dataclass(slots=True)
class Running:
    """One leased job on its way through the engine."""

    lease: Lease
    handling: Handling
    call: EngineCall | None = None
    text: str = ""
    shown: str = ""
    kept: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    started: float = field(default_factory=time.monotonic)
    cancelled: bool = False
    pieces: int = 0
    unsent: dict[str, Any] | None = None

    @property
    def progress(self) -> int:
        """Percent of the most tokens that the work may take; the end itself is not ours to say."""
        expected = self.lease.payload.get("expected_tokens") or 1
        return min(95, 100 * (self.completion_tokens + self.pieces) // expected)

    @property
    def endpoint(self) -> str | None:
        """The workspace's own model server that the job was ordered for."""
        return self.lease.payload.get("endpoint")

    @property
    def streams_to_client(self) -> bool:
        """Whether a caller of the API may have some of the answer, and no way to take it back."""
        return self.call is not None and self.call.irrevocable and bool(self.kept)

    @property
    def usage(self) -> Usage:
        return Usage(
            {
                "prompt_tokens": self.prompt_tokens,
                "completion_tokens": self.completion_tokens,
            },
            seconds=time.monotonic() - self.started,
            customer_endpoint=self.endpoint is not None,
        )

    def begin(self, call: EngineCall) -> None:
        self.call, self.text, self.shown, self.pieces = call, "", "", 0

    def more(self, text: str) -> str:
        """What a reader sees more of, now that this text has come."""
        assert self.call is not None
        self.text += text
        self.pieces += 1
        before, self.shown = self.shown, self.call.shown(self.text)
        self.kept += self.shown[len(before) :]
        return self.shown[len(before) :]


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
        self.meter = meter()

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
            if not self.running and not admitted:
                break
            began = time.monotonic()
            events = self.engine.step()
            self.meter.stepped(self.engine, time.monotonic() - began)
            for event in events:
                self.meter.saw(event)
                self._handle(event)
            self._beat()
            if time.monotonic() - self.shown >= SHOW_EVERY_S:
                self._flush()
        self._flush()
        return taken

    # Taking jobs in

    def _admit(self) -> int:
        now = time.monotonic()
        if self.running and now - self.looked < LOOK_EVERY_S:
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
        except DatabaseError:  # what runs goes on for as long as its leases hold
            log.warning("take_failed queue=%s", self.queue, exc_info=True)
            connection.close()
            self.looked = now
            return 0
        # As many as were asked for: look again at once, they may not have filled our own rows.
        self.looked = now if len(leases) < free else 0.0
        for lease in leases:
            self._take(lease)
        return len(leases)

    def _take(self, lease: Lease) -> None:
        self.meter.leased(lease.waited_s)
        kind = kind_of(lease.kind)
        if kind is None:
            self.executor.submit(partial(ended, jobs.postpone_unknown, lease, {}))
            return
        with tenant_scope(lease.tenant_id):
            running = Running(lease, handling(kind, lease))
            if lease.token > 1:
                self._publish(running, "reset")
            self._advance(running, lambda: next(running.handling))

    # One job's way

    def _advance(self, running: Running, step: Callable[[], EngineCall]) -> None:
        """Run the handler by one step: up to its next engine call, or to its end."""
        try:
            call = step()
            running.begin(call)
            self.engine.submit(call.request, running.endpoint)
            self.meter.asked(call.request.id, customer_endpoint=running.endpoint is not None)
        except StopIteration as end:
            self._finish(running, end.value)
        except (EngineError, LimitError) as error:
            self._fail(running, error.code, error.message, retry=isinstance(error, EngineBusy))
        except Exception:  # a bug in one handler must not stop the others; it is logged and counted
            log.exception("handler_crashed job=%s", running.lease.job_id)
            self._fail(running, "internal_error", "", retry=True)
        else:
            self.running[call.request.id] = running
            if not call.appends:
                self._publish(running, "section", section=call.section, index=call.index)

    def _handle(self, event: Event) -> None:
        running = self.running.get(event.request_id)
        if running is None:
            return
        if isinstance(event, Token):
            logprobs = [logprobs_to_json(each) for each in event.logprobs]
            self._stream(running, running.more(storable(event.text)), logprobs)
            return
        del self.running[event.request_id]
        with tenant_scope(running.lease.tenant_id):
            if isinstance(event, Failed):
                retry = event.retry and event.code not in FINAL
                self._fail(running, event.code, event.message, retry=retry)
            else:
                self._finished(running, replace(event, text=storable(event.text)))

    def _stream(self, running: Running, text: str, logprobs: list[Any]) -> None:
        if running.unsent is not None:
            running.unsent["text"] += text
        elif (text or logprobs) and running.call is not None:
            call = running.call
            self._publish(running, "token", section=call.section, index=call.index, text=text)
            running.unsent = self.events[-1][2]
        if logprobs and running.unsent is not None:
            running.unsent.setdefault("logprobs", []).extend(logprobs)

    def _finished(self, running: Running, event: Finished) -> None:
        running.prompt_tokens += event.prompt_tokens
        running.completion_tokens += event.completion_tokens
        if event.reason == "cancelled" or running.cancelled:
            self._cancelled(running, event)
        else:
            self._advance(running, lambda: running.handling.send(event))

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
        self._end(jobs.fail, running, code=code, detail=detail, retry=retry)

    def _end(self, commit: Callable[..., object], running: Running, **values: Any) -> None:
        """Commit the job's end once all of its text stands in the stream."""
        self._flush()
        self.executor.submit(partial(ended, commit, running.lease, values))

    def _hand_back(self) -> None:
        """The worker is told to stop: leave its jobs to the next one.

        An answer that somebody already reads could not be taken up again: it has a while to end.
        """
        self.stopped = self.stopped or time.monotonic()
        patient = time.monotonic() - self.stopped < DRAIN_TIMEOUT_S
        for request_id, running in list(self.running.items()):
            if not (patient and running.streams_to_client):
                self.engine.cancel(request_id)
                del self.running[request_id]
                self._end(jobs.hand_back, running)

    # Signs of life, and tokens

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self.beaten < BEAT_EVERY_S or not self.running:
            return
        self.beaten = now
        try:
            heard = heartbeats((run.lease, run.progress) for run in self.running.values())
        except DatabaseError:  # a lease outlives many of them
            log.warning("heartbeats_failed jobs=%s", len(self.running), exc_info=True)
            connection.close()
            return
        for request_id, running in list(self.running.items()):
            self._apply_heartbeat(request_id, running, heard.get(running.lease.job_id))

    def _apply_heartbeat(self, request_id: str, running: Running, beat: Beat | None) -> None:
        """Stop what somebody wants stopped, and drop what went to another worker."""
        if beat is None:
            log.warning("stale_lease job=%s", running.lease.job_id)
            self.engine.cancel(request_id)
            del self.running[request_id]
        elif beat.cancelled and not running.cancelled:
            running.cancelled = True
            self.engine.cancel(request_id)

    def _publish(self, running: Running, name: str, **data: Any) -> None:
        running.unsent = None  # what comes after this event is a piece of its own
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
        for running in self.running.values():
            running.unsent = None
        events, self.events = self.events, []
        self.executor.submit(partial(publish, events))


def handling(kind: JobKind, lease: Lease) -> Handling:
    """The work of a job of this kind; whatever goes wrong comes with its first step."""
    outcome: Outcome = yield from kind.load()(lease)
    return outcome


def run(queue: str, owner: str) -> None:
    """The worker of the generate queue: write all that is due there."""
    close_old_connections()
    try:
        BatchWorker(engine(), queue, owner, ThreadExecutor()).run()
    except Exception:
        engine.cache_clear()  # its state is unknown now: the next notice loads it anew
        raise
