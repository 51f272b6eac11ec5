"""Every Python snippet in README and docs runs; every `pybridge` command in them has options that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pybridge.commands import build_parser

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """(name, text) of every fenced block of a language, pages in order."""
    found = []
    for page in PAGES:
        for number, (kind, text) in enumerate(FENCE.findall(page.read_text()), start=1):
            if kind == language:
                found.append((f"{page.relative_to(ROOT)}#{number}", text))
    return found


def commands() -> list[tuple[str, str]]:
    """Every line of a shell block that calls pybridge, and every `pybridge ...` in running text with options."""
    found = []
    for name, text in blocks("sh") + blocks("") + blocks("text"):
        for line in text.replace("\\\n", " ").splitlines():
            line = line.split(" #")[0].strip().removeprefix(".venv/bin/")
            if line.startswith("pybridge "):
                found.append((name, line))
    return found


@pytest.mark.parametrize(("name", "text"), blocks("python"), ids=lambda value: value if "#" in value else "")
def test_python_snippet_runs(name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(text, name, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize(("name", "line"), commands())
def test_command_has_these_options(name: str, line: str) -> None:
    try:
        build_parser().parse_args(shlex.split(line)[1:])
    except SystemExit as stop:
        if stop.code != 0:  # --help and --version leave with 0
            pytest.fail(f"{name}: {line}")


def test_there_is_something_to_check() -> None:
    assert len(commands()) >= 10
    assert len(blocks("python")) >= 2


def test_make_targets_named_in_the_docs_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {t for page in PAGES for t in re.findall(r"(?:`|^)make (\w+)", page.read_text(), re.MULTILINE)}
    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), (
            f"make {target} is documented but not in the Makefile"
        )
