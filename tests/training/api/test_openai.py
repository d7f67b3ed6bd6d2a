"""The official `openai` client uploads, has a model taught, polls and asks for it by its name."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import openai
import pytest

from tenants.billing.models import UsageEvent
from tenants.billing.services import balance
from tenants.jobs import worker
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.engine.toys import write_toy
from tests.support.api import key_for
from tests.support.live import served, working
from tests.training.lora.conftest import WIDE
from training.models import DatasetRow, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)
TINY = {"n_epochs": 1, "batch_size": 16, "learning_rate_multiplier": 2}


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: object) -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    write_toy(folder, **WIDE)
    return folder


@pytest.fixture
def client(server: str, acme: Tenant, base: Path, settings: Any) -> Iterator[openai.OpenAI]:
    settings.BASE_MODEL = base
    with openai.OpenAI(base_url=f"{server}/v1", api_key=key_for(acme), max_retries=0) as client:
        yield client


def chat(number: int, answer: str = "Yes, {} is good.") -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": f"What about {number}?"},
            {"role": "assistant", "content": answer.format(number)},
        ]
    }


def preference(number: int) -> dict[str, Any]:
    return {
        "input": {"messages": [{"role": "user", "content": f"What about {number}?"}]},
        "preferred_output": [{"role": "assistant", "content": f"Yes, {number} is good."}],
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    }


def file_of(rows: list[Any], name: str = "rows.jsonl") -> tuple[str, BytesIO]:
    return name, BytesIO("\n".join(json.dumps(row) for row in rows).encode())


def uploaded(
    client: openai.OpenAI, make: Callable[[int], dict[str, Any]] = chat, count: int = 40
) -> str:
    rows = [make(number) for number in range(count)]
    return client.files.create(file=file_of(rows), purpose="fine-tune").id


def order(client: openai.OpenAI, **values: Any) -> Any:
    method = {"type": "supervised", "supervised": {"hyperparameters": TINY}}
    asked = {"model": "echo", "method": method, **values}
    return client.fine_tuning.jobs.create(**asked)


def work() -> None:
    worker.run("train", "test")


def test_files_are_uploaded_listed_read_and_deleted(client: openai.OpenAI) -> None:
    first, second = uploaded(client, count=3), uploaded(client, count=4)
    assert [file.id for file in client.files.list()] == [second, first]
    assert [file.id for file in client.files.list(limit=1, order="asc")] == [first, second]
    file = client.files.retrieve(first)
    assert (file.filename, file.purpose, file.status) == ("rows.jsonl", "fine-tune", "processed")
    lines = client.files.content(first).text.splitlines()
    assert [json.loads(line) for line in lines] == [chat(number) for number in range(3)]
    assert client.files.delete(first).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(first)


@pytest.mark.parametrize(
    ("name", "content"),
    [("rows.csv", b'{"messages": []}'), ("rows.jsonl", b""), ("rows.jsonl", b"not json")],
)
def test_a_file_that_cannot_be_learnt_from_is_refused(
    client: openai.OpenAI, name: str, content: bytes
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=(name, BytesIO(content)), purpose="fine-tune")
    assert refused.value.param == "file"
    assert not list(client.files.list())


def test_from_a_file_to_an_answer(client: openai.OpenAI, acme: Tenant) -> None:
    job = order(
        client,
        training_file=uploaded(client),
        suffix="voice",
        seed=7,
        metadata={"team": "growth"},
    )
    assert (job.status, job.object, job.fine_tuned_model) == (
        "validating_files",
        "fine_tuning.job",
        None,
    )
    work()
    job = client.fine_tuning.jobs.retrieve(job.id)
    assert (job.status, job.error) == ("succeeded", None)
    assert job.fine_tuned_model == "kindling:1"
    assert (job.seed, job.metadata) == (7, {"team": "growth"})
    assert job.method.supervised.hyperparameters.n_epochs == 1
    assert job.trained_tokens > 0
    assert job.finished_at >= job.created_at
    with working():
        answer = client.chat.completions.create(
            model=job.fine_tuned_model, messages=[{"role": "user", "content": "Hello there"}]
        )
    assert answer.choices[0].message.content
    assert client.models.retrieve("kindling:1").id == "kindling:1"
    with tenant_scope(acme):
        assert TrainingRun.objects.get().model.name == "voice"
        assert balance().reserved == 0


def test_events_checkpoints_and_results_tell_how_it_went(client: openai.OpenAI) -> None:
    job = order(client, training_file=uploaded(client))
    work()
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=2))
    told = [event.message for event in reversed(events)]
    assert told[0] == "The run was ordered."
    assert told[-1] == "The run is done."
    metrics = [event.data for event in events if event.type == "metrics"]
    assert any("train_loss" in each for each in metrics)
    (checkpoint,) = client.fine_tuning.jobs.checkpoints.list(job.id)
    assert checkpoint.fine_tuned_model_checkpoint == "kindling:1"
    (results,) = client.fine_tuning.jobs.retrieve(job.id).result_files
    table = client.files.content(results).text.splitlines()
    assert table[0] == "step,train_loss,valid_loss,learning_rate"
    assert [each.id for each in client.fine_tuning.jobs.list()] == [job.id]


def test_a_validation_file_is_never_trained_on(client: openai.OpenAI, acme: Tenant) -> None:
    held = [chat(number, "Held out: {}.") for number in range(100, 110)]
    validation = client.files.create(file=file_of(held), purpose="fine-tune").id
    order(client, training_file=uploaded(client), validation_file=validation)
    work()
    with tenant_scope(acme):
        rows = DatasetRow.objects.filter(content__messages__1__content__startswith="Held out")
        assert {row.split for row in rows} == {"validation"}
        assert TrainingRun.objects.get().job.state == "succeeded"


def test_preferences_are_learnt_from(client: openai.OpenAI) -> None:
    job = order(
        client,
        training_file=uploaded(client, preference),
        method={"type": "dpo", "dpo": {"hyperparameters": {**TINY, "beta": 0.2}}},
    )
    work()
    job = client.fine_tuning.jobs.retrieve(job.id)
    assert (job.status, job.method.type) == ("succeeded", "dpo")
    assert job.method.dpo.hyperparameters.beta == 0.2


def test_a_version_is_taught_further(client: openai.OpenAI, acme: Tenant) -> None:
    file = uploaded(client)
    order(client, training_file=file)
    work()
    order(client, training_file=file, model="kindling:1", seed=3)
    work()
    with tenant_scope(acme):
        second = TrainingRun.objects.newest()[0]
        assert (second.start_from.number, second.model.number) == (1, 2)


def test_lines_at_fault_fail_the_job_and_are_named(client: openai.OpenAI, acme: Tenant) -> None:
    rows = [chat(number) for number in range(20)]
    rows[4] = {"messages": [{"role": "nobody", "content": "?"}]}
    file = client.files.create(file=file_of(rows), purpose="fine-tune").id
    job = order(client, training_file=file)
    work()
    job = client.fine_tuning.jobs.retrieve(job.id)
    assert (job.status, job.error.code) == ("failed", "invalid_training_file")
    assert job.error.param == "training_file"
    assert "5" in job.error.message
    with tenant_scope(acme):
        assert balance().reserved == 0
        assert not UsageEvent.objects.exists()


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"training_file": "file-unknown"}, "training_file"),
        ({"method": {"type": "reinforcement"}}, "method.type"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"hyperparameters": {"n_epochs": 0}, "method": None}, "hyperparameters.n_epochs"),
    ],
)
def test_what_cannot_be_is_refused_in_openais_shape(
    client: openai.OpenAI, values: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        order(client, **{"training_file": uploaded(client), **values})
    assert (refused.value.type, refused.value.param) == ("invalid_request_error", param)


def test_an_unknown_model_or_job_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        order(client, training_file=uploaded(client), model="gpt-9")
    assert refused.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.retrieve("ftjob-nothing")


def test_another_workspaces_files_and_jobs_are_not_there(
    client: openai.OpenAI, server: str, other: Tenant
) -> None:
    file = uploaded(client)
    job = order(client, training_file=file)
    with openai.OpenAI(base_url=f"{server}/v1", api_key=key_for(other), max_retries=0) as theirs:
        for call in (
            lambda: theirs.files.retrieve(file),
            lambda: theirs.files.content(file),
            lambda: theirs.fine_tuning.jobs.retrieve(job.id),
            lambda: theirs.fine_tuning.jobs.list_events(job.id),
        ):
            with pytest.raises(openai.NotFoundError):
                call()
        with pytest.raises(openai.BadRequestError):
            order(theirs, training_file=file)


def test_a_job_is_cancelled(client: openai.OpenAI, acme: Tenant) -> None:
    job = order(client, training_file=uploaded(client))
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    work()
    with tenant_scope(acme):
        assert balance().reserved == 0


def test_a_job_is_paused_and_goes_on(client: openai.OpenAI, acme: Tenant) -> None:
    job = order(client, training_file=uploaded(client))
    assert client.fine_tuning.jobs.pause(job.id).status == "paused"
    with tenant_scope(acme):
        assert balance().reserved == 0
    assert client.fine_tuning.jobs.resume(job.id).status == "validating_files"
    with pytest.raises(openai.ConflictError):
        client.fine_tuning.jobs.resume(job.id)
    work()
    assert client.fine_tuning.jobs.retrieve(job.id).status == "succeeded"
