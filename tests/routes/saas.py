"""Routes of the project itself."""

from tests.routes.table import Route, get

ROUTES = {
    "healthz": Route(get("public")),
    "readyz": Route(get("public")),
    "metrics": Route(get("public", 404)),  # by its token alone: tests/tenants/jobs/test_metrics.py
    "front": Route({}),  # leads visitors and members to different places: tests/saas/test_front.py
    "api-docs": Route(get("public")),
    "api-schema": Route(get("public")),
    "problem": Route(get("public"), kwargs={"code": "not-found"}),
    "design": Route(get("public", 404)),  # operators and DEBUG only
}
