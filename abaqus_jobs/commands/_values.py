"""KEY=VALUE words of a command line as the typed parameters of a function, and a function's parameters as such words."""

from __future__ import annotations

import difflib
import inspect
import math
import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin

from pybridge.errors import ConfigError

LOGICAL = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
EXPECTED = {
    bool: "true or false (yes, no, on, off, 1, 0)",
    int: "a whole number",
    float: "a number",
    str: "a word",
    tuple: "pairs of numbers, as 0:1,0.5:1.4,1:0.9",
}


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Those that words can give: truth values, numbers, words, pairs of numbers, and None for any of these."""
    found = inspect.signature(function, eval_str=True).parameters
    return {name: p for name, p in found.items() if _kinds(p.annotation)}


def parsed(function: Callable[..., Any], words: list[str], source: str) -> dict[str, Any]:
    """Values by key, each of its parameter's type; `source` starts the errors ("--set"). Raises ConfigError."""
    known = parameters(function)
    values: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"{source} {word}: expected KEY=VALUE with a key of {', '.join(known)}")
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise ConfigError(
                f"{source} {word}: unknown key {key!r}; {hint}expected one of {', '.join(known)}"
            )
        if key in values:
            raise ConfigError(f"{source} {word}: {key} is given twice")
        values[key] = _value(_kinds(known[key].annotation), text, f"{source} {word}")
    return values


def worded(value: Any) -> str:
    """The text that gives this value back."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(f"{x:g}:{y:g}" for x, y in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _kinds(annotation: Any) -> tuple[type, ...]:
    """The simple types that an annotation allows; none where it asks for anything else."""
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [_kinds(a) for a in get_args(annotation)]
        return tuple(k for kinds in inner for k in kinds) if all(inner) else ()
    if annotation == tuple[tuple[float, float], ...]:
        return (tuple,)
    return (annotation,) if annotation in (bool, int, float, str, types.NoneType) else ()


def _value(kinds: tuple[type, ...], text: str, word: str) -> Any:
    if types.NoneType in kinds and text.lower() == "none":
        return None
    for kind in kinds:
        try:
            return _READ[kind](text)
        except (KeyError, ValueError):
            continue
    expected = [EXPECTED.get(kind, "none") for kind in kinds]
    raise ConfigError(f"{word}: expected {' or '.join(expected)}")


def _number(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(text)
    return value


def _word(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


def _pairs(text: str) -> tuple[tuple[float, float], ...]:
    pairs = tuple(tuple(_number(part) for part in pair.split(":")) for pair in text.split(","))
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(text)
    return pairs  # type: ignore[return-value]


_READ: dict[type, Callable[[str], Any]] = {
    bool: lambda text: LOGICAL[text.lower()], int: int, float: _number, str: _word, tuple: _pairs,
}  # fmt: skip
