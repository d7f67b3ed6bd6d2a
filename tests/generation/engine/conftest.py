"""A toy model and the engine over it."""

import pytest

from tests.generation.engine.toys import write_toy


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """(folder, the same model in transformers)"""
    folder = tmp_path_factory.mktemp("toy")
    return folder, write_toy(folder)


@pytest.fixture
def make_engine(toy):
    from generation.engine import load

    engines = []

    def make(**options):
        engines.append(
            load(
                "local",
                **{"model": toy[0], "threads": 1, "context": 512, "precision": "fp32"} | options,
            )
        )
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()
