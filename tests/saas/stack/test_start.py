"""A second start does only what changed since the first."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from saas.stack import start, steps
from saas.stack.config import Config
from saas.stack.place import Place
from saas.stack.supervisor import Supervisor

STEP = steps.Step("model", "the base model", ("convert",))


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(steps, "run", lambda step, *_: names.append(step.name))
    return names


@pytest.fixture
def begun(tmp_path: Path) -> start.Start:
    (tmp_path / "run").mkdir()
    place = Place(data=tmp_path, home=tmp_path, sockets=tmp_path, account=None)
    config = Config.read({"DATA_DIR": str(tmp_path)})
    return start.Start(config, place, cast(Supervisor, SimpleNamespace()))


def _state(value: str) -> Any:
    return lambda: value


def test_a_step_is_skipped_while_nothing_changed(begun: start.Start, ran: list[str]) -> None:
    for _ in range(3):
        begun._unless_done(STEP, [Path(__file__)], _state("made"))
    assert ran == ["model"]


def test_a_changed_source_runs_the_step_again(
    begun: start.Start, ran: list[str], tmp_path: Path
) -> None:
    source = tmp_path / "site.css"
    for text in ("a", "ab"):
        source.write_text(text)
        begun._unless_done(STEP, [source], _state("made"))
    assert ran == ["model", "model"]


def test_a_lost_result_runs_the_step_again(begun: start.Start, ran: list[str]) -> None:
    for state in ("made", "made", "lost"):
        begun._unless_done(STEP, [Path(__file__)], _state(state))
    assert ran == ["model", "model"]


def test_a_failed_step_is_tried_again(
    begun: start.Start, ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(steps, "run", _fails)
        with pytest.raises(ZeroDivisionError):
            begun._unless_done(STEP, [Path(__file__)], _state("made"))
    begun._unless_done(STEP, [Path(__file__)], _state("made"))
    assert ran == ["model"]


def _fails(*_: object) -> None:
    raise ZeroDivisionError


def test_the_app_never_sees_the_owners_login(
    begun: start.Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, str]] = []
    monkeypatch.setattr(start, "web", lambda _config, env, _place: given.append(env))
    monkeypatch.setattr(start, "worker", lambda _queue, env, _place: given.append(env))
    begun.supervisor = cast(Supervisor, SimpleNamespace(start=lambda _: None))
    begun.env |= {
        "DATABASE_OWNER_URL": "postgres://owner@/db",
        "DATABASE_URL": "postgres://app@/db",
    }
    begun._programs()
    assert [env["DATABASE_OWNER_URL"] for env in given] == [""] * 3
    assert [env["DATABASE_URL"] for env in given] == ["postgres://app@/db"] * 3
