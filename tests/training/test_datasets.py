"""Data sets: schema, validation, resumption after SIGKILL, full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pybridge.errors import ConfigError, DataSetError, PybridgeError
from training import foreign
from training.datasets import DataSetWriter, parts_folder, read_dataset, write_dataset
from training.executor import Dask, Processes, Serial
from training.fine_scale import Law
from training.generate import Part, Plan, generate
from training.paths import PathSpec, sample
from training.seal import seal
from training.tensors import IDENTITY

J2 = Law("PYBRIDGE_J2", (63.9e9, 0.278, 200e6, 0.0))


def plan(paths=12, batch=3, seed=0, steps=20):
    return Plan(J2, (Part(PathSpec("R", 0.05, steps=steps, seed=seed), paths),), stored=10, batch=batch)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.h5"
    generate(plan(), path, Serial(), quiet=True)
    return path


def test_holds_what_the_law_answers_along_the_sampled_paths(good):
    data = read_dataset(good)
    assert data.stretch.shape == data.stress.shape == (12, 11, 6)
    np.testing.assert_array_equal(data.stretch[5], sample(PathSpec("R", 0.05, steps=20), 5).stretch[::2])
    assert data.provenance["material"]["shear"] == pytest.approx(63.9e9 / 2 / 1.278)
    deviator = data.stress - data.stress[..., :3].mean(-1, keepdims=True) * IDENTITY
    mises = np.sqrt(1.5 * (deviator**2 * [1, 1, 1, 2, 2, 2]).sum(-1))
    assert mises.max() == pytest.approx(200e6, rel=1e-9)  # perfect plasticity: every path yields


def test_does_not_depend_on_processes_or_batches(good, tmp_path):
    other = tmp_path / "other.h5"
    generate(plan(batch=5), other, Processes(2), quiet=True)
    a, b = read_dataset(good), read_dataset(other)
    np.testing.assert_array_equal(a.stress, b.stress)
    np.testing.assert_array_equal(a.stretch, b.stretch)


def test_several_protocols_stand_in_one_set(tmp_path):
    parts = (Part(PathSpec("R", 0.05, steps=20), 3), Part(PathSpec("U", 0.1, steps=20), 4))
    generate(Plan(J2, parts, stored=10, batch=2), tmp_path / "two.h5", Serial(), quiet=True)
    data = read_dataset(tmp_path / "two.h5")
    assert data.protocol == ("R",) * 3 + ("U",) * 4
    np.testing.assert_array_equal(data.stretch[5], sample(parts[1].spec, 2).stretch[::2])


def test_same_command_again_does_nothing_and_another_one_is_refused(good):
    before = good.stat().st_mtime_ns
    assert generate(plan(), good, Serial(), quiet=True)["new"] == 0
    assert good.stat().st_mtime_ns == before
    with pytest.raises(DataSetError, match=r"exists and holds another data set: parts is"):
        generate(plan(seed=1), good, Serial(), quiet=True)


class Interrupting:
    """Stops after some batches, as Ctrl-C does."""

    def __init__(self, batches):
        self.batches = batches

    def run(self, function, tasks):
        for count, task in enumerate(tasks):
            if count == self.batches:
                raise KeyboardInterrupt
            yield task, function(task)


def test_an_interrupted_run_goes_on_and_ends_the_same(good, tmp_path):
    path = tmp_path / "resumed.h5"
    with pytest.raises(KeyboardInterrupt):
        generate(plan(), path, Interrupting(2), quiet=True)
    assert not path.exists()
    with pytest.raises(DataSetError, match=r"unfinished run: repeat its `generate` command"):
        read_dataset(path)
    with pytest.raises(DataSetError, match="belongs to another run"):
        generate(plan(seed=3), path, Serial(), quiet=True)
    assert generate(plan(batch=4), path, Serial(), quiet=True)["new"] == 6
    np.testing.assert_array_equal(read_dataset(path).stress, read_dataset(good).stress)
    assert not parts_folder(path).exists()


def test_a_damaged_part_is_computed_again(tmp_path):
    path = tmp_path / "d.h5"
    with pytest.raises(KeyboardInterrupt):
        generate(plan(), path, Interrupting(2), quiet=True)
    part = sorted(parts_folder(path).glob("batch-*.h5"))[0]
    part.write_bytes(part.read_bytes()[:100])
    assert generate(plan(), path, Serial(), quiet=True)["new"] == 9


def command(out, paths, *, batch=4):
    code = "import sys; from pybridge.commands import main; sys.exit(main(sys.argv[1:]))"
    options = ["generate", "law", "PYBRIDGE_J2", "--constants", "63.9e9,0.278,200e6,0", "--paths", str(paths)]
    options += [
        "--steps",
        "200",
        "--batch",
        str(batch),
        "--processes",
        "1",
        "--strain",
        "0.05",
        "--out",
        str(out),
    ]
    return [sys.executable, "-c", code, *options]


def test_killed_at_any_moment_keeps_finished_paths_and_leaves_no_orphan(tmp_path):
    out = tmp_path / "killed.h5"
    process = subprocess.Popen(command(out, 160), start_new_session=True, stderr=subprocess.DEVNULL)
    parts = parts_folder(out)
    deadline = time.monotonic() + 60
    while len(list(parts.glob("batch-*.h5"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = DataSetWriter(out, np.arange(2), json.loads((parts / "header.json").read_text())).finished()
    assert len(finished) >= 12
    deadline = time.monotonic() + 20
    while _group_lives(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _group_lives(process.pid), "a worker outlived its killed parent"
    again = subprocess.run(command(out, 160), capture_output=True, text=True, check=True, timeout=120)
    assert f"({160 - len(finished)} in this run" in again.stdout
    assert len(read_dataset(out)) == 160


def _group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return any(_running(pid, group) for pid in os.listdir("/proc") if pid.isdigit())


def _running(pid, group):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(fields[2]) == group and fields[0] != "Z"


def test_full_disk_is_told_and_leaves_nothing_half_written(tmp_path):
    # A limit on file size makes every large write fail as a full disk does.
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "from training.datasets import DataSetWriter\n"
        "from pybridge.errors import DataSetError\n"
        "import numpy as np\n"
        "w = DataSetWriter(Path(sys.argv[1]), np.arange(3.0), {})\n"
        "try:\n"
        "    w.append(np.arange(200), {'stress': np.zeros((200, 3, 6))}, ['R'] * 200, np.zeros(200, bool))\n"
        "except DataSetError as error:\n"
        "    print(error)\n"
    )
    out = tmp_path / "full.h5"
    answer = subprocess.run(
        [sys.executable, "-c", code, str(out)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "cannot be written (File too large)" in answer.stdout
    assert "finished paths are kept" in answer.stdout
    assert [file.name for file in parts_folder(out).iterdir()] == ["header.json"]


def change_attribute(name, value):
    def change(file):
        file.attrs[name] = value

    return change


def change_dataset(name, edit):
    def change(file):
        values = file[name][()]
        del file[name]
        edited = edit(values)
        if edited is not None:
            file[name] = edited

    return change


def nan_at(values):
    values[2, 3, 1] = np.nan
    return values


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (change_attribute("format", "other"), "attribute format: expected 'pybridge-dataset', got 'other'"),
        (change_attribute("format_version", 9), "attribute format_version: expected 1 to 1, got 9"),
        (change_attribute("complete", False), "attribute complete: expected true"),
        (change_attribute("units", '{"stress": "MPa"}'), "attribute units, key time"),
        (change_attribute("units", "nonsense"), "attribute units: expected a JSON object"),
        (change_dataset("stress", lambda v: None), "dataset stress is missing"),
        (change_dataset("stress", lambda v: v[:, :5]), "dataset stress: expected the shape of stretch"),
        (
            change_dataset("stretch", lambda v: v[..., :4]),
            r"dataset stretch: expected shape \(paths, times, 6\)",
        ),
        (change_dataset("time", lambda v: v[:-1]), "dataset time: expected 11 times"),
        (change_dataset("time", lambda v: v[::-1].copy()), "dataset time: expected times that start at 0"),
        (
            change_dataset("stress", nan_at),
            r"dataset stress: expected finite numbers, got nan at index \[2, 3, 1\]",
        ),
        (change_dataset("path_done", lambda v: v[1:]), "dataset path_done: expected 12 entries, got 11"),
        (change_dataset("path_done", lambda v: 0 * v + 2), "holds no usable path"),
    ],
)
def test_reader_names_file_and_entry(good, change, text):
    with h5py.File(good, "r+") as file:
        change(file)
    seal(good)
    with pytest.raises(DataSetError, match=text) as caught:
        read_dataset(good)
    assert str(good) in str(caught.value)


def test_truncated_or_foreign_file(good):
    whole = good.read_bytes()
    for content, message in (
        (whole[:500], "truncated or altered since it was written"),
        (whole[:-1], "truncated or altered since it was written"),
        (whole + b"x", "truncated or altered since it was written"),
        (b"time, stress", "neither HDF5 nor a data set of pybridge"),
        (whole[512:1000], "cannot be read as HDF5"),
        (b"", "neither HDF5 nor"),
    ):
        good.write_bytes(content)
        with pytest.raises(DataSetError, match=message):
            read_dataset(good)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_altered_byte_gives_no_number(good, data):
    """Anywhere in the file, HDF5's own structure included: a mutation of it made the library loop for ever."""
    whole = good.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda v: v != whole[at]))
    other = good.with_name("altered.h5")
    other.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
    with pytest.raises(DataSetError):
        read_dataset(other)


WRONG = st.one_of(
    st.none(), st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=4), st.integers(-3, 2**40), st.floats(), st.lists(st.integers(-1, 3), max_size=3),
    st.sampled_from(["{}", "[]", '{"time": "s"}', "\ud800".encode("utf-8", "replace").decode()]),
)  # fmt: skip
ARRAYS = st.sampled_from(
    [np.zeros(0), np.zeros((3, 11, 6)), np.zeros((12, 11, 5)), np.zeros((12, 1, 6)), np.full((12, 11, 6), np.inf),
     np.array(["a"] * 12, dtype="S4"), np.array([b"\xff"] * 12), np.zeros(12, "c16"), np.int64(3), np.zeros((2,) * 7)]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_valid_hdf5_with_wrong_contents(good, data):
    """Sound HDF5 under its seal: DataSetError, or histories of finite numbers that fit together."""
    other = good.with_name("elsewhere.h5")
    other.write_bytes(good.read_bytes())
    with h5py.File(other, "r+") as file:
        for _ in range(data.draw(st.integers(0, 2))):
            if data.draw(st.booleans()):
                key = data.draw(st.sampled_from(sorted(file.attrs)))
                value = data.draw(WRONG)
                del file.attrs[key]
                if value is not None:
                    file.attrs[key] = value
            else:
                key = data.draw(st.sampled_from(sorted(file)))
                value = data.draw(st.one_of(st.none(), ARRAYS))
                del file[key]
                if value is not None:
                    file[key] = value
                elif data.draw(st.booleans()):
                    file.create_group(key)
    seal(other)
    try:
        read = read_dataset(other)
    except DataSetError:
        return
    assert np.isfinite(read.stress).all()
    assert read.stress.shape == read.stretch.shape == (len(read), 11, 6)


def test_files_from_elsewhere_are_read_in_a_process_with_limits(good, monkeypatch):
    """The same histories; 480 GB that a file of 20 kB claims, an endless reader, a dying one: DataSetError."""
    other = good.with_name("elsewhere.h5")
    other.write_bytes(good.read_bytes()[512:])
    a, b = read_dataset(good), read_dataset(other)
    for name in ("time", "stretch", "stress"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.protocol, dict(a.provenance)) == (b.protocol, dict(b.provenance))
    with pytest.raises(
        DataSetError, match=r"elsewhere\.h5: HDF5's library did not finish reading it in 0\.001 s"
    ):
        foreign.read_apart(other, 0.001)  # less than a process takes to begin
    with h5py.File(other, "r+") as file:
        del file["stress"]
        file.create_dataset("stress", (10**7, 1000, 6), "f8", chunks=(1, 1000, 6))
    with pytest.raises(
        DataSetError, match=r"elsewhere\.h5: altered, truncated or not a data set \(MemoryError"
    ):
        read_dataset(other)
    monkeypatch.setattr(foreign.sys, "executable", "/bin/false")
    with pytest.raises(DataSetError, match=r"ended abruptly while reading it \(exit code 1: no message\)"):
        read_dataset(other)
    with pytest.raises(DataSetError, match="not a file"):
        read_dataset(good.parent)


def test_failed_paths_are_left_out(good):
    with h5py.File(good, "r+") as file:
        file["path_done"][4] = 2
        file["stress"][4] = np.nan
    seal(good)
    data = read_dataset(good)
    assert (len(data), data.failed) == (11, 1)


def test_own_histories_can_be_written(tmp_path, rng):
    time_grid = np.linspace(0, 1e-3, 6)
    stretch = np.tile(IDENTITY, (4, 6, 1))
    stress = rng.normal(size=(4, 6, 6)) * 1e6
    write_dataset(tmp_path / "lab.h5", time_grid, stretch, stress, ["lab"] * 4, {"who": "laboratory"})
    data = read_dataset(tmp_path / "lab.h5")
    np.testing.assert_array_equal(data.stress, stress)
    assert data.protocol == ("lab",) * 4
    assert data.provenance["who"] == "laboratory"


def test_bad_plans_and_executors_say_what_was_expected(tmp_path):
    with pytest.raises(ConfigError, match="stored = 7: expected a divisor of steps = 20"):
        Plan(J2, (Part(PathSpec("R", 0.05, steps=20), 3),), stored=7)
    with pytest.raises(ConfigError, match="the same one twice"):
        Plan(J2, (Part(PathSpec("R", 0.05, steps=20), 3),) * 2, stored=10)
    with pytest.raises(ConfigError, match="no such built-in law; expected one of PYBRIDGE_ELASTIC"):
        generate(Plan(Law("NOPE"), plan().parts, stored=10), tmp_path / "x.h5", Serial(), quiet=True)
    with pytest.raises(PybridgeError, match="processes = -1"):
        Processes(-1)
    with pytest.raises(PybridgeError, match=r"pip install distributed|no scheduler answers"):
        Dask("tcp://127.0.0.1:1")


def die(_task):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies_is_told():
    with pytest.raises(PybridgeError, match="a worker process ended abruptly"):
        list(Processes(1).run(die, [1]))
