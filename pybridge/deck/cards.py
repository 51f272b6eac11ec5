"""From the text of a deck to its cards: a keyword line with its parameters, and its data lines.

Comments (**), blank lines, keyword lines that go on after a comma, and *INCLUDE are dealt with here, and every keyword
and parameter is checked against `pybridge.deck.supported`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pybridge.deck.supported import FLAG, INTEGER, NUMBER, SUPPORTED, TEXT, Keyword, parameters_in_words
from pybridge.errors import DeckError

_INTEGER = re.compile(r"[+-]?\d{1,18}\Z", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([edED][+-]?\d+)?\Z", re.ASCII)
_INCLUDE_DEPTH = 8


@dataclass(frozen=True)
class Line:
    """One line of a file: for messages."""

    file: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@dataclass
class Card:
    """A keyword with its parameters (None for a flag) and data lines."""

    name: str
    parameters: dict[str, str | None]
    line: Line
    data: list[Line] = field(default_factory=list)

    def error(self, message: str, line: Line | None = None) -> DeckError:
        """An error that names file, line and keyword."""
        return DeckError(f"{line or self.line}: *{self.name}: {message}")

    def text(self, parameter: str, default: str = "") -> str:
        """Value of a parameter, upper-cased as Abaqus does with names."""
        return (self.parameters.get(parameter) or default).upper()

    def fields(self, line: Line) -> list[str]:
        """The comma-separated fields of a data line, without blanks; a comma at the end adds no field."""
        parts = [part.strip() for part in line.text.split(",")]
        return parts[:-1] if len(parts) > 1 and not parts[-1] else parts

    def number(self, text: str, line: Line, what: str) -> float:
        """A finite number; Fortran's exponents (1.D-3) are understood."""
        if _NUMBER.match(text):
            value = float(text.lower().replace("d", "e"))
            if math.isfinite(value):
                return value
        raise self.error(f"{what} is {text!r}; expected a number", line)

    def integer(self, text: str, line: Line, what: str) -> int:
        """A whole number."""
        if _INTEGER.match(text):
            return int(text)
        raise self.error(f"{what} is {text!r}; expected a whole number", line)

    def numbers(self, line: Line, what: str, least: int, most: int) -> list[float]:
        """Between `least` and `most` numbers of one data line; fields left blank at the end are dropped."""
        parts = self.fields(line)
        while parts and not parts[-1]:
            parts.pop()
        if not least <= len(parts) <= most:
            expected = str(least) if least == most else f"{least} to {most}"
            raise self.error(f"{len(parts)} values given for {what}; expected {expected}", line)
        return [self.number(part, line, what) for part in parts]

    def only_line(self, what: str) -> Line:
        """The single data line that the keyword must have."""
        if len(self.data) != 1:
            where = self.data[1] if self.data else None
            raise self.error(f"{len(self.data)} data lines given; expected one: {what}", where)
        return self.data[0]


def read_lines(path: Path) -> list[Line]:
    """The lines of a file, whatever its encoding."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DeckError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text_lines(text, str(path))


def text_lines(text: str, source: str) -> list[Line]:
    """The lines of a text."""
    return [Line(source, i, line) for i, line in enumerate(text.splitlines(), start=1)]


def read_cards(lines: list[Line], folder: Path) -> list[Card]:
    """The cards of a deck, with included files in place. Raises DeckError for whatever is not supported."""
    cards: list[Card] = []
    for line in _expand(lines, folder, 0):
        if line.text.startswith("*"):
            cards.append(_card(line))
        elif not cards:
            raise DeckError(
                f"{line}: data before the first keyword: {line.text.strip()[:40]!r}; expected *KEYWORD"
            )
        elif not SUPPORTED[cards[-1].name].data:
            raise cards[-1].error(f"takes no data lines, but one was given: {line.text.strip()[:40]!r}", line)
        else:
            cards[-1].data.append(line)
    return cards


def _expand(lines: list[Line], folder: Path, depth: int) -> Iterator[Line]:
    """Lines without comments and blanks, keyword lines joined, included files in place."""
    pending: Line | None = None
    for line in lines:
        text = line.text.strip()
        if not text or text.startswith("**"):
            continue
        if pending is not None:
            line = Line(pending.file, pending.number, pending.text + text)
            pending, text = None, line.text
        elif text.startswith("*"):
            line = Line(line.file, line.number, text)
        if text.startswith("*") and text.endswith(","):
            pending = line
            continue
        if _keyword_name(text) == "INCLUDE":
            yield from _included(_card(line), folder, depth)
        else:
            yield line
    if pending is not None:
        raise DeckError(
            f"{pending}: {pending.text[:40]!r} ends with a comma, but no line follows to continue it"
        )


def _included(card: Card, folder: Path, depth: int) -> Iterator[Line]:
    if depth == _INCLUDE_DEPTH:
        raise card.error(
            f"files include each other more than {_INCLUDE_DEPTH} deep; does one include itself?"
        )
    path = folder / str(card.parameters["INPUT"])
    if not path.is_file():
        raise card.error(f"INPUT={card.parameters['INPUT']}: no such file {path}")
    yield from _expand(read_lines(path), path.parent, depth + 1)


def _keyword_name(text: str) -> str:
    return " ".join(text.split(",", 1)[0].lstrip("*").upper().split()) if text.startswith("*") else ""


def _card(line: Line) -> Card:
    name = _keyword_name(line.text)
    keyword = SUPPORTED.get(name)
    if keyword is None:
        near = difflib.get_close_matches(name, SUPPORTED, 3)
        hint = f"did you mean *{' or *'.join(near)}? " if near else ""
        raise DeckError(f"{line}: *{name}: keyword not supported; {hint}docs/decks.md lists those that are")
    card = Card(name, _parameters(line), line)
    for parameter, value in card.parameters.items():
        _check_parameter(card, keyword, parameter, value)
    for parameter in keyword.required:
        if parameter not in card.parameters:
            raise card.error(f"parameter {parameter} is missing; parameters: {parameters_in_words(keyword)}")
    return card


def _parameters(line: Line) -> dict[str, str | None]:
    parameters: dict[str, str | None] = {}
    where = f"{line}: *{_keyword_name(line.text)}"
    for part in line.text.split(",")[1:]:
        name, equals, value = part.partition("=")
        name = " ".join(name.upper().split())
        if not name:
            raise DeckError(f"{where}: empty parameter; expected NAME or NAME=VALUE between commas")
        if name in parameters:
            raise DeckError(f"{where}: parameter {name} is given twice")
        parameters[name] = value.strip().strip('"') if equals else None
    return parameters


def _check_parameter(card: Card, keyword: Keyword, parameter: str, value: str | None) -> None:
    allowed = keyword.parameters.get(parameter)
    if allowed is None:
        raise card.error(f"parameter {parameter} not supported; supported: {parameters_in_words(keyword)}")
    if allowed == FLAG:
        if value is not None:
            raise card.error(f"parameter {parameter} takes no value, {value!r} was given")
        return
    if not value:
        raise card.error(f"parameter {parameter} needs a value: {parameters_in_words(keyword)}")
    if isinstance(allowed, tuple):
        if " ".join(value.upper().split()) not in allowed:
            raise card.error(f"{parameter}={value} not supported; supported: {', '.join(allowed)}")
        card.parameters[parameter] = " ".join(value.upper().split())
    elif allowed == INTEGER:
        card.integer(value, card.line, parameter)
    elif allowed == NUMBER:
        card.number(value, card.line, parameter)
    else:
        assert allowed == TEXT
