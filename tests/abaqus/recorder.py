"""Stands in for Abaqus's model database: every call is recorded with its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Node:
    """A node of the mesh that the script's Abaqus made."""

    label: int
    coordinates: tuple[float, float, float]


class Nodes(list):
    """Nodes of a part."""

    def sequenceFromLabels(self, labels: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(labels)


class Recorder:
    """Any attribute, item or call is another recorder; calls are kept in one list as (path, arguments)."""

    def __init__(self, path: str = "", calls: list[tuple[str, tuple, dict[str, Any]]] | None = None) -> None:
        self.path = path
        self.calls = [] if calls is None else calls
        self.known: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self.known:
            self.known[name] = Recorder(f"{self.path}.{name}" if self.path else name, self.calls)
        return self.known[name]

    def __getitem__(self, key: Any) -> Recorder:
        return self.known.setdefault(f"[{key!r}]", Recorder(f"{self.path}[{key!r}]", self.calls))

    def __iter__(self):
        return iter(())

    def __call__(self, *arguments: Any, **named: Any) -> Recorder:
        self.calls.append((self.path, arguments, named))
        label = named.get(
            "name", arguments[0] if arguments and isinstance(arguments[0], str) else len(self.calls)
        )
        made = self[("made", label)]
        return made

    def of(self, ending: str) -> list[dict[str, Any]]:
        """Named arguments of every call whose path ends so, in order."""
        return [named for path, _, named in self.calls if path.split(".")[-1] == ending]

    def one(self, ending: str) -> dict[str, Any]:
        """Of the only such call."""
        (found,) = self.of(ending)
        return found
