"""The audit log's page: who sees it, its filters, its paging and its CSV."""

import csv
import io
from collections.abc import Callable

import pytest
from django.db import Error, transaction
from django.test import Client

from tenants.actors import Actor, acting
from tenants.events import record
from tenants.models import ApiKey, AuditEvent, Tenant, User
from tenants.models_base import TenantQuerySet
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
LOG = "/w/acme/settings/audit/"
CSV = "/w/acme/settings/audit.csv"


@pytest.fixture
def many(acme: Tenant, alice: User, ada: User) -> None:
    with tenant_scope(acme):
        with acting(Actor(user=alice)):
            for number in range(60):
                record("member.joined", alice, number=number)
        with acting(Actor(user=ada)):
            record("api_key.issued", ApiKey(name="=HYPERLINK(1)"))


def test_admins_read_it_newest_first(
    acme: Tenant, ada: User, many: None, client_for: ClientFor
) -> None:
    events = client_for(ada).get(LOG).context["events"]
    assert len(events) == 50
    assert events[0].name == "api_key.issued"


def test_its_second_page_has_the_rest(
    acme: Tenant, ada: User, many: None, client_for: ClientFor
) -> None:
    events = client_for(ada).get(f"{LOG}?page=2").context["events"]
    assert events[-1].name == "workspace.created"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("name=api_key", 1),
        ("user=ada", 1),
        ("user=alice&name=member", 50),
        ("until=2001-01-01", 0),
        ("since=2001-01-01&name=api_key", 1),
        ("since=nonsense&name=api_key", 50),
        ("page=999&name=api_key", 1),
        ("name=%25", 0),
    ],
)
def test_filters_narrow_it_down(
    acme: Tenant, ada: User, many: None, client_for: ClientFor, query: str, count: int
) -> None:
    answer = client_for(ada).get(f"{LOG}?{query}")
    assert answer.status_code == 200
    assert len(answer.context["events"]) == count


@pytest.mark.parametrize("path", [LOG, CSV])
def test_editors_do_not_read_it(acme: Tenant, bob: User, client_for: ClientFor, path: str) -> None:
    assert client_for(bob).get(path).status_code == 403


def test_the_csv_holds_every_row_and_no_formula(
    acme: Tenant, ada: User, many: None, client_for: ClientFor
) -> None:
    answer = client_for(ada).get(CSV)
    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == 62
    assert rows[0]["subject"].startswith("'=HYPERLINK(1)")
    assert rows[0]["who"] == "ada@acme.test"


def test_the_csv_follows_the_filter(
    acme: Tenant, ada: User, many: None, client_for: ClientFor
) -> None:
    answer = client_for(ada).get(f"{CSV}?name=api_key")
    assert len(answer.content.decode().splitlines()) == 2


def test_another_workspaces_events_are_not_in_it(
    acme: Tenant, other: Tenant, ada: User, charlie: User, client_for: ClientFor
) -> None:
    with tenant_scope(other), acting(Actor(user=charlie)):
        record("workspace.renamed", other, after="canary")
    assert "canary" not in client_for(ada).get(LOG).content.decode()
    assert "canary" not in client_for(ada).get(CSV).content.decode()


@pytest.mark.parametrize(
    "change",
    [lambda rows: rows.update(name="nothing"), lambda rows: rows._raw_delete("default")],
    ids=["update", "delete"],
)
def test_nobody_changes_an_entry(
    acme: Tenant, change: Callable[[TenantQuerySet[AuditEvent]], object]
) -> None:
    with tenant_scope(acme):
        with pytest.raises(Error, match="never changed"), transaction.atomic():
            change(AuditEvent.objects.all())
        assert AuditEvent.objects.count() == 1
