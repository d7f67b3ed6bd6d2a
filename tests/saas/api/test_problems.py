"""Every code that the code base can answer with is documented, and every documented one exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAcceptable

from saas import errors
from saas.api.problems import PROBLEMS
from saas.errors import AppError

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("saas", "tenants", "training", "generation")
CODE = re.compile(r"[a-z][a-z_]+")
# Exceptions of DRF that we pass on under their own code.
PASSED_ON: tuple[type[APIException], ...] = (MethodNotAllowed, NotAcceptable)
# Ends of background work; they stand in a job's `error_code`, not in an answer.
OF_JOBS = {"stale_lease"}


def subclasses(kind: type[AppError]) -> Iterator[type[AppError]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def given_codes() -> Iterator[str]:
    """The `code="…"` of every call that makes an error of ours."""
    names = {"AppError", *(kind.__name__ for kind in subclasses(AppError)), "malformed", "refused"}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for call in calls(ast.parse(path.read_text()), names):
                yield from (
                    str(word.value.value)
                    for word in call.keywords
                    if word.arg == "code" and isinstance(word.value, ast.Constant)
                )


def calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in names:
                yield node


def known_codes() -> set[str]:
    import saas.urls  # noqa: F401  every module that has an error of its own

    own = {kind.code for kind in subclasses(AppError) if CODE.fullmatch(kind.code)}
    passed_on = {str(kind.default_code) for kind in PASSED_ON}
    return own | passed_on | {errors.AppError.code} | set(given_codes())


def test_every_code_is_documented() -> None:
    undocumented = known_codes() - PROBLEMS.keys() - OF_JOBS
    assert not undocumented


def test_every_documented_code_exists() -> None:
    source = "".join(
        path.read_text()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if path.name != "problems.py"
    )
    passed_on = {str(kind.default_code) for kind in PASSED_ON}
    assert not [code for code in PROBLEMS if f'"{code}"' not in source and code not in passed_on]


@pytest.mark.parametrize("code", PROBLEMS)
@pytest.mark.django_db
def test_its_page_is_there(client: Client, code: str) -> None:
    page = client.get(f"/problems/{code.replace('_', '-')}/")
    assert page.status_code == 200
    assert code in page.content.decode()


@pytest.mark.django_db
def test_a_code_that_is_none_has_no_page(client: Client) -> None:
    assert client.get("/problems/no-such-thing/").status_code == 404
