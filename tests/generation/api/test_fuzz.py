"""Made-up requests for every operation: none breaks us, each is answered as described."""

import copy
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig

from generation.models import Brand, Brief
from generation.services import brief_request
from saas.api.views import described
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.api import key_for
from tests.support.live import working

pytestmark = pytest.mark.django_db(transaction=True)

CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
# What bad data may be answered; a body of megabytes is refused before it is read.
REFUSALS = [
    *("400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"),
    "5xx",  # the check of server errors looks at these
]
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}}
)
# It stays open until its job is over, and is read in tests of its own.
LEFT_OUT = {"/api/v1/jobs/{id}/stream/"}


def checks() -> list[Any]:
    return [check for check in CHECKS.get_all() if check.__name__ in CHECKED]


def seeded(brand: Brand, brief: Brief) -> dict[str, Any]:
    """The description with ids of rows that are there; our own headers come with each call."""
    schema = copy.deepcopy(described("en"))
    variant = brief.variants.get(number=1)
    known = {
        "brands": brand.pk,
        "briefs": brief.pk,
        "variants": variant.pk,
        "jobs": variant.job_id,
    }
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation.pop("security", None)
            asked = [each for each in operation.get("parameters", []) if each["in"] != "header"]
            operation["parameters"] = asked
            for parameter in asked:
                _seed(parameter, known.get(path.split("/")[3] if path.count("/") > 3 else ""))
    properties = schema["components"]["schemas"]["BriefRequestRequest"]["properties"]
    properties["brand"] = {"enum": [str(brand.pk)]}
    properties["variants"] = {"type": "integer", "minimum": 1, "maximum": 2}
    return schema


def _seed(parameter: dict[str, Any], known: Any) -> None:
    if parameter["in"] == "path" and parameter["name"] == "id" and known:
        parameter["schema"] = {"enum": [str(known)]}


def fuzz(server: str, secret: str, schema: dict[str, Any], examples: int, number: int) -> int:
    """Try every operation so many times with good and so many with bad data."""
    tries = Tries(server, secret)
    for found in schemathesis.openapi.from_dict(schema, config=CONFIG).get_all_operations():
        operation = found.ok()
        if operation.path in LEFT_OUT:
            continue
        tries.run(operation, GenerationMode.POSITIVE, examples, number)
        with suppress(Unsatisfiable):  # an operation that takes nothing can be given nothing bad
            tries.run(operation, GenerationMode.NEGATIVE, examples, number)
    print(f"attempts={tries.count} failures=0 seed={number}")
    return tries.count


class Tries:
    """Sends made-up requests, each with a key of its own, and checks the answers."""

    def __init__(self, server: str, secret: str) -> None:
        self.server = server
        self.headers = {"Authorization": f"Bearer {secret}", "If-Match": "*"}
        self.count = 0

    def run(self, operation: Any, mode: GenerationMode, examples: int, number: int) -> None:
        options = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        made_up = given(case=operation.as_strategy(generation_mode=mode))

        @seed(number)
        @options
        @made_up
        def attempt(case: Any) -> None:
            self.attempt(case)

        attempt()

    def attempt(self, case: Any) -> None:
        self.count += 1
        headers = self.headers | {"Idempotency-Key": f"fuzz-{self.count}"}
        case.call_and_validate(base_url=self.server, headers=headers, checks=checks(), timeout=60)


@pytest.fixture
def prepared(acme: Tenant, brand: Brand) -> Iterator[dict[str, Any]]:
    fields = {"product": "Anvils", "points": ["Heavy"]}
    with tenant_scope(acme):
        brief = brief_request(kind="search_ad", fields=fields, brand=brand)
        schema = seeded(brand, brief)
    with working():
        yield schema


def test_made_up_requests_break_nothing(
    server: str, acme: Tenant, prepared: dict[str, Any]
) -> None:
    assert fuzz(server, key_for(acme), prepared, 3, 1) > 100


@pytest.mark.prove
def test_many_made_up_requests_break_nothing(
    server: str, acme: Tenant, prepared: dict[str, Any]
) -> None:
    """FUZZ_EXAMPLES and FUZZ_SEED say how many requests of each sort, and which."""
    examples = int(os.environ.get("FUZZ_EXAMPLES", "200"))
    number = int(os.environ.get("FUZZ_SEED", "2"))
    assert fuzz(server, key_for(acme), prepared, examples, number) > 20 * examples
