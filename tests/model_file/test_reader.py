"""Reading a model file, in C++ and in Python: round trip, clear refusals, and thousands of damaged files."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pybridge._core import MaterialError, load_model
from pybridge.errors import ModelFileError
from pybridge.model_file import FORMAT_VERSION, complete_card, read_model, write_model


def archive(card: bytes, weights: bytes, name: str = "small", method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        file.writestr(f"{name}/extra/weights.bin", weights)
        file.writestr(f"{name}/extra/card.json", card)
        file.writestr(f"{name}/version", b"3\n")
    return stream.getvalue()


@pytest.fixture(scope="module")
def parts(tools: Any) -> tuple[dict[str, Any], bytes]:
    """Card and weights of a very small surrogate."""
    card = tools.card(modes=(1, 1))
    return complete_card(card, tools.tensors(card))


@pytest.fixture
def write(tmp_path: Path, parts: tuple[dict[str, Any], bytes]) -> Callable[..., Path]:
    """write(change): a file whose card `change` has altered in place, with a valid checksum."""

    def make(
        change: Callable[[dict], Any] | None = None, weights: bytes | None = None, **options: Any
    ) -> Path:
        card = copy.deepcopy(parts[0])
        if change is not None:
            change(card)
        path = tmp_path / "changed.pt"
        text = options.pop("text", None) or json.dumps(card).encode()
        path.write_bytes(archive(text, parts[1] if weights is None else weights, **options))
        return path

    return make


def both_refuse(path: Path, native: str, python: str | None = None) -> None:
    """Both readers name the file and say what is wrong."""
    for read, error, message in (
        (lambda: load_model(str(path), "native", "float64"), MaterialError, native),
        (lambda: read_model(path), ModelFileError, python if python is not None else native),
    ):
        if message == "accepted":
            read()
            continue
        with pytest.raises(error, match=message) as caught:
            read()
        assert str(path) in str(caught.value)


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


def put(path: str, value: Any) -> Callable[[dict], None]:
    """Sets card entry "a.b.0.c"; a value of ... removes it."""

    def change(card: dict) -> None:
        *keys, last = [int(k) if k.isdigit() else k for k in path.split(".")]
        at: Any = card
        for key in keys:
            at = at[key]
        if value is ...:
            del at[last]
        else:
            at[last] = value

    return change


CARD_FAULTS = [
    ("format", "other", '"format"'),
    ("format", ..., '"format"'),
    ("format_version", 0, '"format_version" must be a positive whole number'),
    ("format_version", 1.5, '"format_version" must be a positive whole number'),
    ("format_version", FORMAT_VERSION + 1, f"written in format version {FORMAT_VERSION + 1}, this pybridge reads up to"),
    ("kind", 3, '"kind" must be a text'),
    ("name", None, '"name" must be a text'),
    ("precision", "f16", '"precision" must be "f32" or "f64"'),
    ("conventions.strain", "log", '"conventions'),
    ("conventions.stress", ..., '"conventions'),
    ("conventions.packing", "engineering", '"conventions'),
    ("conventions.symmetric_order", "11,22,33,12,13,23", '"conventions'),
    ("units.stress", "MPa", '"units'),
    ("units.time", "ms", '"units'),
    ("state_schema", {}, '"state_schema" must be a list'),
    ("state_schema.0.count", 0, "state_schema"),
    ("state_schema.0.count", 2.5, "state_schema"),
    ("state_schema.0.name", 1, "state_schema"),
    ("state_schema.1.unit", ..., "state_schema"),
    ("state_schema.1.description", ..., "state_schema"),
    ("elastic_moduli", ..., "elastic_moduli"),
    ("elastic_moduli.bulk", 0, "elastic_moduli.bulk"),
    ("elastic_moduli.shear", -1.0, "elastic_moduli.shear"),
    ("elastic_moduli.shear", "17e9", "elastic_moduli.shear"),
    ("domain", ..., '"domain" must be an object'),
    ("domain.strain_max", 0, "domain.strain_max"),
    ("domain.rate_max", "much", "domain.rate_max"),
    ("domain.time_max", -1, "domain.time_max"),
    ("weights_sha256", ..., '"weights_sha256" must be a text'),
    ("weights_sha256", "0" * 64, "sha256"),
    ("tensors", {}, '"tensors" must be a list'),
    ("tensors.0.name", 5, "name"),
    ("tensors.1.name", "time", "tensor time is listed twice"),
    ("tensors.0.dtype", "f16", 'tensor time: dtype must be "f6?'),
    ("tensors.0.shape", 21, "tensor time: shape must"),
    ("tensors.0.shape", [0], "tensor time: shape must"),
    ("tensors.0.shape", [-21], "tensor time: shape must"),
    ("tensors.0.shape", [20], "tensor time: bytes"),
    ("tensors.0.bytes", 8, "tensor time: bytes"),
    ("tensors.0.bytes", ..., "tensor time: bytes"),
    ("tensors.0.offset", 4, "tensor time: lies outside weights.bin"),
    ("tensors.0.offset", -64, "tensor time: lies outside weights.bin"),
    ("tensors.0.offset", 1 << 60, "tensor time: lies outside weights.bin"),
    ("tensors.0.offset", None, "tensor time: lies outside weights.bin"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "value", "message"), CARD_FAULTS)
def test_card_faults_are_named(write: Callable[..., Path], entry: str, value: Any, message: str) -> None:
    both_refuse(write(put(entry, value)), message)


@pytest.mark.parametrize("entry", ["elastic_moduli.bulk", "domain.time_max", "density"])
def test_whole_numbers_beyond_doubles_are_refused(write: Callable[..., Path], entry: str) -> None:
    path = write(put(entry, 10**400))
    with pytest.raises(ModelFileError, match=entry):
        read_model(path)
    with pytest.raises(MaterialError, match="number out of range"):
        load_model(str(path), "native", "float64")


KIND_FAULTS = [
    ("kind", "gru", 'a model of kind "gru"; the native engine knows pca_dnn'),
    ("network", ..., '"network" must list at least one layer'),
    ("network", [], '"network" must list at least one layer'),
    ("network.0.activation", "gelu", 'activation "gelu": expected linear, relu'),
    ("network.0.activation", 1, '"network" does not fit the tensors of layer0'),
    ("network.1.in", 16, '"network" does not fit the tensors of layer1'),
    ("network.2.out", 7, '"network" does not fit the tensors of layer2'),
    ("network.0", ..., '"network" does not fit the tensors of layer0'),
    ("tensors.0", ..., "a model of kind pca_dnn needs the tensor time, the file has none"),
    ("tensors.3.name", "scale", "needs the tensor input_scale"),
    ("state_schema.0.count", 7, r'"state_schema" must be pca_coefficient\[6\], unreliable\[1\]'),
    ("state_schema.0.name", "pca", r'"state_schema" must be pca_coefficient\[6\], unreliable\[1\]'),
    ("state_schema.1.name", "flag", '"state_schema" must be'),
    ("state_schema.1.count", 2, '"state_schema" must be'),
    ("state_schema.1", ..., '"state_schema" must be'),
    ("network.2", ..., "the network maps 6 to 23 numbers, the bases need 6 to 6"),
]


@pytest.mark.parametrize(("entry", "value", "message"), KIND_FAULTS)
def test_faults_of_the_kind_are_named(
    write: Callable[..., Path], entry: str, value: Any, message: str
) -> None:
    both_refuse(write(put(entry, value)), message, "accepted")


TENSOR_FAULTS = [
    ("time", lambda t: t[::-1].copy(), "tensor time: expected at least two values rising from 0"),
    ("time", lambda t: t + 1e-7, "tensor time: expected at least two values rising from 0"),
    (
        "time",
        lambda t: np.where(t == t[4], t[3], t),
        "tensor time: expected at least two values rising from 0",
    ),
    ("time", lambda t: t[:-1], r"tensor input_primitive: expected shape \(any, 20\), got \(6, 21\)"),
    ("input_primitive", lambda t: t[:5], r"tensor input_primitive: expected 6 x modes rows, got 5"),
    ("output_basis", lambda t: t[:4], r"tensor output_basis: expected 6 x modes rows, got 4"),
    ("output_basis", lambda t: t[:, 0], r"tensor output_basis: expected shape \(any, 21\), got \(6\)"),
    (
        "input_primitive",
        lambda t: np.vstack([t, t]),
        "the network maps 6 to 6 numbers, the bases need 12 to 6",
    ),
    ("output_basis", lambda t: np.vstack([t, t]), "the network maps 6 to 6 numbers, the bases need 6 to 12"),
    ("input_scale", lambda t: t * 0, "tensor input_scale: expected positive numbers"),
    ("input_mean", lambda t: t[:5], r"tensor input_mean: expected shape \(6\), got \(5\)"),
    ("output_scale", lambda t: np.append(t, t), r"tensor output_scale: expected shape \(6\), got \(12\)"),
    ("layer0.bias", lambda t: t[:3], r"tensor layer0.bias: expected shape \(17\), got \(3\)"),
    (
        "layer1.weight",
        lambda t: t[:, :, None],
        r"tensor layer1.weight: expected shape \(any, any\), got \(23, 17, 1\)",
    ),
    (
        "pressure_coefficients",
        lambda t: t[None],
        r"tensor pressure_coefficients: expected shape \(any\), got \(1, 3\)",
    ),
]


@pytest.mark.parametrize(("name", "change", "message"), TENSOR_FAULTS)
def test_tensors_that_do_not_fit_are_named(
    tools: Any, tmp_path: Path, name: str, change: Callable, message: str
) -> None:
    card = tools.card(modes=(1, 1))
    tensors = tools.tensors(card)
    tensors[name] = change(tensors[name])
    whole, weights = complete_card(card, tensors)
    path = tmp_path / "x.pt"
    path.write_bytes(archive(json.dumps(whole).encode(), weights))
    both_refuse(path, message, "accepted")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_not_a_number_in_the_weights_is_refused(tools: Any, tmp_path: Path, value: float, dtype: str) -> None:
    card = tools.card(modes=(1, 1))
    tensors = tools.tensors(card)
    tensors["layer1.bias"] = tensors["layer1.bias"].astype(dtype)
    whole, weights = complete_card(card, tensors)
    entry = next(e for e in whole["tensors"] if e["name"] == "layer1.bias")
    item = np.dtype(dtype).itemsize
    at = entry["offset"] + entry["bytes"] - item
    weights = weights[:at] + np.array([value], "<" + dtype).tobytes() + weights[at + item :]
    whole["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    path = tmp_path / "x.pt"
    path.write_bytes(archive(json.dumps(whole).encode(), weights))
    both_refuse(
        path, "tensor layer1.bias.* holds NaN or infinity", "tensor layer1.bias holds NaN or infinity"
    )


def test_overlapping_tensors_cannot_fill_the_memory(write: Callable[..., Path], parts: Any) -> None:
    def overlap(card: dict) -> None:
        first = card["tensors"][1]
        card["tensors"] += [dict(first, name=f"copy{i}") for i in range(100)]

    both_refuse(write(overlap), "tensors overlap")

    def many(card: dict) -> None:
        card["tensors"] = [
            {"name": f"t{i}", "dtype": "f32", "shape": [1], "offset": 0, "bytes": 4} for i in range(4097)
        ]

    both_refuse(write(many), "too many tensors", "overlap")


JSON_FAULTS = {
    b"": "the text ends early",
    b"{": 'expected "',
    b"[": "the text ends early",
    b"[1, 2": "expected ]",
    b'{"a": 1,}': 'expected "',
    b'{"a" 1}': "expected :",
    b'{"a": 1} x': "unexpected text after the value",
    b'{"a": 1, "a": null}': '"a" stands twice',
    b"NaN": "expected a value",
    b"[1e999]": "number out of range",
    b"[-]": "expected a value",
    b"[1.]": "expected digits after the point",
    b"[1e]": "expected digits in the exponent",
    b"[01]": "expected ]",
    b"[+1]": "expected a value",
    b"[.5]": "expected a value",
    b"tru": "expected true",
    b"falsy": "expected false",
    b"nul": "expected null",
    b'"abc': "the text ends early",
    b'"\xff"': "not UTF-8",
    b'"\x80"': "not UTF-8",
    b'"\xc1\xbf"': "not UTF-8",
    b'"\xc3"': "not UTF-8",
    b'"\xc3A"': "not UTF-8",
    b'"\xe0\x9f\xbf"': "not UTF-8",
    b'"\xe2\x82"': "not UTF-8",
    b'"\xed\xa0\x80"': "not UTF-8",
    b'"\xf0\x8f\xbf\xbf"': "not UTF-8",
    b'"\xf4\x90\x80\x80"': "not UTF-8",
    b'"\xf5\x80\x80\x80"': "not UTF-8",
    b'"a\nb"': "control character",
    b'"\\x"': "unknown escape",
    b'"\\u12g4"': "four hexadecimal digits",
    b'"\\ud800"': "half of a surrogate pair",
    b'"\\udc00"': "half of a surrogate pair",
    b'"\\ud83d\\u0041"': "half of a surrogate pair",
    b"[" * 40 + b"]" * 40: "nested too deeply",
    b"[" * 100_000: "nested too deeply",
    b"{" + b",".join(b'"%d":1' % i for i in range(5000)) + b"}": "too many members",
    b"[" + b" " * (4 << 20) + b"]": "JSON text larger than 4 MiB",
    b"[]": "card.json: expected an object",
    b"null": "card.json: expected an object",
    b'"text"': "card.json: expected an object",
}


@pytest.mark.parametrize("text", JSON_FAULTS, ids=lambda t: t[:12])
def test_strict_json(write: Callable[..., Path], text: bytes) -> None:
    path = write(text=text or b" ")
    with pytest.raises(MaterialError, match=r"changed\.pt: ") as caught:
        load_model(str(path), "native", "float64")
    assert JSON_FAULTS[text] in str(caught.value)
    with pytest.raises(ModelFileError, match=r"changed\.pt: "):
        read_model(path)


def test_json_texts_and_numbers_are_read_right(parts: Any, write: Callable[..., Path]) -> None:
    text = json.dumps(parts[0], ensure_ascii=False, indent="\t")  # UTF-8 as it is, and other white space
    assert load_model(str(write(text=text.encode())), "native", "float64").state_size == 7
    escaped = r"A\u00e9\u20ac\ud83d\ude00\"\\\/\b\f\n\r\t\u00C9"
    described = json.dumps(parts[0]).replace('"1 once outside the domain"', f'"{escaped}"')
    moduli = '"elastic_moduli": {"bulk": 3.65e+10, "shear": 17.25E9}'
    start = described.index('"elastic_moduli"')
    described = described[:start] + moduli + described[described.index("}", start) + 1 :]
    material = load_model(str(write(text=described.replace(": ", " :\r\n").encode())), "native", "float64")
    assert material.state_schema[1].description == json.loads(f'"{escaped}"')
    assert material.elastic_moduli.bulk == 3.65e10
    assert material.elastic_moduli.shear == 17.25e9
    extra = json.dumps(
        {**parts[0], "more": [True, False, None, 0, -0.5, 1e-3, {}, [], "", [[-1]], {"a": {"b": 0}}]}
    )
    load_model(str(write(text=extra.encode())), "native", "float64")
    deep = json.dumps({**parts[0], "more": json.loads("[" * 31 + "]" * 31)})
    load_model(str(write(text=deep.encode())), "native", "float64")


def test_code_points_at_the_borders_of_utf8(parts: Any, write: Callable[..., Path]) -> None:
    points = [0x1, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0xD000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF]
    text = "".join(map(chr, points))
    for ascii_only in (True, False):
        changed = copy.deepcopy(parts[0])
        changed["state_schema"][0]["description"] = text
        card = json.dumps(changed, ensure_ascii=ascii_only)
        material = load_model(str(write(text=card.encode())), "native", "float64")
        assert material.state_schema[0].description == text


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


def test_a_tensor_that_reaches_beyond_the_weights_is_refused(write: Callable[..., Path], parts: Any) -> None:
    last = len(parts[1]) // 64 * 64
    assert len(parts[1]) - last < parts[0]["tensors"][0]["bytes"]
    both_refuse(write(put("tensors.0.offset", last)), "tensor time: lies outside weights.bin")


def read_both(path: Path) -> int:
    """Number of readers that accept the file; anything but the readers' own errors goes up."""
    accepted = 0
    for precision in ("float64", "float32"):
        with contextlib.suppress(MaterialError):
            load_model(str(path), "native", precision)
            accepted += 1
    with contextlib.suppress(ModelFileError):
        read_model(path)
        accepted += 1
    return accepted


def test_thousands_of_damaged_archives(write: Callable[..., Path], rng: np.random.Generator) -> None:
    """Bytes of the archive's own structures overwritten: an error or an answer, never a crash."""
    path = write()
    whole = path.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    for trial in range(1000):
        changed = bytearray(whole)
        for _ in range(int(rng.integers(1, 4))):
            low = 0 if trial % 3 == 0 else directory
            at = int(rng.integers(low, len(whole)))
            changed[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(256))]))
        if trial % 5 == 0:
            cut = int(rng.integers(len(changed)))
            del changed[cut : cut + int(rng.integers(1, 40))]
        path.write_bytes(changed)
        read_both(path)


def walk(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """All (container, key) of a JSON value."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        walk(value[key], found)
    return found


HOSTILE = [
    None, True, -1, 0, 1, 0.5, 1e308, -1e308, 2**31, 2**32, 2**53, 2**63, 2**64 + 1, 2**31 - 1, 1 << 30, "", "x" * 1000,
    [], {}, [[]], [0], [1 << 30, 1 << 30], [2**31], [1] * 9, 10**400, {"name": "time"}, "f32", "f64", "linear", 64, 128, [21, 1],
]  # fmt: skip


def test_thousands_of_hostile_cards(write: Callable[..., Path], rng: np.random.Generator) -> None:
    """Valid archives whose cards lie: any entry replaced by anything."""
    accepted = 0
    for _ in range(1000):

        def lie(card: dict) -> None:
            for _ in range(int(rng.integers(1, 4))):
                places = walk(card, [])
                container, key = places[int(rng.integers(len(places)))]
                if rng.random() < 0.1:
                    del container[key]
                else:
                    container[key] = copy.deepcopy(HOSTILE[int(rng.integers(len(HOSTILE)))])

        accepted += read_both(write(lie)) > 0
    assert 0 < accepted < 1000  # free entries such as "errors" may hold anything


def test_thousands_of_damaged_json_texts(
    write: Callable[..., Path], parts: Any, rng: np.random.Generator
) -> None:
    text = json.dumps(parts[0]).encode()
    alphabet = b'{}[]",:0123456789.eE+-\\untrfals \x00\xff'
    for _ in range(1000):
        changed = bytearray(text)
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(len(changed)))
            changed[at : at + int(rng.integers(0, 3))] = bytes([alphabet[int(rng.integers(len(alphabet)))]])
        read_both(write(text=bytes(changed)))
