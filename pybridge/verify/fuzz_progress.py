"""How far the fuzzing of one reader has come: kept in a file after each batch, so that an interrupted run goes on and a
complete one is taken again."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pybridge.report import write_text_atomic

EVERY = 20.0  # s between lines


@dataclass
class Counts:
    """Inputs examined, findings, inputs that ended the process that the reader has for them; next batch; seconds."""

    inputs: int = 0
    found: int = 0
    ended: int = 0
    batch: int = 0
    seconds: float = 0.0


class Progress:
    """Counts towards a goal, in FOLDER/NAME.json; those of another `code` (a hash of what is fuzzed) begin anew."""

    def __init__(self, folder: Path, name: str, goal: int, code: str) -> None:
        self.name, self.goal, self._code = name, goal, code
        self._file, self._lock = folder / f"{name}.json", threading.Lock()
        self.counts = self._read()
        self._begun, self._before = time.monotonic(), self.counts.seconds
        self._first, self._shown = self.counts.inputs, self._begun
        if self._first:
            self._print(
                f"{'taken again' if self.left == 0 else 'goes on'}: {self._first:,} of {goal:,} inputs"
            )

    def _read(self) -> Counts:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            return Counts(**kept["counts"]) if kept["code"] == self._code else Counts()
        except (OSError, ValueError, KeyError, TypeError):
            return Counts()

    @property
    def left(self) -> int:
        """Inputs still to be made."""
        return max(0, self.goal - self.counts.inputs)

    def add(self, inputs: int, found: int, ended: int, batch: int) -> None:
        """A batch is done."""
        with self._lock:
            counts, now = self.counts, time.monotonic()
            counts.inputs, counts.found = counts.inputs + inputs, counts.found + found
            counts.ended, counts.batch = counts.ended + ended, max(counts.batch, batch + 1)
            counts.seconds = self._before + now - self._begun
            write_text_atomic(self._file, json.dumps({"code": self._code, "counts": asdict(counts)}))
            if now - self._shown > EVERY:
                self._shown = now
                rate = (counts.inputs - self._first) / (now - self._begun)
                self._print(
                    f"{counts.inputs:,} of {self.goal:,} inputs, {counts.found} found, {rate:,.0f} a second, "
                    f"{self.left / rate / 60 if rate else 0:.0f} min left"
                )

    def close(self) -> Counts:
        """The counts; after findings the next run begins anew."""
        if self.counts.found:
            self._file.unlink(missing_ok=True)
        return self.counts

    def _print(self, text: str) -> None:
        print(f"fuzz: {self.name}: {text}", flush=True)
