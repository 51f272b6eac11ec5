"""Cards of model files that lie about their kind and tensors, and the JSON they are written in, in both readers."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from file_cases import archive, both_refuse, put

from pybridge._core import MaterialError, load_model
from pybridge.errors import ModelFileError
from pybridge.model_file import FORMAT_VERSION, complete_card, read_model

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


def test_a_tensor_that_reaches_beyond_the_weights_is_refused(write: Callable[..., Path], parts: Any) -> None:
    last = len(parts[1]) // 64 * 64
    assert len(parts[1]) - last < parts[0]["tensors"][0]["bytes"]
    both_refuse(write(put("tensors.0.offset", last)), "tensor time: lies outside weights.bin")
