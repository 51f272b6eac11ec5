"""Nodes, elements and sets of a deck, from its cards."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pybridge.deck.cards import Card, Line
from pybridge.deck.flatten import Placed, Scope
from pybridge.deck.model import ELEMENT_NODES, ElementBlock

Indices = NDArray[np.int64]


class Mesh:
    """What has been read so far; indices over all nodes and over all elements."""

    def __init__(self) -> None:
        self.node_labels: list[int] = []
        self.points: list[tuple[float, float, float]] = []
        self.node_index: dict[tuple[str, int], int] = {}
        self.element_labels: list[int] = []
        self.connectivity: list[list[int]] = []
        self.element_types: list[str] = []
        self.element_lines: list[Line] = []
        self.element_index: dict[tuple[str, int], int] = {}
        self.node_sets: dict[str, Indices] = {}
        self.element_sets: dict[str, Indices] = {}
        self.mass_nodes: dict[tuple[str, int], int] = {}  # element of type MASS -> its node
        self.mass_sets: dict[str, list[int]] = {}  # element set -> nodes of its masses
        self._used_nodes: set[int] = set()
        self._used_elements: set[int] = set()

    # --- reading ---------------------------------------------------------------------------------------------
    def read(self, placed: Iterable[Placed]) -> None:
        """Nodes first, then elements, then sets, wherever they stand in the deck."""
        cards = [(item.card, item.scope) for item in placed]
        for name, read in (("NODE", self._read_nodes), ("ELEMENT", self._read_elements)):
            for card, scope in cards:
                if card.name == name:
                    read(card, scope)
        self._group_by_type()
        for card, scope in cards:
            if card.name in ("NODE", "ELEMENT"):
                self._inline_set(card, scope)
            elif card.name in ("NSET", "ELSET"):
                self._read_set(card, scope)

    def _read_nodes(self, card: Card, scope: Scope) -> None:
        for line in card.data:
            parts = card.fields(line)
            if not 3 <= len(parts) <= 4:
                raise card.error(f"{len(parts)} values given; expected label, x, y[, z]", line)
            label = _label(card, parts[0], line)
            if (scope.name, label) in self.node_index:
                raise card.error(f"node {label} is defined twice", line)
            self.node_index[scope.name, label] = len(self.points)
            xyz = [card.number(part or "0", line, "coordinate") for part in parts[1:]] + [0.0]
            x, y, z = (a + b for a, b in zip(xyz[:3], scope.shift, strict=True))
            self.points.append((x, y, z))
            self.node_labels.append(_free_label(label, self._used_nodes))

    def _read_elements(self, card: Card, scope: Scope) -> None:
        kind = card.text("TYPE")
        count = 1 if kind == "MASS" else ELEMENT_NODES[kind]
        for line, parts in _records(card, 1 + count):
            label = _label(card, parts[0], line)
            if (scope.name, label) in self.element_index or (scope.name, label) in self.mass_nodes:
                raise card.error(f"element {label} is defined twice", line)
            nodes = [self._node(card, scope, part, line) for part in parts[1:]]
            if len(set(nodes)) < len(nodes):
                raise card.error(
                    f"element {label} names a node twice; collapsed elements are not supported", line
                )
            if kind == "MASS":
                self.mass_nodes[scope.name, label] = nodes[0]
                continue
            self.element_index[scope.name, label] = len(self.connectivity)
            self.element_labels.append(_free_label(label, self._used_elements))
            self.connectivity.append(nodes)
            self.element_types.append(kind)
            self.element_lines.append(line)

    def _group_by_type(self) -> None:
        """Renumber so that the elements of a type follow each other."""
        types = list(dict.fromkeys(self.element_types))
        order = sorted(range(len(self.element_types)), key=lambda i: types.index(self.element_types[i]))
        place = {old: new for new, old in enumerate(order)}
        self.element_index = {key: place[old] for key, old in self.element_index.items()}
        self.element_labels = [self.element_labels[i] for i in order]
        self.connectivity = [self.connectivity[i] for i in order]
        self.element_lines = [self.element_lines[i] for i in order]
        self.element_types = [self.element_types[i] for i in order]

    def blocks(self) -> tuple[ElementBlock, ...]:
        """The elements, one block a type."""
        blocks = []
        labels = np.array(self.element_labels, np.int64)
        for kind in dict.fromkeys(self.element_types):
            where = [i for i, other in enumerate(self.element_types) if other == kind]
            rows = np.array([self.connectivity[i] for i in where], np.int64)
            blocks.append(ElementBlock(kind, labels[where], rows))
        return tuple(blocks)

    # --- sets ------------------------------------------------------------------------------------------------
    def _inline_set(self, card: Card, scope: Scope) -> None:
        """*NODE, NSET= and *ELEMENT, ELSET=."""
        for parameter in ("NSET", "ELSET"):
            if parameter in card.parameters and not card.data:
                raise card.error(f"{parameter}={card.text(parameter)} would be empty: no data lines follow")
        if card.name == "NODE" and "NSET" in card.parameters:
            labels = [int(card.fields(line)[0]) for line in card.data]
            self._add(
                self.node_sets,
                scope.qualify(card.text("NSET")),
                [self.node_index[scope.name, i] for i in labels],
            )
        if card.name == "ELEMENT" and "ELSET" in card.parameters:
            name = scope.qualify(card.text("ELSET"))
            count = 2 if card.text("TYPE") == "MASS" else 1 + ELEMENT_NODES[card.text("TYPE")]
            labels = [int(parts[0]) for _, parts in _records(card, count)]
            if card.text("TYPE") == "MASS":
                self.mass_sets.setdefault(name, []).extend(self.mass_nodes[scope.name, i] for i in labels)
            else:
                self._add(self.element_sets, name, [self.element_index[scope.name, i] for i in labels])

    def _read_set(self, card: Card, scope: Scope) -> None:
        """*NSET and *ELSET; a set that is named again grows."""
        if "INSTANCE" in card.parameters:
            scope_in = Scope(card.text("INSTANCE").replace(".", "_"))
            known = {key[0] for key in self.node_index}
            if scope_in.name not in known:
                raise card.error(f"INSTANCE={card.text('INSTANCE')}: no such instance")
        else:
            scope_in = scope
        nodes = card.name == "NSET"
        name = scope.qualify(card.text(card.name))
        if name.lstrip("+-").isdigit():
            raise card.error(f"{card.name}={name}: a set's name must not be a number")
        if nodes and "ELSET" in card.parameters:
            if card.data:
                raise card.error("ELSET=... takes no data lines", card.data[0])
            elements = self.elements_of(card, scope_in, card.text("ELSET"), card.line)
            found = [node for e in elements for node in self.connectivity[e]]
        elif not card.data:
            raise card.error("no data lines; expected labels or sets")
        elif "GENERATE" in card.parameters:
            found = [i for line in card.data for i in self._generate(card, scope_in, line)]
        else:
            lookup = self.nodes_of if nodes else self._set_elements
            found = [
                int(i)
                for line in card.data
                for part in card.fields(line)
                for i in lookup(card, scope_in, part, line)
            ]
        if not nodes and name in self.mass_sets:
            if found:
                raise card.error(f"{name} mixes elements of type MASS with others; make two sets")
            return
        self._add(self.node_sets if nodes else self.element_sets, name, found)

    def _set_elements(self, card: Card, scope: Scope, text: str, line: Line) -> Iterable[int]:
        """Elements of a set or label; a label of type MASS goes to the sets of masses."""
        if text.isascii() and text.isdigit() and (scope.name, int(text)) in self.mass_nodes:
            self.mass_sets.setdefault(scope.qualify(card.text("ELSET")), []).append(
                self.mass_nodes[scope.name, int(text)]
            )
            return []
        return self.elements_of(card, scope, text, line)

    @staticmethod
    def _add(sets: dict[str, Indices], name: str, found: list[int]) -> None:
        old = sets.get(name, np.zeros(0, np.int64))
        sets[name] = np.unique(np.concatenate([old, np.array(found, np.int64)]))

    def _generate(self, card: Card, scope: Scope, line: Line) -> list[int]:
        parts = card.fields(line)
        if not 2 <= len(parts) <= 3:
            raise card.error(f"{len(parts)} values given; expected first, last[, increment]", line)
        first, last = (_label(card, part, line) for part in parts[:2])
        step = _label(card, parts[2], line) if len(parts) == 3 else 1
        if last < first or (last - first) % step:
            raise card.error(
                f"{first}, {last}, {step}: last must be first plus a multiple of the increment", line
            )
        index = self.node_index if card.name == "NSET" else self.element_index
        found = []
        for label in range(first, last + 1, step):
            place = index.get((scope.name, label))
            if place is None:
                kind = "node" if card.name == "NSET" else "element"
                raise card.error(f"{kind} {label} does not exist", line)
            found.append(place)
        return found

    # --- looking up ------------------------------------------------------------------------------------------
    def _node(self, card: Card, scope: Scope, text: str, line: Line) -> int:
        label = _label(card, text, line)
        place = self.node_index.get((scope.name, label))
        if place is None:
            raise card.error(f"node {label} does not exist{_range(self.node_index, scope)}", line)
        return place

    def nodes_of(self, card: Card, scope: Scope, text: str, line: Line) -> Indices:
        """Indices of a node (label, INSTANCE.label) or of a node set."""
        return self._find(card, scope, text, line, "node", self.node_index, self.node_sets)

    def elements_of(self, card: Card, scope: Scope, text: str, line: Line) -> Indices:
        """Indices of an element (label, INSTANCE.label) or of an element set."""
        return self._find(card, scope, text, line, "element", self.element_index, self.element_sets)

    @staticmethod
    def _find(
        card: Card, scope: Scope, text: str, line: Line, kind: str,
        index: dict[tuple[str, int], int], sets: dict[str, Indices],
    ) -> Indices:  # fmt: skip
        instance, dot, label = text.rpartition(".")
        owner = instance.upper().replace(".", "_") if dot else scope.name
        if label.isascii() and label.isdigit() and len(label) <= 18:
            place = index.get((owner, int(label)))
            if place is None:
                raise card.error(f"{kind} {text} does not exist{_range(index, Scope(owner))}", line)
            return np.array([place], np.int64)
        name = scope.qualify(text.strip('"'))
        if name not in sets:
            known = ", ".join(sorted(sets)[:12]) or "none"
            raise card.error(f"{kind} set {text!r} does not exist; {kind} sets: {known}", line)
        return sets[name]


def _free_label(label: int, used: set[int]) -> int:
    """The label itself, or the next free one where another instance has it."""
    flat = label if label not in used else max(used) + 1
    used.add(flat)
    return flat


def _range(index: dict[tuple[str, int], int], scope: Scope) -> str:
    labels = [label for owner, label in index if owner == scope.name]
    return f"; labels run from {min(labels)} to {max(labels)}" if labels else "; none is defined there"


def _label(card: Card, text: str, line: Line) -> int:
    label = card.integer(text, line, "label")
    if label < 1:
        raise card.error(f"label is {label}; expected 1 or more", line)
    return label


def _records(card: Card, length: int) -> Iterable[tuple[Line, list[str]]]:
    """Data records of a fixed number of fields; a line that ends with a comma goes on in the next."""
    parts: list[str] = []
    start: Line | None = None
    for line in card.data:
        start = start or line
        parts += card.fields(line)
        if len(parts) < length and line.text.rstrip().endswith(","):
            continue
        if len(parts) != length:
            break
        yield start, parts
        parts, start = [], None
    if start is not None:
        raise card.error(f"{len(parts)} values given; expected {length}: label and {length - 1} nodes", start)
