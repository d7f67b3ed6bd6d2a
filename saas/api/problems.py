"""Every problem that the API can answer with: its code, its status and what to do about it."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from saas.errors import AppError, NotFound


def problems() -> dict[str, type[AppError]]:
    """The errors of all apps by their code, by status and name."""
    declared = [kind for kind in _errors(AppError) if "advice" in vars(kind)]
    declared.sort(key=lambda kind: (kind.status, kind.code))
    return {kind.code: kind for kind in declared}


def _errors(kind: type[AppError]) -> Iterator[type[AppError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _errors(below)


def page(request: HttpRequest, code: str) -> HttpResponse:
    """The page that a problem's `type` leads to."""
    problem = problems().get(code.replace("-", "_"))
    if problem is None:
        raise NotFound
    context = {"code": problem.code, "status": problem.status, "advice": problem.advice}
    return render(request, "saas/problem.html", context)
