"""Files that are there whole or not at all."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pybridge.errors import ModelFileError

_count = itertools.count()


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A new empty file beside `target` to write into; it takes the place of `target` when the block ends well,
    and is removed otherwise. It is flushed to the disk first. Its name keeps the suffix of `target`."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}-{next(_count)}{target.suffix}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        handle = os.open(temporary, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_model_name(target: Path) -> None:
    """Raises ModelFileError where `target` does not end in .pt; to be asked before a training whose model it is to hold."""
    if target.suffix != ".pt":
        raise ModelFileError(f"{target}: expected a name that ends in .pt")


@contextmanager
def placed_model(target: Path) -> Iterator[Path]:
    """A path of the name of `target` in a new folder beside it, to write a model file to and to check it; it takes the
    place of `target` when the block ends well. The name counts: TorchScript writes it into the archive.

    Raises ModelFileError where `target` does not end in .pt.
    """
    target = Path(target)
    check_model_name(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.stem}-"))
    try:
        trial = folder / target.name
        yield trial
        umask = os.umask(0)
        os.umask(umask)
        trial.chmod(0o666 & ~umask)
        os.replace(trial, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
