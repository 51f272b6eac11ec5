"""A progress bar with the time left, and the wish to stop: what every long run has."""

from __future__ import annotations

import os
import signal
import threading
import time as clock
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import Any


class Interrupt:
    """Ctrl-C and SIGTERM end the run after the step in progress, or where check() is called; the second Ctrl-C at once.
    said: told on standard error at the first."""

    def __init__(self, said: str = "") -> None:
        self.wanted, self.heard, self._said = False, False, said
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.wanted and number == signal.SIGINT:
            raise KeyboardInterrupt
        if self._said and not self.wanted:
            os.write(2, f"\n{self._said}\n".encode())  # a handler may run while sys.stderr is in use
        self.wanted = True

    def check(self) -> None:
        """Raise KeyboardInterrupt where the end is wanted; `heard` then tells that it came from here, in good order."""
        if self.wanted:
            self.heard = True
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def progress_bar(show: bool, end: float, begin: float) -> AbstractContextManager[Any]:
    """A function (time, text) that moves a progress bar with the time left, or does nothing."""
    if not show:
        return nullcontext(lambda time, text: None)
    return _Bar(end, begin)


class _Bar:
    def __init__(self, end: float, begin: float) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self.task = self.progress.add_task("run", total=end)
        self.progress.update(self.task, completed=begin)
        self.shown = 0.0

    def __enter__(self) -> Any:
        self.progress.start()
        return self

    def __call__(self, time: float, text: str) -> None:
        now = clock.monotonic()
        if now - self.shown > 0.2 or time >= self.progress.tasks[0].total:  # type: ignore[operator]
            self.shown = now
            self.progress.update(self.task, completed=time, description=text)

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
