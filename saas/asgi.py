"""The ASGI entry point that uvicorn serves. It refuses to start without the tenants' walls."""

import os
from concurrent.futures import ThreadPoolExecutor

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

application = get_asgi_application()


def check_walls() -> None:
    from django.db import connection

    from tenants.walls import assert_standing

    try:
        assert_standing()
    finally:
        connection.close()


# uvicorn imports this inside its event loop, where Django refuses to touch the database.
with ThreadPoolExecutor(max_workers=1) as pool:
    pool.submit(check_walls).result()
