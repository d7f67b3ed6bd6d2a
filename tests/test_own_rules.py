"""House rules that a linter does not know, each with samples that it must catch or let be."""

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest

from tests.support.floors import templates
from tests.support.source import Source, sources
from tests.support.tally import tally

Rule = Callable[[Source], Iterator[str]]
COUNT = tally("own rules")

# Where statements are written by hand, and why.
OWN_SQL = {
    "recommendations/counters.py": "counts that are added up where they stand",
    "recommendations/outcomes.py": "what came of answers, people counted once",
    "saas/health.py": "SELECT 1",
    "tenants/billing/ledger.py": "both sides of an entry in one statement",
    "tenants/billing/readings.py": "what is taken and what is charged, in one statement",
    "tenants/lookups.py": "the directory function",
    "tenants/idempotency/models.py": "an advisory lock",
    "tenants/jobs/leases.py": "a dispatch function, and leases in one statement each",
    "tenants/jobs/services.py": "a dispatch function",
    "tenants/jobs/sweeper.py": "dispatch functions",
    "tenants/postgres/base.py": "pushes the scope",
    "tenants/postgres/owner.py": "grants",
    "saas/diagnosis.py": "asks Postgres for its clock and its settings",
    "tenants/isolation_checks.py": "reads the catalogue",
    "generation/search.py": "asks a function that filters by the tenant in scope",
}
APPS = ("saas/", "tenants/", "training/", "recommendations/", "generation/")
SENDING = {"get", "post", "put", "request", "stream", "Client", "AsyncClient", "Session"}
# Who connects without the list of addresses, and to whose.
CONNECTIONS = {
    "generation/engine/openai.py": "whoever calls it gives a transport with the list, or none",
    "generation/serving/diagnosis.py": "the operator's own model server",
    "saas/stack/programs.py": "this machine's own web server",
}
LOOKUPS = {"tenants/lookups.py", "tenants/scope.py"}
RAW_QUERYSETS = {"tenants/lookups.py", "tenants/models_base.py"}
SCOPE_RESETS = {"tenants/middleware.py", "tenants/scope.py"}


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the last name of what is called."""
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Call):
            callee = node.func
            if isinstance(callee, ast.Attribute):
                yield node, callee.attr
            elif isinstance(callee, ast.Name):
                yield node, callee.id


def where(source: Source, node: ast.AST, what: str) -> str:
    return f"{source.path}:{node.lineno}: {what}"  # type: ignore[attr-defined]


def own_sql(source: Source) -> Iterator[str]:
    """SQL by hand stands in a few modules only: there a reviewer looks for the tenant."""
    if source.path in OWN_SQL or "/migrations/" in source.path or "saas/stack/" in source.path:
        return
    for node, name in calls(source):
        if name in {"raw", "cursor", "extra", "RawSQL", "executescript"}:
            yield where(source, node, f"SQL by hand ({name})")


def raw_querysets(source: Source) -> Iterator[str]:
    """A queryset that no manager has scoped is built by the directory only, or is empty."""
    if source.path in RAW_QUERYSETS:
        return
    empty = {
        id(node.func.value)
        for node, name in calls(source)
        if name == "none" and isinstance(node.func, ast.Attribute)
    }
    for node, name in calls(source):
        if name.endswith("QuerySet") and node.args and id(node) not in empty:
            yield where(source, node, f"a queryset past the manager ({name})")
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Attribute) and node.attr in {"_base_manager", "_raw_delete"}:
            yield where(source, node, f"rows past the manager ({node.attr})")


def look_ups(source: Source) -> Iterator[str]:
    """Look-ups before the tenant is known are the directory's business."""
    if source.path in LOOKUPS:
        return
    for node, name in calls(source):
        if name == "lookup_scope":
            yield where(source, node, "a look-up outside the directory")


def scope_resets(source: Source) -> Iterator[str]:
    """Nobody throws a scope away but the middleware: everybody else leaves its block."""
    if source.path in SCOPE_RESETS:
        return
    for node, name in calls(source):
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if name == "reset" and isinstance(owner, ast.Name) and owner.id == "scope":
            yield where(source, node, "a scope reset outside the middleware")


def tenant_from_request(source: Source) -> Iterator[str]:
    """Which tenant it is comes from membership or key, never from what the caller sends."""
    for node, name in calls(source):
        if name in {"tenant_scope", "Tenant"} and any(map(from_caller, ast.walk(node))):
            yield where(source, node, "a tenant taken from the request")


def from_caller(node: ast.AST) -> bool:
    sent = {"GET", "POST", "COOKIES", "headers", "META", "query_params", "data"}
    return (
        isinstance(node, ast.Attribute)
        and node.attr in sent
        and isinstance(node.value, ast.Name)
        and node.value.id == "request"
    )


def floats_in_money(source: Source) -> Iterator[str]:
    """Credits are integers; a float would lose some. `seconds` are no credits."""
    if not source.path.startswith("tenants/billing/"):
        return
    for node in ast.walk(without_seconds(source.tree())):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield where(source, node, "a float")
        if isinstance(node, ast.Name) and node.id == "float":
            yield where(source, node, "a float")


def without_seconds(shared: ast.Module) -> ast.Module:
    tree = deepcopy(shared)

    class Drop(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:  # noqa: N802
            return None if node.name == "seconds" else self.generic_visit(node)

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:  # noqa: N802
            named = isinstance(node.target, ast.Name) and node.target.id == "seconds"
            return None if named else node

    return ast.fix_missing_locations(Drop().visit(tree))


def unsafe_loading(source: Source) -> Iterator[str]:
    """Nothing is ever loaded that could run code."""
    for node, name in calls(source):
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        module = owner.id if isinstance(owner, ast.Name) else ""
        if module in {"pickle", "marshal", "shelve", "dill"} or f"{module}.{name}" == "torch.load":
            yield where(source, node, f"{module}.{name}")
        if name in {"eval", "exec"} and owner is None:
            yield where(source, node, name)


def csrf_exemptions(source: Source) -> Iterator[str]:
    """A page that a browser's session opens asks for the CSRF token; only the API has none."""
    if "/api/" in source.path or source.path.startswith("saas/api"):
        return
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Name) and node.id == "csrf_exempt":
            yield where(source, node, "csrf_exempt")


def celery_tasks(source: Source) -> Iterator[str]:
    """Work in the background is a job: Celery has the one task that says "look"."""
    if source.path == "tenants/jobs/notify.py":
        return
    for node in ast.walk(source.tree()):
        name = getattr(node, "id", getattr(node, "attr", ""))
        if isinstance(node, ast.Name | ast.Attribute) and name == "shared_task":
            yield where(source, node, f"a task past the queue ({name})")


def own_connections(source: Source) -> Iterator[str]:
    """Whoever connects elsewhere does so by saas.outbound, or at an operator's word alone."""
    if source.path in CONNECTIONS or not source.path.startswith(APPS):
        return
    for node, name in calls(source):
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        module = owner.id if isinstance(owner, ast.Name) else ""
        if name in {"urlopen", "create_connection", "HTTPSConnection", "HTTPConnection"} or (
            module in {"httpx", "requests", "aiohttp"} and name in SENDING
        ):
            yield where(source, node, f"a connection past saas.outbound ({module}.{name})")


RULES: dict[Rule, tuple[list[str], list[str]]] = {
    own_connections: (
        [
            "httpx.get(url)",
            "httpx.AsyncClient()",
            "urllib.request.urlopen(url)",
            "requests.post(u)",
        ],
        ["guarded_transport(url)", "httpx.URL(text)", "request.get(url)", "rows.get(pk=1)"],
    ),
    own_sql: (
        ["Brand.objects.raw('x')", "connection.cursor()", "rows.extra(where=[x])"],
        ["rows.filter(pk=1)", "raw = 1", "Brand.objects.all()"],
    ),
    raw_querysets: (
        ["TenantQuerySet(Brand).get(pk=1)", "models.QuerySet(Brand)", "Brand._base_manager.all()"],
        ["TenantQuerySet(Brand).none()", "Brand.objects.all()", "class Q(TenantQuerySet): pass"],
    ),
    look_ups: (
        [
            "lookup_scope(user_id=1)",
            "scope.lookup_scope()",
            "with lookup_scope(key_prefix=k): pass",
        ],
        ["tenant_scope(tenant)", "workspaces_of(user)", "lookup = 1"],
    ),
    scope_resets: (
        ["scope.reset()", "def f():\n    scope.reset()", "with x:\n    scope.reset()"],
        ["counter.reset()", "token.reset()", "reset()"],
    ),
    tenant_from_request: (
        [
            "tenant_scope(UUID(request.GET['tenant']))",
            "tenant_scope(request.headers['X-Tenant-ID'])",
            "Tenant.objects.get(pk=request.POST['t']); tenant_scope(request.POST['t'])",
        ],
        ["tenant_scope(request.tenant)", "tenant_scope(key.tenant_id)", "form(request.POST)"],
    ),
    floats_in_money: (
        ["x = 0.5", "float(amount)", "def f() -> float: ..."],
        ["x = 5", "seconds: float = 0.0", "Decimal('0.5')"],
    ),
    unsafe_loading: (
        ["pickle.loads(x)", "torch.load(path)", "eval(text)"],
        ["json.loads(x)", "model.eval()", "safetensors.torch.load_file(x)"],
    ),
    celery_tasks: (
        [
            "@shared_task\ndef f(): ...",
            "@celery.shared_task(name='x')\ndef f(): ...",
        ],
        ["job_request(kind='x')", "delay = 1.0", "notify(queue)"],
    ),
    csrf_exemptions: (
        ["@csrf_exempt\ndef f(): ...", "f = csrf_exempt(f)", "x = [csrf_exempt]"],
        ["csrf_protect(f)", "exempt = 1", "ensure_csrf_cookie(f)"],
    ),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule: Rule) -> None:
    found = []
    for source in sources():
        COUNT.attempts += 1
        found += rule(source)
    COUNT.failures += len(found)
    assert found == [], rule.__doc__


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_catches_what_it_must_and_nothing_else(rule: Rule) -> None:
    bad, good = RULES[rule]
    for text in bad:
        assert list(rule(Source("tenants/billing/sample.py", text))), text
        COUNT.controls += 1
    for text in good:
        assert not list(rule(Source("tenants/billing/sample.py", text))), text


def test_every_module_with_sql_still_has_some() -> None:
    for path in OWN_SQL:
        (source,) = (found for found in sources() if found.path == path)
        sql = "cursor" in source.text or "RawSQL(" in source.text
        assert sql, f"{path} has none any more: take it off the list"


def test_lines_of_templates_can_be_read() -> None:
    long = [
        f"templates/{path}:{number}"
        for path, text in templates()
        for number, line in enumerate(text.splitlines(), 1)
        if path.endswith(".html") and len(line) >= 160
    ]
    assert long == []
