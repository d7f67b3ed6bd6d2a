"""Every code that the code base can answer with is documented, by the class that has it."""

import ast
from collections.abc import Iterator

import pytest
from django.test import Client

from saas.api.problems import problems
from saas.errors import AppError
from tests.support.source import Source, sources

# Ends of background work; they stand in a job's `error_code`, not in an answer.
OF_JOBS = {"stale_lease"}


def subclasses(kind: type[AppError]) -> Iterator[type[AppError]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def declared() -> list[type[AppError]]:
    """The errors of our own that have a code of their own."""
    import saas.urls  # noqa: F401  every module that has one

    kinds = [AppError, *subclasses(AppError)]
    return [
        each for each in kinds if "code" in vars(each) and not each.__module__.startswith("tests.")
    ]


def given_codes(source: Source) -> Iterator[str]:
    """The `code="…"` of every call that makes an error of ours."""
    names = {"AppError", *(kind.__name__ for kind in subclasses(AppError))}
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
            yield from (
                f"{source.path}: {word.value.value}"
                for word in node.keywords
                if word.arg == "code" and isinstance(word.value, ast.Constant)
            )


def test_every_code_has_one_class_that_says_what_to_do() -> None:
    assert [kind.code for kind in declared() if "advice" not in vars(kind)] == sorted(OF_JOBS)
    assert len({kind.code for kind in declared()}) == len(declared())


def test_no_error_is_given_a_code_that_its_class_does_not_have() -> None:
    assert [found for source in sources() for found in given_codes(source)] == []
    assert list(given_codes(Source("x.py", "raise Conflict(detail, code='in_use')")))


@pytest.mark.django_db
def test_each_has_its_page(client: Client) -> None:
    assert len(problems()) > 60
    for code, kind in problems().items():
        page = client.get(f"/problems/{code.replace('_', '-')}/")
        assert page.status_code == 200
        assert code in page.content.decode()
        assert str(kind.advice)


@pytest.mark.django_db
def test_a_code_that_is_none_has_no_page(client: Client) -> None:
    assert client.get("/problems/no-such-thing/").status_code == 404
