"""What a shared library (ELF, 64 bit) exports, asks for and needs, read from the file: no tool has to be there."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from pybridge.errors import HostError

_DYNAMIC, _DYNSYM, _VERNEED = 6, 11, 0x6FFFFFFE
_NEEDED, _RPATH, _RUNPATH = 1, 15, 29
_WEAK = 2


@dataclass(frozen=True)
class SharedLibrary:
    """Dynamic symbols and dependencies of one library."""

    path: Path
    exported: frozenset[str]
    undefined: frozenset[str]  # strong ones: the library cannot do without
    needed: tuple[str, ...]  # DT_NEEDED
    run_path: str  # DT_RPATH or DT_RUNPATH
    versions: frozenset[str]  # for example GLIBC_2.34, of the symbols it asks for


def read_library(path: Path | str) -> SharedLibrary:
    """Read the tables of a shared library. Raises HostError: missing, or not ELF of 64 bit."""
    path = Path(path)
    if not path.is_file():
        raise HostError(f"{path}: no such file; expected a shared library (.so)")
    try:
        return _read(path, path.read_bytes())
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise HostError(f"{path}: truncated or altered ELF file ({error}); build or copy it again") from error


def _read(path: Path, data: bytes) -> SharedLibrary:
    if data[:6] != b"\x7fELF\x02\x01":
        raise HostError(f"{path}: not a shared library of 64-bit Linux (ELF); build it on this machine")
    start, entry_size, count = (
        struct.unpack_from(f, data, o)[0] for f, o in (("<Q", 40), ("<H", 58), ("<H", 60))
    )
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, start + k * entry_size) for k in range(count)]
    exported, undefined = set(), set()
    needed: list[str] = []
    run_path = ""
    versions: set[str] = set()
    for _, kind, _, _, offset, size, link, info, _, _ in sections:
        if kind not in (_DYNSYM, _DYNAMIC, _VERNEED):
            continue
        strings = sections[link][4]
        if kind == _DYNSYM:
            for at in range(offset, offset + size, 24):
                name, flags, _, section = struct.unpack_from("<IBBH", data, at)
                text = _text(data, strings + name)
                if not text or flags >> 4 == 0:
                    continue
                if section:
                    exported.add(text)
                elif flags >> 4 != _WEAK:
                    undefined.add(text)
        elif kind == _DYNAMIC:
            for at in range(offset, offset + size, 16):
                tag, value = struct.unpack_from("<QQ", data, at)
                if tag == _NEEDED:
                    needed.append(_text(data, strings + value))
                elif tag in (_RPATH, _RUNPATH):
                    run_path = _text(data, strings + value)
        else:
            versions |= _versions(data, offset, info, strings)
    return SharedLibrary(
        path, frozenset(exported), frozenset(undefined), tuple(needed), run_path, frozenset(versions)
    )


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()


def _versions(data: bytes, offset: int, count: int, strings: int) -> set[str]:
    """Names in the table of versions that are asked for."""
    found = set()
    for _ in range(count):
        _, entries, _, first, following = struct.unpack_from("<HHIII", data, offset)
        at = offset + first
        for _ in range(entries):
            _, _, _, name, step = struct.unpack_from("<IHHII", data, at)
            found.add(_text(data, strings + name))
            at += step
        offset += following
    return found
