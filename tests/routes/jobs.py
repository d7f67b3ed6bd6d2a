"""Routes of running work and of what it consumed."""

from tests.routes.api import job
from tests.routes.table import Route, get, post

ROUTES = {
    "job-list": Route(get("viewer")),
    "job-drawer": Route(get("viewer")),
    "job-status": Route(get("viewer"), row=job),
    "job-stream": Route(get("viewer"), row=job),
    "job-cancel": Route(post("editor", 200), row=job),
    "usage": Route(get("viewer")),
    "usage-csv": Route(get("viewer")),
}
