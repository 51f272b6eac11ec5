"""The fuzzers themselves: they find what is planted, and a short run of each finds nothing in our readers."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from pybridge.deck import reader
from pybridge.errors import DeckError
from pybridge.model_file import read_model
from pybridge.verify import fuzz_deck, fuzz_worker
from pybridge.verify.fuzz_seeds import parts, write_seeds
from training import datasets
from training.verify import fuzz_dataset

MODULES = {"deck": "pybridge.verify.fuzz_deck", "dataset": "training.verify.fuzz_dataset"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_short_run_finds_nothing(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pybridge.verify.fuzz_worker", MODULES[name], "300", "11", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["300", "0"], done.stderr


def test_seeds_are_sound_and_mutations_are_not_all_alike(tmp_path: Path) -> None:
    for seed in fuzz_deck.SEEDS:
        reader.read_deck_text(seed.decode())
    content, data = fuzz_dataset.seed()
    assert len(data) == 3
    source = random.Random(1)
    decks = {fuzz_deck.make(source) for _ in range(200)}
    assert len(decks) > 190
    refused = 0
    for deck in decks:
        try:
            reader.read_deck_text(deck.decode("utf-8", "replace"))
        except DeckError:
            refused += 1
    assert 0.5 < refused / len(decks) < 1, "some mutated decks must still be decks, to reach what lies behind"
    assert len({fuzz_dataset.make(source) for _ in range(50)} - {content}) > 45


def test_a_reader_that_lets_something_through_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An exception that is no DeckError; a deck with a wrong number; a data set read without its seal."""
    source = random.Random(1)
    inputs = [fuzz_deck.make(source) for _ in range(300)]

    def careless(text: str, name: str = ""):
        if "nan" in text:
            raise KeyError("nan")
        return reader.read_deck_text(text, name)

    monkeypatch.setattr(fuzz_deck, "read_deck_text", careless)
    found = 0
    for data in inputs:
        try:
            fuzz_deck.examine(data, tmp_path)
        except KeyError:
            found += 1
    assert found > 0
    monkeypatch.setattr(datasets, "broken_seal", lambda path: "")
    content, data = fuzz_dataset.seed()
    raw = struct.pack("<d", data.stress[1, 2, 3])
    at = content.index(raw)
    altered = content[:at] + struct.pack("<d", 1.0) + content[at + 8 :]
    with pytest.raises(AssertionError, match="stress"):
        fuzz_dataset.examine(altered, tmp_path)


def test_worker_keeps_what_it_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(fuzz_worker.resource, "setrlimit", lambda *_: None)  # this process is pytest's
    monkeypatch.setattr(fuzz_worker.signal, "alarm", lambda _: None)
    monkeypatch.setattr(fuzz_deck, "examine", lambda data, folder: 1 / (len(data) % 3))
    assert fuzz_worker.main(["pybridge.verify.fuzz_deck", "20", "3", str(tmp_path)]) == 0
    count, found = map(int, capsys.readouterr().out.split())
    kept = sorted(tmp_path.glob("found-*"))
    assert (count, found) == (20, len(kept))
    assert found > 0
    assert all(len(path.read_bytes()) % 3 == 0 for path in kept)


def test_seeds_of_the_model_reader(model_file: Path, tmp_path: Path) -> None:
    folder = write_seeds(tmp_path / "seeds", model_file)
    archive, apart = (folder / f"{model_file.stem}-{kind}" for kind in ("archive", "parts"))
    (tmp_path / "again.pt").write_bytes(archive.read_bytes()[1:])
    again, original = read_model(tmp_path / "again.pt"), read_model(model_file)
    assert again.card == original.card
    card, weights = parts(model_file)
    content = apart.read_bytes()
    (length,) = struct.unpack("<I", content[1:5])
    assert (content[0], content[5 : 5 + length], content[5 + length :]) == (1, card, weights)
