"""The ASGI entry point that uvicorn serves. It refuses to start without isolation of tenants."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.asgi import get_asgi_application

if TYPE_CHECKING:
    from saas.api.body import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")


def guarded() -> "BodyLimit":
    app = get_asgi_application()
    from saas.api.body import BodyLimit, large_bodies  # imports what the set-up makes

    usual = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    large = {pattern: usual + most for pattern, most in large_bodies().items()}
    return BodyLimit(app, usual, large)


application = guarded()


def check_isolation() -> None:
    from django.db import connection

    from tenants.isolation_checks import assert_isolation

    try:
        assert_isolation()
    finally:
        connection.close()


# uvicorn imports this inside its event loop, where Django refuses to touch the database.
with ThreadPoolExecutor(max_workers=1) as pool:
    pool.submit(check_isolation).result()
