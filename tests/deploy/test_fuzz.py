"""The fuzzers themselves: they find what is planted, and a short run of each finds nothing in our readers.

tests/deploy/found holds inputs on which a reader was once wrong, and seeds; each is read as the fuzzer reads it.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import pybridge
from pybridge.deck import reader
from pybridge.errors import DeckError, ModelFileError
from pybridge.model_file import read_model
from pybridge.verify import fuzz, fuzz_deck
from pybridge.verify.drivers import DriverError
from pybridge.verify.fuzz_progress import Progress
from pybridge.verify.fuzz_seeds import archive, packed, parts, small_models, write_seeds
from training import datasets
from training.seal import seal_of
from training.verify import fuzz_dataset

MODULES = {"deck": "pybridge.verify.fuzz_deck", "dataset": "training.verify.fuzz_dataset"}
FOUND = Path(__file__).parent / "found"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_short_run_finds_nothing(name: str, tmp_path: Path) -> None:
    """A whole worker, its batch made small."""
    code = f"""
import sys
from pybridge.verify import fuzz_worker
fuzz_worker.BATCH = 320
sys.exit(fuzz_worker.main(["{MODULES[name]}", "11", "2", "400", {str(tmp_path)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    batches = [json.loads(line) for line in done.stdout.splitlines()]
    assert [batch["batch"] for batch in batches] == [11, 13], done.stderr
    assert all(batch["inputs"] >= 320 for batch in batches)
    assert sum(batch["found"] for batch in batches) == 0, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", sorted(FOUND.glob("deck-*")), ids=lambda p: p.name)
def test_decks_that_were_found(path: Path, tmp_path: Path) -> None:
    fuzz_deck.examine(path.read_bytes(), tmp_path)


@pytest.mark.parametrize("path", sorted(FOUND.glob("dataset-*")), ids=lambda p: p.name)
def test_data_sets_that_were_found(path: Path, tmp_path: Path) -> None:
    """As in the fuzzer; and by the reader with its process, which must refuse them."""
    fuzz_dataset.examine(path.read_bytes(), tmp_path)
    with pytest.raises(datasets.DataSetError):
        datasets.read_dataset(path)


def examples(module, count: int) -> list[bytes]:
    """Inputs as a worker makes them."""
    from hypothesis import HealthCheck, Phase, given, seed, settings

    source, found = random.Random(1), []

    @seed(1)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    @given(module.bases())
    def collect(base: bytes) -> None:
        found.extend(module.vary(base, 8, source))

    collect()
    return found


def test_decks_are_varied_and_some_are_decks() -> None:
    for seed in fuzz_deck.SEEDS:
        reader.read_deck_text(seed.decode())
    decks = examples(fuzz_deck, 60)
    assert len(set(decks)) > 0.8 * len(decks)
    refused = 0
    for deck in decks:
        try:
            reader.read_deck_text(deck.decode("utf-8", "replace"))
        except DeckError:
            refused += 1
    assert 0.5 < refused / len(decks) < 1, "some mutated decks must still be decks, to reach what lies behind"


def test_data_sets_are_varied_and_some_are_data_sets(tmp_path: Path) -> None:
    for template in fuzz_dataset.templates():
        fuzz_dataset.examine(template, tmp_path)
        (tmp_path / "sound.h5").write_bytes(template)
        datasets.read_dataset(tmp_path / "sound.h5")
    files = examples(fuzz_dataset, 20)
    assert len(set(files)) > 0.9 * len(files)
    sealed = [data for data in files if not fuzz_dataset.may_end(data)]
    assert 0.3 < len(sealed) / len(files) < 0.7
    right = [data for data in sealed if data[:512] == seal_of([data[512:]])]
    assert len(right) >= 15, "each base is read under a right seal"


def test_a_reader_that_lets_something_through_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An exception that is no DeckError; a data set read without its seal, or with numbers that are none."""

    def careless(text: str, name: str = ""):
        if "nan" in text:
            raise KeyError("nan")
        return reader.read_deck_text(text, name)

    monkeypatch.setattr(fuzz_deck, "read_deck_text", careless)
    with pytest.raises(KeyError):
        fuzz_deck.examine(fuzz_deck.SEEDS[0].replace(b".26", b"nan"), tmp_path)
    template = fuzz_dataset.templates()[1]
    (tmp_path / "sound.h5").write_bytes(template)
    stress = datasets.read_dataset(tmp_path / "sound.h5").stress
    at = template.index(struct.pack("<d", stress[1, 2, 3]))
    altered = template[:at] + struct.pack("<d", 1.0) + template[at + 8 :]
    fuzz_dataset.examine(altered, tmp_path)
    monkeypatch.setattr(datasets, "broken_seal", lambda path: "")
    with pytest.raises(AssertionError, match="broken seal"):
        fuzz_dataset.examine(altered, tmp_path)
    body = template[512:at] + struct.pack("<d", float("nan")) + template[at + 8 :]
    fuzz_dataset.examine(body, tmp_path)
    monkeypatch.setattr(datasets, "_check_values", lambda data: None)
    with pytest.raises(AssertionError):
        fuzz_dataset.examine(body, tmp_path)


def planted(tmp_path: Path, examine: str, may_end: bool) -> dict[str, int]:
    """A batch of a worker whose reader has a fault."""
    code = f"""
import json, os, signal, sys, time
from pathlib import Path
from pybridge.verify import fuzz_deck, fuzz_worker
fuzz_worker.BATCH = 96
def examine(data, folder):
    {examine}
fuzz_deck.examine = examine
fuzz_deck.seconds = lambda data: 0.05
fuzz_deck.may_end = lambda data: {may_end}
again = []
def examine_apart(data, folder):
    again.append(data)
    1 / (len(again) - 1)
fuzz_deck.examine_apart = examine_apart
print(json.dumps(fuzz_worker.batch(fuzz_deck, 3, Path({str(tmp_path)!r}), Path({str(tmp_path)!r}), 2)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "examine",
    ["1 / (len(data) % 13)", "os.kill(os.getpid(), 9) if len(data) % 13 == 0 else None",
     "while len(data) % 13 == 0: pass"],
    ids=["raises", "dies", "hangs"],
)  # fmt: skip
def test_worker_keeps_what_it_finds(tmp_path: Path, examine: str) -> None:
    done = planted(tmp_path, examine, False)
    kept = sorted(tmp_path.glob("found-3-*"))
    assert done["inputs"] >= 96
    assert done["found"] == len(kept) > 0
    assert done["ended"] == 0
    assert all(len(path.read_bytes()) % 13 == 0 for path in kept)


def test_an_input_may_end_its_process_where_the_reader_has_one(tmp_path: Path) -> None:
    """It counts as refused; the first two are read again as the program reads them, and one of those is wrong there."""
    done = planted(tmp_path, "while len(data) % 13 == 0: pass", True)
    assert done["ended"] > 2
    assert done["found"] == 1


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    first = Progress(tmp_path, "deck", 100, "code")
    first.add(40, 1, 2, 0)
    first.add(20, 0, 0, 3)
    again = Progress(tmp_path, "deck", 100, "code")
    assert (again.left, again.counts.found, again.counts.ended, again.counts.batch) == (40, 1, 2, 4)
    assert Progress(tmp_path, "deck", 100, "other code").left == 100
    again.add(40, 0, 0, 4)
    assert again.close().inputs == 100
    assert Progress(tmp_path, "deck", 100, "code").left == 100, "after findings anew"
    third = Progress(tmp_path, "deck", 100, "code")
    third.add(100, 0, 0, 0)
    third.close()
    assert Progress(tmp_path, "deck", 100, "code").left == 0, "complete without findings: taken again"
    (tmp_path / "deck.json").write_text("{")
    assert Progress(tmp_path, "deck", 100, "code").left == 100


def test_counts_belong_to_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader's modules, and what they import; not the rest of the package."""
    for module in MODULES.values():
        assert len(fuzz.code_of(module)) == 64
    assert len({fuzz.code_of(module) for module in MODULES.values()}) == 2
    copy = tmp_path / "copy"
    shutil.copytree(Path(pybridge.__file__).parent, copy / "pybridge", ignore=shutil.ignore_patterns("lib"))
    monkeypatch.setenv("PYTHONPATH", str(copy))
    monkeypatch.chdir(copy)
    before = fuzz.code_of(MODULES["deck"])
    with (copy / "pybridge" / "solver" / "algebra.py").open("a") as file:
        file.write("# changed")
    assert fuzz.code_of(MODULES["deck"]) == before
    with (copy / "pybridge" / "deck" / "mesh.py").open("a") as file:
        file.write("# changed")
    assert fuzz.code_of(MODULES["deck"]) != before
    with pytest.raises(DriverError, match="no_such_module"):
        fuzz.code_of("no_such_module")


def test_inputs_that_libfuzzer_begins_with_are_not_counted() -> None:
    said = "INFO: seed corpus: files: 558 min: 1b\nstat::number_of_executed_units: 20560\n"
    assert fuzz._executed("", said) == 20002
    assert fuzz._executed('{"inputs": 7}', "") == 7
    assert fuzz._executed("", "killed") == 0


def test_two_runs_do_not_count_in_one_folder(tmp_path: Path) -> None:
    options = argparse.Namespace(quick=False, out=tmp_path)
    with fuzz._folder(options) as folder:
        assert folder == tmp_path
        with pytest.raises(DriverError, match="another `pybridge verify fuzz`"), fuzz._folder(options):
            pass
    with fuzz._folder(options):
        pass


@pytest.mark.parametrize(
    ("text", "code", "found"),
    [("SUMMARY: AddressSanitizer: heap-use-after-free", 1, 1), ("fuzz_model: a stress is none", 99, 1),
     ("ParseDictionaryFile: file does not exist", 1, None)],
    ids=["sanitizer", "driver", "did not run"],
)  # fmt: skip
def test_only_what_was_run_is_a_finding(
    tmp_path: Path, monkeypatch, text: str, code: int, found: int | None
) -> None:
    """A driver that ends so on its first run, and reads what it is asked for on the next."""
    done = tmp_path / "done"
    program = tmp_path / "driver"
    program.write_text(
        f"#!/bin/sh\nif [ ! -e {done} ]; then touch {done}; echo '{text}' >&2; exit {code}; fi\n"
        "echo '{\"inputs\": 100}'\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(fuzz, "build_with_clang", lambda *_: (program, False))
    if found is None:
        with pytest.raises(DriverError, match="did not run"):
            fuzz.fuzz_models(tmp_path, 100, [])
    else:
        counts = fuzz.fuzz_models(tmp_path, 100, [])
        assert (counts.inputs, counts.found) == (100, found)


@pytest.mark.parametrize("kind", sorted(small_models()))
def test_seeds_of_the_model_reader(kind: str, tmp_path: Path) -> None:
    """Both readers take them: the archive, and card and weights apart."""
    from pybridge._core import load_model

    folder = write_seeds(tmp_path / "seeds")
    path = tmp_path / f"{kind}.pt"
    path.write_bytes((folder / f"{kind}-archive").read_bytes()[1:])
    assert read_model(path).card["kind"] == kind
    assert load_model(str(path), "native", "float64").state_size > 0
    content = (folder / f"{kind}-parts").read_bytes()
    card, weights = packed(*small_models()[kind])
    (length,) = struct.unpack("<I", content[1:5])
    assert (content[0], content[5 : 5 + length], content[5 + length :]) == (1, card, weights)
    path.write_bytes(archive(card, weights[:-1] + b"x"))
    with pytest.raises(ModelFileError):
        read_model(path)


def test_a_model_file_as_seed(model_file: Path, tmp_path: Path) -> None:
    folder = write_seeds(tmp_path / "seeds", model_file)
    (tmp_path / "again.pt").write_bytes((folder / f"{model_file.stem}-archive").read_bytes()[1:])
    assert read_model(tmp_path / "again.pt").card == read_model(model_file).card
    assert parts(model_file)[1] == parts(tmp_path / "again.pt")[1]
