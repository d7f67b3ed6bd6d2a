"""The ASGI entry point that uvicorn serves. It takes no request without isolation of tenants."""

import os
from importlib import import_module
from typing import TYPE_CHECKING

import django
from django.conf import settings

if TYPE_CHECKING:
    from saas.api.body import App

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")


def guarded() -> "App":
    django.setup(set_prefix=False)
    from saas.api.body import BodyLimit, large_bodies  # imports what the set-up makes
    from saas.gate import Gate
    from saas.handler import Handler
    from saas.health import ready_when
    from saas.request_end import RequestEnd
    from tenants.isolation_watch import IsolationWatch, end_process
    from tenants.upload_guard import UploadGuard

    watch = IsolationWatch(end_process)
    import_module(settings.ROOT_URLCONF)  # now, and not while the first caller waits
    watch.start()  # in a thread: in uvicorn's event loop Django refuses to touch the database
    ready_when("isolation", lambda: watch.isolated)
    usual = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    large = {pattern: usual + most for pattern, most in large_bodies().items()}
    inner = RequestEnd(UploadGuard(Handler(), large))
    return BodyLimit(Gate(inner, lambda: watch.isolated), usual, large)


application = guarded()
