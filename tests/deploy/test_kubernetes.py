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


def kustomization(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDERS[folder] / "kustomization.yaml").read_text())
    return found


def config(folder: str) -> dict[str, str]:
    """What the folder's kustomization puts into the pods' environment."""
    (generator,) = kustomization(folder)["configMapGenerator"]
    assert generator["name"] == "kindling-config"
    return dict(literal.split("=", 1) for literal in generator["literals"])


def objects(folder: str) -> list[dict[str, Any]]:
    """What the folder's kustomization applies, without its patches and what it generates."""
    files = [name for name in kustomization(folder)["resources"] if name.endswith(".yaml")]
    return [
        each for name in files for each in yaml.safe_load_all((FOLDERS[folder] / name).read_text())
    ]


QUEUE_WORKERS = ("kindling-worker", "kindling-default", "kindling-score", "kindling-train")
ALL = objects("base") + objects("vllm")
MIGRATION = "kindling-migrate-0-1-0"
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
    for name, folder in FOLDERS.items():
        found = kustomization(name)
        patches = [patch["path"] for patch in found.get("patches", [])]
        listed = {*found["resources"], *patches} - {"../base"}
        assert listed == {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}


def test_names_are_unique_and_kinds_are_complete() -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in ALL]
    assert len(names) == len(set(names))
    assert {kind for kind, _ in names} == {
        *("PersistentVolumeClaim", "Job", "Deployment", "Service", "HorizontalPodAutoscaler"),
        *("PodDisruptionBudget", "NetworkPolicy", "ScaledObject", "TriggerAuthentication"),
    }
    assert {by_name(each) for each in PODS} == {
        *("kindling-web", *QUEUE_WORKERS, "kindling-predictor", MIGRATION, "kindling-vllm"),
    }


def test_every_variable_is_read_by_the_code() -> None:
    configured = {name for folder in FOLDERS for name in config(folder)}
    inline = {
        entry["name"]
        for folder in FOLDERS.values()
        for each in documents(folder)
        if each["kind"] in {"Deployment", "Job"}
        for container in containers(each)
        for entry in container.get("env", [])
    }
    text = (FOLDERS["base"] / "kustomization.yaml").read_text().partition("configMapGenerator")[0]
    secret = set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", text))
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DATABASE_OWNER_URL"} <= secret
    assert (configured | inline | secret) - THEIRS - variables() == set()
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
            assert container[name]["httpGet"]["port"] in ports
    labels = pods["spec"]["template"]["metadata"]["labels"]
    assert pods["spec"]["selector"]["matchLabels"] == labels


def worker_of(name: str) -> dict[str, Any]:
    (container,) = spec(named("Deployment", name))["containers"]
    found: dict[str, Any] = container
    return found


def test_every_queue_has_a_deployment_that_scales_with_it() -> None:
    queues = {}
    for name in QUEUE_WORKERS:
        container = worker_of(name)
        assert [port["containerPort"] for port in container["ports"]] == [
            int(config("base")["METRICS_PORT"])
        ]
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
        (queue,) = [arg for arg in container["args"] if arg.startswith("--queues=")]
        queues[name] = queue.removeprefix("--queues=")
        assert "replicas" not in named("Deployment", name)["spec"]
        scaling = named("ScaledObject", name)["spec"]
        assert scaling["scaleTargetRef"]["name"] == name
        (trigger,) = scaling["triggers"]
        assert trigger["metadata"]["query"].endswith(f"WHERE queue = '{queues[name]}'")
    assert sorted(queues.values()) == sorted(QUEUES)
    least = {
        queues[name]: named("ScaledObject", name)["spec"]["minReplicaCount"] for name in queues
    }
    assert least == {"generate": 1, "default": 1, "score": 1, "train": 0}
    allowed = named("NetworkPolicy", "kindling-metrics")["spec"]["ingress"][0]["ports"]
    assert [str(port["port"]) for port in allowed] == [config("base")["METRICS_PORT"]]


def test_policies_name_pods_that_there_are() -> None:
    parts = {pods["spec"]["template"]["metadata"]["labels"]["part"] for pods in PODS}
    for policy in (each for each in ALL if each["kind"] == "NetworkPolicy"):
        selector = policy["spec"]["podSelector"]
        chosen = {selector.get("matchLabels", {}).get("part")} - {None}
        for expression in selector.get("matchExpressions", []):
            chosen |= set(expression["values"])
        assert chosen <= parts


def test_pods_are_spread_and_the_web_is_drained() -> None:
    for name in ("kindling-web", "kindling-predictor", *QUEUE_WORKERS):
        pod = spec(named("Deployment", name))
        for constraint in pod["topologySpreadConstraints"]:
            labels = named("Deployment", name)["spec"]["selector"]["matchLabels"]
            assert constraint["labelSelector"]["matchLabels"] == labels
    web = spec(named("Deployment", "kindling-web"))
    (container,) = web["containers"]
    waits = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    (grace,) = [arg for arg in container["args"] if arg.startswith("--grace=")]
    assert waits + int(grace.removeprefix("--grace=")) < web["terminationGracePeriodSeconds"]
    hpa = named("HorizontalPodAutoscaler", "kindling-web")["spec"]
    assert hpa["scaleTargetRef"]["name"] == "kindling-web"
    assert "replicas" not in named("Deployment", "kindling-web")["spec"]


def test_the_migration_is_named_by_the_version_of_its_image() -> None:
    (image,) = kustomization("base")["images"]
    assert f"kindling-migrate-{image['newTag'].replace('.', '-')}" == MIGRATION


def test_pass_through_workers_reserve_no_processors() -> None:
    deployments = [each for each in documents(FOLDERS["vllm"]) if each["kind"] == "Deployment"]
    (patch,) = [each for each in deployments if by_name(each) == "kindling-worker"]
    for container in containers(patch):
        assert container["resources"]["requests"]["cpu"] == "250m"
    assert [each["key"] for each in spec(named("Deployment", "kindling-vllm"))["tolerations"]] == [
        "nvidia.com/gpu"
    ]


def test_the_sample_ingress_leads_to_the_web() -> None:
    text = (ROOT / "deploy" / "kubernetes" / "samples" / "ingress.yaml").read_text()
    ingress = yaml.safe_load(text)
    (rule,) = ingress["spec"]["rules"]
    service = rule["http"]["paths"][0]["backend"]["service"]
    assert service["name"] == named("Service", "kindling-web")["metadata"]["name"]
    assert rule["host"] == config("base")["ALLOWED_HOSTS"]


def test_images_ports_and_addresses_agree() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    images = {container["image"] for pods in PODS for container in containers(pods)}
    assert {image.partition(":")[0] for image in images} == {OURS, "vllm/vllm-openai"}
    assert f"{OURS}:" in dockerfile
    assert "EXPOSE 8000" in dockerfile
    user = spec(named("Deployment", "kindling-web"))["securityContext"]["runAsUser"]
    assert f"--uid {user}" in dockerfile
    (web,) = spec(named("Deployment", "kindling-web"))["containers"]
    for probe in ("livenessProbe", "readinessProbe"):
        (header,) = web[probe]["httpGet"]["httpHeaders"]
        assert header == {"name": "Host", "value": config("base")["ALLOWED_HOSTS"]}
    patched = config("vllm")
    service = named("Service", "kindling-vllm")
    address = f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/v1"
    assert patched["OPENAI_BASE_URL"] == address
    (vllm,) = spec(named("Deployment", "kindling-vllm"))["containers"]
    assert f"--served-model-name={patched['OPENAI_MODEL']}" in vllm["args"]


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
        assert ("kindling-owner" in known) == (by_name(pods) == MIGRATION)


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
