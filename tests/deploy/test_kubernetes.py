"""The manifests agree with one another and with what the code reads."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection

from saas.outbound import PORTS
from tenants.jobs.registry import QUEUES
from tenants.jobs.services import job_request
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.source import ROOT, sources

FOLDERS = {name: ROOT / "deploy" / "kubernetes" / name for name in ("base", "vllm")}
OURS = "registry.example/kindling"
# Variables that other programs read: vLLM, its libraries, and the shell.
THEIRS = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING", "VLLM_API_KEY", "HF_HUB_OFFLINE", "HOME"}
READ = re.compile(r"""(?:env\.\w+|read\.\w+|environ(?:\.get)?)\s*[(\[]\s*"([A-Z][A-Z0-9_]+)\"""")


def documents(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text())


def objects(folder: str) -> list[dict[str, Any]]:
    """What the folder's kustomization applies, without its patches."""
    kustomization = yaml.safe_load((FOLDERS[folder] / "kustomization.yaml").read_text())
    files = [name for name in kustomization["resources"] if name.endswith(".yaml")]
    return [
        each for name in files for each in yaml.safe_load_all((FOLDERS[folder] / name).read_text())
    ]


ALL = objects("base") + objects("vllm")
PODS = [each for each in ALL if each["kind"] in {"Deployment", "Job"}]


def named(kind: str, name: str) -> dict[str, Any]:
    return next(e for e in ALL if e["kind"] == kind and e["metadata"]["name"] == name)


def spec(pods: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = pods["spec"]["template"]["spec"]
    return found


def containers(pods: dict[str, Any]) -> list[dict[str, Any]]:
    return [*spec(pods).get("initContainers", []), *spec(pods)["containers"]]


def by_name(pods: dict[str, Any]) -> str:
    return str(pods["metadata"]["name"])


def variables() -> set[str]:
    """Every variable that the code reads."""
    found = {name for source in sources() for name in READ.findall(source.text)}
    return found | {f"{name}_FILE" for name in found}


def test_every_file_belongs_to_a_kustomization() -> None:
    for folder in FOLDERS.values():
        kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
        patches = [patch["path"] for patch in kustomization.get("patches", [])]
        listed = {*kustomization["resources"], *patches} - {"../base"}
        assert listed == {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}


def test_names_are_unique_and_kinds_are_complete() -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in ALL]
    assert len(names) == len(set(names))
    assert {kind for kind, _ in names} == {
        *("ConfigMap", "PersistentVolumeClaim", "Job", "Deployment", "Service"),
        *("PodDisruptionBudget", "NetworkPolicy", "ScaledObject", "TriggerAuthentication"),
    }
    assert {by_name(each) for each in PODS} == {
        *("kindling-web", "kindling-worker", "kindling-jobs", "kindling-migrate", "kindling-vllm"),
    }


def test_every_variable_is_read_by_the_code() -> None:
    config = {
        name
        for folder in FOLDERS.values()
        for each in documents(folder)
        if each["kind"] == "ConfigMap"
        for name in each["data"]
    }
    inline = {
        entry["name"]
        for folder in FOLDERS.values()
        for each in documents(folder)
        if each["kind"] in {"Deployment", "Job"}
        for container in containers(each)
        for entry in container.get("env", [])
    }
    text = (FOLDERS["base"] / "config.yaml").read_text().partition("apiVersion")[0]
    secret = set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", text))
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DATABASE_OWNER_URL"} <= secret
    assert (config | inline | secret) - THEIRS - variables() == set()
    assert "OPENAI_DIALECT" in variables(), "the search for what is read finds something"
    assert "NO_SUCH_VARIABLE" not in variables()


@pytest.mark.parametrize("pods", PODS, ids=by_name)
def test_every_pod_is_locked_down(pods: dict[str, Any]) -> None:
    pod = spec(pods)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in containers(pods):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


@pytest.mark.parametrize(
    "pods", [each for each in PODS if each["kind"] == "Deployment"], ids=by_name
)
def test_every_deployment_is_probed_on_a_port_that_it_has(pods: dict[str, Any]) -> None:
    for container in spec(pods)["containers"]:
        ports = {port["name"] for port in container["ports"]}
        for name in ("startupProbe", "livenessProbe"):
            probe = container[name].get("httpGet") or container[name]["tcpSocket"]
            assert probe["port"] in ports
    labels = pods["spec"]["template"]["metadata"]["labels"]
    assert pods["spec"]["selector"]["matchLabels"] == labels


def test_every_queue_has_one_worker_and_a_port_of_its_own() -> None:
    workers = [
        container
        for name in ("kindling-worker", "kindling-jobs")
        for container in spec(named("Deployment", name))["containers"]
    ]
    queues = [
        arg.removeprefix("--queues=")
        for container in workers
        for arg in container["args"]
        if arg.startswith("--queues=")
    ]
    assert sorted(queues) == sorted(QUEUES)
    default = named("ConfigMap", "kindling-config")["data"]["METRICS_PORT"]
    for container in workers:
        own = {each["name"]: each.get("value") for each in container["env"]}
        assert [str(port["containerPort"]) for port in container["ports"]] == [
            own.get("METRICS_PORT", default)
        ]
    ports = [container["ports"][0]["containerPort"] for container in workers[1:]]
    assert len(ports) == len(set(ports))
    allowed = named("NetworkPolicy", "kindling-metrics")["spec"]["ingress"][0]["ports"]
    assert {port["port"] for port in allowed} == set(ports)


def test_images_ports_and_addresses_agree() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    images = {container["image"] for pods in PODS for container in containers(pods)}
    assert {image.partition(":")[0] for image in images} == {OURS, "vllm/vllm-openai"}
    assert f"{OURS}:" in dockerfile
    assert "EXPOSE 8000" in dockerfile
    user = spec(named("Deployment", "kindling-web"))["securityContext"]["runAsUser"]
    assert f"--uid {user}" in dockerfile
    config = named("ConfigMap", "kindling-config")["data"]
    (worker,) = spec(named("Deployment", "kindling-worker"))["containers"]
    assert [str(port["containerPort"]) for port in worker["ports"]] == [config["METRICS_PORT"]]
    (web,) = spec(named("Deployment", "kindling-web"))["containers"]
    for probe in ("livenessProbe", "readinessProbe"):
        (header,) = web[probe]["httpGet"]["httpHeaders"]
        assert header == {"name": "Host", "value": config["ALLOWED_HOSTS"]}
    patch = next(each for each in documents(FOLDERS["vllm"]) if each["kind"] == "ConfigMap")
    service = named("Service", "kindling-vllm")
    address = f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/v1"
    assert patch["data"]["OPENAI_BASE_URL"] == address
    (vllm,) = spec(named("Deployment", "kindling-vllm"))["containers"]
    assert f"--served-model-name={patch['data']['OPENAI_MODEL']}" in vllm["args"]


def test_workers_and_their_model_server_see_adapters_at_the_same_path() -> None:
    def mounts(name: str) -> dict[str, Any]:
        (container,) = spec(named("Deployment", name))["containers"]
        return {mount["mountPath"]: mount for mount in container["volumeMounts"]}

    worker, vllm = mounts("kindling-worker"), mounts("kindling-vllm")
    assert worker["/srv/data/cache"]["subPath"] == vllm["/srv/data/cache"]["subPath"]
    assert vllm["/srv/data/cache"]["readOnly"] is True
    assert "DATA_DIR=/srv/data" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_workspaces_servers_can_be_reached_on_every_port_that_is_allowed() -> None:
    rules = named("NetworkPolicy", "kindling-outbound")["spec"]["egress"]
    assert {port["port"] for port in rules[0]["ports"]} >= PORTS


def test_only_migrations_see_the_owners_password() -> None:
    for pods in PODS:
        known = {
            source["secretRef"]["name"]
            for container in containers(pods)
            for source in container.get("envFrom", [])
            if "secretRef" in source
        }
        assert ("kindling-owner" in known) == (by_name(pods) == "kindling-migrate")


@pytest.mark.django_db
def test_the_autoscalers_query_counts_the_jobs(acme: Tenant, other: Tenant) -> None:
    """As the app's role and outside of every workspace, as KEDA asks it."""
    (trigger,) = named("ScaledObject", "kindling-worker")["spec"]["triggers"]
    with connection.cursor() as cursor:
        cursor.execute(trigger["metadata"]["query"])
        assert cursor.fetchall() == [(0,)]
    for tenant in (acme, other, other):
        with tenant_scope(tenant):
            job_request(kind="generate.chat", payload={}, estimate=0)
    with connection.cursor() as cursor:
        cursor.execute(trigger["metadata"]["query"])
        assert cursor.fetchall() == [(3,)]
