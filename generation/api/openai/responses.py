"""From a job to its answer: waits for its text and passes it on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Protocol

import redis
from asgiref.sync import sync_to_async
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from generation.api.openai.formatter import ResponseOptions
from generation.errors import GenerationCancelled, GenerationFailed
from generation.serving.adapters import FINAL
from saas.errors import AppError, Conflict, Invalid, Unavailable, openai_problem
from tenants.jobs.models import Job
from tenants.jobs.services import job_cancel
from tenants.jobs.streams import (
    PING,
    JobEventStream,
    StreamEvent,
    event_stream_response,
    release_connection,
)
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)

END = object()
# A stream's status is sent before its text: wait so long for an error that may still come.
PATIENCE_S = 1.0
REFUSALS = {
    "context_length_exceeded",
    "prompt_empty",
    "grammar_invalid",
    "validation_failed",
    "messages_refused",
}


class Formatter(Protocol):
    """How an answer is written down, whole and piece by piece."""

    job: Job

    def __init__(self, options: ResponseOptions, job: Job) -> None: ...

    def whole(self) -> dict[str, Any]: ...

    def opening(self, index: int) -> bytes: ...

    def text(self, index: int, text: str, kept: list[Any] | None = None) -> bytes: ...

    def closing(self) -> bytes: ...

    def error(self, problem: dict[str, Any]) -> bytes: ...


class JobWait:
    """One caller waiting for one job."""

    def __init__(self, request: HttpRequest, job: Job) -> None:
        self.request = request
        self.job = job
        self.stream = JobEventStream.of(job)

    async def finished(self) -> Job:
        """The job, once it is over."""
        try:
            async for _event in self.stream.events():
                pass  # the text is read as a whole from the job
        except redis.RedisError:
            await self._poll()
        return await self._refreshed()

    @sync_to_async
    def _refreshed(self) -> Job:
        """The job as it is now."""
        try:
            with tenant_scope(self.job.workspace_id):
                job: Job = Job.objects.get(pk=self.job.pk)
                return job
        finally:
            release_connection()

    async def _poll(self) -> None:
        """Without the stream the job itself is asked now and then."""
        while (await self._refreshed()).active:
            await asyncio.sleep(1)


class JobResponse(JobWait):
    """A text passed on to the caller who waits for it."""

    def __init__(
        self, request: HttpRequest, options: ResponseOptions, job: Job, formatter: Formatter
    ) -> None:
        super().__init__(request, job)
        self.options = options
        self.formatter = formatter
        self.sent: dict[int, str] = {}

    async def answer(self) -> HttpResponseBase:
        """The response: a stream, or the whole text once it is there."""
        if self.options.stream:
            return await self._streamed()
        self.formatter.job = succeeded(await self.finished())
        return JsonResponse(self.formatter.whole())

    async def _streamed(self) -> HttpResponseBase:
        events = self.stream.events()
        first = asyncio.ensure_future(anext(events, END))
        await asyncio.wait([first], timeout=PATIENCE_S)
        if first.done() and over(first.result()):
            succeeded(await self._refreshed())
        return event_stream_response(self._frames(first, events))

    async def _frames(
        self, first: "asyncio.Future[Any]", events: AsyncIterator[StreamEvent | None]
    ) -> AsyncIterator[bytes]:
        try:
            async for event in resumed(first, events):
                if frame := self._frame(event):
                    yield frame
            yield await self._ending()
        except AppError as error:
            yield self._error_frame(error)
        except redis.RedisError as error:
            log.warning("stream_away job=%s error=%s", self.job.pk, type(error).__name__)
            yield self._error_frame(Unavailable())
        finally:
            first.cancel()

    def _frame(self, event: StreamEvent | None) -> bytes:
        if event is None:
            return PING
        if event.name == "reset" and self.sent:
            raise GenerationFailed(_("The text broke off and could not be taken up again."))
        if event.name != "token":
            return b""
        index, text = event.data["index"], event.data["text"]
        opening = b"" if index in self.sent else self.formatter.opening(index)
        self.sent[index] = self.sent.get(index, "") + text
        return opening + self.formatter.text(index, text, event.data.get("logprobs"))

    async def _ending(self) -> bytes:
        """What the stream did not bring, from the job itself; then the end."""
        self.formatter.job = succeeded(await self._refreshed())
        frames = []
        for choice in self.formatter.job.result["choices"]:
            index, text, sent = choice["index"], choice["text"], self.sent.get(choice["index"])
            if sent is None:
                frames.append(self.formatter.opening(index))
            if text.startswith(sent or "") and text != sent:
                frames.append(self.formatter.text(index, text.removeprefix(sent or "")))
        return b"".join([*frames, self.formatter.closing()])

    def _error_frame(self, error: AppError) -> bytes:
        """An error after the status was sent, as OpenAI's clients look for it."""
        return self.formatter.error(openai_problem(error, self.request))


def stop_unread(job: Job) -> None:
    """Stop a job that nobody reads any more; one that is over stays as it is."""
    try:
        with tenant_scope(job.workspace_id):
            if Job.objects.active().filter(pk=job.pk).exists():
                job_cancel(job=job)
    finally:
        release_connection()


def over(event: Any) -> bool:
    """Whether nothing more comes after this."""
    return event is END or (event is not None and event.name in {"error", "done"})


async def resumed(
    first: "asyncio.Future[Any]", events: AsyncIterator[StreamEvent | None]
) -> AsyncIterator[StreamEvent | None]:
    """The events, the first of which somebody already waits for."""
    event = await first
    if event is END:
        return
    yield event
    async for event in events:
        yield event


def succeeded(job: Job) -> Job:
    """The job where it went well; raises what its caller should be told otherwise."""
    if job.state == Job.State.SUCCEEDED:
        return job
    if job.state == Job.State.CANCELLED:
        raise GenerationCancelled(_("The generation was cancelled."))
    if job.error_code in REFUSALS:
        raise Invalid(job.error_detail, code=job.error_code)
    if job.error_code in FINAL:
        raise Conflict(job.error_detail, code=job.error_code)
    raise GenerationFailed(job.error_detail)
