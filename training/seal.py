"""A seal on an HDF5 file: 512 bytes before its content, which HDF5 skips, that hold the content's length and sha256.

HDF5 itself has no checksum of a whole file, and its library can loop for ever on an altered one: so a sealed file is
checked before HDF5 sees it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

BLOCK = 512  # bytes: h5py.File(..., userblock_size=BLOCK)
_MAGIC = b"pybridge-seal-1 "
_HDF5 = b"\x89HDF\r\n\x1a\n"


def seal_of(content: Iterable[bytes]) -> bytes:
    """The BLOCK bytes that stand before a content, given in pieces."""
    digest, length = hashlib.sha256(), 0
    for piece in content:
        digest.update(piece)
        length += len(piece)
    return (_MAGIC + f"{length} {digest.hexdigest()}".encode()).ljust(BLOCK, b"\0")


def seal(path: Path) -> None:
    """Write the seal of a closed HDF5 file with a user block of BLOCK bytes."""
    found = seal_of(_content(path))
    with open(path, "r+b") as file:
        file.write(found)


def broken_seal(path: Path) -> str:
    """Why the file is not what its writer left, or "". A file without a seal must begin as HDF5 does."""
    with open(path, "rb") as file:
        begin = file.read(BLOCK)
    if begin.startswith(_HDF5):  # histories from elsewhere
        return ""
    if not begin.startswith(_MAGIC):
        return "neither HDF5 nor a data set of pybridge"
    return "" if begin == seal_of(_content(path)) else "truncated or altered since it was written"


def has_seal(path: Path) -> bool:
    """Whether the file begins with a seal, sound or not."""
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _content(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        file.seek(BLOCK)
        while piece := file.read(1 << 22):
            yield piece
