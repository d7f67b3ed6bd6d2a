"""What a caller reads of a fault inside a library."""

from generation.engine.local import reason


def test_a_library_s_own_source_is_not_named() -> None:
    error = RuntimeError('[08:55:41] /project/cpp/converter.cc:4944: Unsupported type "x"')
    assert reason(error, "grammar_invalid") == ("grammar_invalid", 'Unsupported type "x"')
