"""What can keep a job from being queued, or its events from being read."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from saas.errors import Gone, TooManyRequests


class QueueFull(TooManyRequests):
    code = "queue_full"
    advice = _("Wait until some of the waiting work is done, then try again.")

    def __init__(self, detail: Any = "", *, retry_after: int = 10, **extra: Any) -> None:
        super().__init__(detail, retry_after=retry_after, **extra)


class StreamExpired(Gone):
    code = "stream_expired"
    advice = _("What the work led to can be read from its own address.")
