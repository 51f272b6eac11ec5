"""What `pybridge verify threads` and `verify sanitizers` take from their drivers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pybridge.verify.drivers import DriverError, run_driver


def program(folder: Path, text: str) -> Path:
    path = folder / "driver"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_answer_of_a_driver(tmp_path: Path) -> None:
    assert run_driver(program(tmp_path, "echo '{\"calls\": 3}'"), "threads") == {"calls": 3}
    assert run_driver(program(tmp_path, "true"), "reference") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo loading ROD; echo '{\"calls\": 3}'", "wrote to standard output: loading ROD"),
        ("echo 'heap-use-after-free' >&2; exit 1", "(?s)exit code 1.*heap-use-after-free"),
    ],
    ids=["output", "sanitizer"],
)
def test_what_a_driver_must_not_do(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(DriverError, match=expected):
        run_driver(program(tmp_path, text), "threads")
