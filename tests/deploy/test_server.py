"""The files for one server agree with the code: compose, nginx, systemd, alerts, the dashboard."""

import json
import re
from typing import Any

import pytest
import yaml

from tenants.jobs.registry import QUEUES
from tests.deploy.test_kubernetes import variables
from tests.support.source import ROOT, sources

SERVER = ROOT / "deploy" / "server"
MONITORING = ROOT / "deploy" / "monitoring"
COMPOSE: dict[str, Any] = yaml.safe_load((SERVER / "compose.yaml").read_text())
SERIES = re.compile(r"\bkindling_[a-z_]+")
# What prometheus_client adds to the name of a counter or a histogram.
SUFFIXES = re.compile(r"_(total|count|bucket|sum)$")


def words(service: str) -> str:
    command = COMPOSE["services"][service]["command"]
    return " ".join(command)


def test_every_queue_has_a_worker_in_compose() -> None:
    found = re.findall(r"-Q ([a-z,]+)", " ".join(map(words, ("generate", "jobs", "train"))))
    assert sorted(",".join(found).split(",")) == sorted(QUEUES)


def test_compose_sets_variables_that_the_code_reads() -> None:
    known = variables() | {"POSTGRES_PASSWORD", "HOST_NAME", "ADMIN_URL", "DATABASE_OWNER_URL"}
    for service in COMPOSE["services"].values():
        assert set(service.get("environment", {})) <= known


def test_only_nginx_can_be_reached_and_only_migrations_see_the_owner() -> None:
    services = COMPOSE["services"]
    assert [name for name, each in services.items() if "ports" in each] == ["nginx"]
    seeing = [n for n, e in services.items() if "DATABASE_OWNER_URL" in e.get("environment", {})]
    assert seeing == ["migrate"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert services[name]["networks"] == ["inside"]


def test_compose_asks_for_servers_as_doctor_does() -> None:
    valkey = words("valkey")
    assert "--appendonly yes" in valkey
    assert "--maxmemory-policy noeviction" in valkey


def test_nginx_keeps_no_stream_back_and_believes_nobody() -> None:
    text = (SERVER / "nginx.conf").read_text()
    for line in (
        "proxy_buffering off;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        "client_max_body_size 260m;",
    ):
        assert line in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(
    "unit", ["kindling-web.service", "kindling-worker@.service", "kindling-predictor.service"]
)
def test_units_run_as_a_user_and_stop_in_good_order(unit: str) -> None:
    text = (SERVER / unit).read_text()
    assert "User=kindling" in text
    assert int(re.findall(r"TimeoutStopSec=(\d+)", text)[0]) >= 20
    assert "Restart=always" in text


def series() -> set[str]:
    """The names of all series that the code makes."""
    text = "\n".join(source.text for source in sources() if source.path.endswith(".py"))
    made = set(SERIES.findall(text))
    built = re.findall(r'(?:histogram|counter)\(\s*"([a-z_]+)"', text)
    return made | {f"kindling_{name}" for name in built}


@pytest.mark.parametrize("name", ["alerts.yaml", "dashboard.json"])
def test_alerts_and_dashboard_ask_for_series_that_there_are(name: str) -> None:
    known = series()
    asked = {SUFFIXES.sub("", found) for found in SERIES.findall((MONITORING / name).read_text())}
    assert len(asked) > 5
    assert asked <= known


def test_every_alert_has_its_place_in_the_handbook() -> None:
    text = (ROOT / "docs" / "running.md").read_text()
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
        for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    (group,) = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/running.md"
        assert anchor in anchors


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    board = json.loads((MONITORING / "dashboard.json").read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert all(target["expr"] for panel in board["panels"] for target in panel["targets"])
