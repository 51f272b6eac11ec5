"""One interface for many independent fine-scale runs: processes on this machine, or a Dask cluster.

`run(function, tasks)` yields (task, answer) in whatever order they finish. `function` and the tasks must be
importable and picklable. Nothing is written by workers: the caller stores what arrives. `tasks` may be an iterator that has
none for now and more after an answer.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any, Protocol

from pybridge.errors import PybridgeError


class Executor(Protocol):
    """Runs tasks somewhere and yields (task, answer) as they finish."""

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]: ...


class Serial:
    """In this process, one after the other."""

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        for task in tasks:
            yield task, function(task)


class Processes:
    """`count` fresh processes of this machine. They end with their parent, however it ends."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise PybridgeError(f"processes = {count}: expected at least 1")
        self.count = count

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        # "spawn": a forked child would inherit the threads' locks of libraries already loaded here.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self.count, context, initializer=_worker_start)
        queue = iter(tasks)
        running = {}
        try:
            while True:
                # Few tasks ahead of the workers: an interrupted run has little to throw away.
                while len(running) < 2 * self.count and (task := next(queue, None)) is not None:
                    running[pool.submit(function, task)] = task
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool as error:
            raise PybridgeError(
                "a worker process ended abruptly (killed, or out of memory); finished paths are kept: run the same "
                "command again, with fewer --processes or a smaller --batch where memory is short"
            ) from error
        finally:
            workers = list((getattr(pool, "_processes", None) or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            if running:
                for worker in workers:
                    worker.terminate()
            pool.shutdown(wait=True)


def _worker_start() -> None:
    """Leave Ctrl-C to the parent, use one thread, and end when the parent has ended (also by SIGKILL)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


class Dask:
    """A Dask cluster: `address` of its scheduler. Needs the package `distributed` here and on the workers."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError as error:
            raise PybridgeError(
                f"executor dask ({address}): the package `distributed` is not installed; `pip install distributed`, "
                "or run with --processes on this machine"
            ) from error
        try:
            self.client = Client(address, timeout=10)
        except OSError as error:
            raise PybridgeError(f"executor dask: no scheduler answers at {address}: {error}") from error

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        from distributed import as_completed  # pyright: ignore[reportMissingImports]

        futures = {self.client.submit(function, task, pure=False): task for task in tasks}
        try:
            for future, answer in as_completed(list(futures), with_results=True):
                yield futures.pop(future), answer
        finally:
            for future in futures:
                future.cancel()


def make_executor(processes: int, dask: str | None = None) -> Executor:
    """The executor that the options of a command ask for."""
    if dask is not None:
        return Dask(dask)
    return Serial() if processes == 0 else Processes(processes)
