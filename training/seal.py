"""A seal on an HDF5 file: 512 bytes before its content, which HDF5 skips, that hold the content's length and sha256.

HDF5 itself has no checksum of a whole file, and its library can loop for ever on an altered one: so a sealed file is
checked before HDF5 sees it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

BLOCK = 512  # bytes: h5py.File(..., userblock_size=BLOCK)
_MAGIC = b"pybridge-seal-1 "
_HDF5 = b"\x89HDF\r\n\x1a\n"


def seal(path: Path) -> None:
    """Write the seal of a closed HDF5 file with a user block of BLOCK bytes."""
    with open(path, "r+b") as file:
        file.seek(0)
        file.write(_text(path).ljust(BLOCK, b"\0"))


def broken_seal(path: Path) -> str:
    """Why the file is not what its writer left, or "". A file without a seal must begin as HDF5 does."""
    with open(path, "rb") as file:
        begin = file.read(BLOCK)
    if begin.startswith(_HDF5):  # histories from elsewhere
        return ""
    if not begin.startswith(_MAGIC):
        return "neither HDF5 nor a data set of pybridge"
    return "" if begin == _text(path).ljust(BLOCK, b"\0") else "truncated or altered since it was written"


def has_seal(path: Path) -> bool:
    """Whether the file begins with a seal, sound or not."""
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _text(path: Path) -> bytes:
    digest, length = hashlib.sha256(), 0
    with open(path, "rb") as file:
        file.seek(BLOCK)
        while piece := file.read(1 << 22):
            digest.update(piece)
            length += len(piece)
    return _MAGIC + f"{length} {digest.hexdigest()}".encode()
