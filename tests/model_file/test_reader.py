"""Reading a model file, in C++ and in Python: round trip, and clear refusals of damaged archives."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from file_cases import archive, both_refuse

from pybridge._core import MaterialError, load_model
from pybridge.errors import ModelFileError
from pybridge.model_file import complete_card, read_model, write_model


def test_round_trip(surrogate: Any) -> None:
    file = read_model(surrogate.path)
    assert file.kind == "pca_dnn"
    assert file.card == surrogate.card
    assert list(file.tensors) == list(surrogate.tensors)
    for name, tensor in surrogate.tensors.items():
        assert np.array_equal(file.tensors[name], tensor)
        assert file.tensors[name].shape == tensor.shape
    assert all(entry["offset"] % 64 == 0 for entry in file.card["tensors"])


def test_writer_leaves_nothing_behind(surrogate: Any, tmp_path: Path) -> None:
    target = tmp_path / "model.pt"
    target.write_text("the old model")

    class Unwritable:
        pass

    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever torch raises for something that is no module
        write_model(target, Unwritable(), surrogate.card, surrogate.tensors)
    assert target.read_text() == "the old model"
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]
    write_model(target, torch.jit.load(str(surrogate.path)), surrogate.card, surrogate.tensors)
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]
    load_model(str(target), "native", "float64")


def test_full_disk_keeps_the_old_file(
    surrogate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model.pt"
    target.write_text("the old model")

    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed")

    monkeypatch.setattr(torch.jit, "save", full)
    with pytest.raises(OSError, match=r"model\.pt: torch could not write the archive \(disk full\?\)"):
        write_model(target, None, surrogate.card, surrogate.tensors)
    assert target.read_text() == "the old model"
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a": np.arange(3)}, "tensor a: expected float32 or float64, got int64"),
        ({"a": np.array([1.0, np.nan])}, "tensor a: holds NaN or infinity"),
        ({"a": np.zeros((2, 0))}, "tensor a: shape must be a list of positive"),
    ],
)
def test_writer_refuses_bad_tensors(surrogate: Any, tmp_path: Path, tensors: dict, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        write_model(tmp_path / "x.pt", None, surrogate.card, tensors)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("extra", [*range(1, 40), 1000])
def test_every_length_of_weights_hashes_alike(tools: Any, tmp_path: Path, extra: int) -> None:
    """SHA-256 pads at 56 of 64 bytes: lengths 4 apart pass all cases."""
    card = tools.card(modes=(1, 1))
    tensors = tools.tensors(card)
    tensors["unknown"] = np.arange(extra, dtype=np.float32)
    whole, weights = complete_card(card, tensors)
    path = tmp_path / "x.pt"
    path.write_bytes(archive(json.dumps(whole).encode(), weights))
    load_model(str(path), "native", "float64")
    last = len(weights) - 1
    path.write_bytes(archive(json.dumps(whole).encode(), weights[:last] + bytes([weights[last] ^ 1])))
    both_refuse(path, "sha256.*altered")


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    both_refuse(
        tmp_path / "no.pt",
        "no.pt: cannot read the model file: No such file",
        "no such model file; expected a .pt",
    )
    both_refuse(tmp_path, "not a regular file", "cannot be read")
    pipe = tmp_path / "pipe.pt"
    os.mkfifo(pipe)
    with pytest.raises(MaterialError, match="not a regular file"):
        load_model(str(pipe), "native", "float64")
    empty = tmp_path / "empty.pt"
    empty.touch()
    both_refuse(empty, "not a zip archive", "not a model file")
    text = tmp_path / "text.pt"
    text.write_text("x" * 1000)
    both_refuse(text, "not a zip archive", "not a model file")


def test_every_truncation_is_refused(write: Callable[..., Path]) -> None:
    path = write()
    whole = path.read_bytes()
    load_model(str(path), "native", "float64")
    for size in [*range(0, len(whole), 61), len(whole) - 1]:
        path.write_bytes(whole[:size])
        both_refuse(
            path, "changed.pt: .*(truncated|damaged)", "truncated, altered or not a model file|written by"
        )


def test_a_plain_torchscript_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(path))
    both_refuse(
        path,
        "expected one extra/card.json in the archive, found 0; .*not written by `pybridge export`",
        "written by",
    )


def test_compressed_and_doubled_entries_are_refused(write: Callable[..., Path], parts: Any) -> None:
    both_refuse(write(method=zipfile.ZIP_DEFLATED), "is compressed")
    path = write()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as file:
        file.writestr("small/extra/card.json", b"{}")
    both_refuse(path, "expected one extra/card.json in the archive, found 2")
    assert load_model(str(write(name="another_name")), "native", "float64").state_size == 7


def test_an_archive_with_a_comment_is_read(write: Callable[..., Path]) -> None:
    path = write()
    with zipfile.ZipFile(path, "a") as file:
        file.comment = b"a comment PK\x05\x06 of the user " * 100
    load_model(str(path), "native", "float64")
    path.write_bytes(path.read_bytes() + b"tail")
    with pytest.raises(MaterialError, match="not a zip archive"):
        load_model(str(path), "native", "float64")


@pytest.mark.parametrize(("position", "name"), [(40, "weights.bin"), (-1, "card.json")])
def test_flipped_bits_do_not_fit_the_checksum(
    write: Callable[..., Path], parts: Any, position: int, name: str
) -> None:
    path = write()
    whole = bytearray(path.read_bytes())
    content = parts[1] if name == "weights.bin" else json.dumps(parts[0]).encode()
    whole[whole.index(content) + position % len(content)] ^= 1
    path.write_bytes(whole)
    both_refuse(path, f"checksum of extra/{name} does not fit: the file was altered", "CRC-32")


def test_zip64_sizes_are_refused_clearly(write: Callable[..., Path]) -> None:
    path = write()
    whole = path.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    for offset, value in ((24, b"\xff" * 4), (42, b"\xff" * 4)):
        changed = bytearray(whole)
        changed[directory + offset : directory + offset + 4] = value
        path.write_bytes(changed)
        with pytest.raises(MaterialError, match="zip64"):
            load_model(str(path), "native", "float64")
    end = whole.rindex(b"PK\x05\x06")
    for offset, value in ((10, b"\xff" * 2), (16, b"\xff" * 4)):
        changed = bytearray(whole)
        changed[end + offset : end + offset + len(value)] = value
        path.write_bytes(changed)
        with pytest.raises(MaterialError, match="zip64"):
            load_model(str(path), "native", "float64")


def test_entries_with_extra_fields_and_comments_are_read(write: Callable[..., Path], parts: Any) -> None:
    path = write()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in (
            ("a", b"x"),
            ("weights.bin", parts[1]),
            ("b", b"y"),
            ("card.json", json.dumps(parts[0])),
        ):
            entry = zipfile.ZipInfo(f"small/extra/{name}")
            entry.extra = b"\x46\x42\x06\x00padded"
            entry.comment = b"a comment"
            file.writestr(entry, content)
    assert load_model(str(path), "native", "float64").state_size == 7
    assert read_model(path).kind == "pca_dnn"
