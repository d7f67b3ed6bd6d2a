"""Building the library: once, for this processor, and never in the way of an install."""

import subprocess

import pytest

from generation.engine.native import build


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KINDLING_NATIVE_DIR", str(tmp_path))
    return tmp_path


def compile_as(monkeypatch, code):
    """A stand-in for the compiler that writes `code` as the library."""

    def run(command, check):
        with open(command[command.index("-o") + 1], "w") as file:
            file.write(code)

    monkeypatch.setattr(build, "compiler", lambda: "c++")
    monkeypatch.setattr(subprocess, "run", run)


def test_it_compiles_once_and_removes_what_is_old(folder, monkeypatch):
    (folder / "kindling-0123456789abcdef.so").write_text("old")
    compile_as(monkeypatch, "new")
    made = build.build()
    compile_as(monkeypatch, "newer")
    assert build.build() == made
    assert [path.name for path in folder.iterdir()] == [made.name]
    assert made.read_text() == "new"


def test_another_processor_needs_another_library(monkeypatch):
    here = build.library_path()
    monkeypatch.setattr(build, "processor", lambda: "another one")
    assert build.library_path() != here


def test_without_a_compiler_the_install_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(build, "compiler", lambda: None)
    assert build.main() == 0
    assert "more slowly" in capsys.readouterr().out


def test_a_compiler_that_fails_leaves_nothing_behind(folder, monkeypatch, capsys):
    monkeypatch.setenv("CXX", "false")
    assert build.main() == 0
    assert "more slowly" in capsys.readouterr().out
    assert list(folder.iterdir()) == []
