"""Random changes of a file's bytes, for fuzzing readers written in Python."""

from __future__ import annotations

import random
from collections.abc import Sequence

NUMBERS = (b"0", b"-1", b"1e309", b"-1e309", b"nan", b"inf", b"1e-400", b"2147483648", b"-2147483649",
           b"99999999999999999999", b"1.d5", b"0x10", b"1_000", b"", b" ", b",", b"\n", b"\x00", b"\xff\xfe")  # fmt: skip


def mutate(seed: bytes, others: Sequence[bytes], words: Sequence[bytes], source: random.Random) -> bytes:
    """One to six changes: bits, bytes, pieces removed, doubled, moved in from other seeds, words put in or over."""
    data = bytearray(seed)
    for _ in range(source.randint(1, 6)):
        if not data:
            break
        at = source.randrange(len(data))
        end = at + 1 + source.randrange(source.choice((2, 8, 120)))
        kind = source.randrange(7)
        if kind == 0:
            data[at] ^= 1 << source.randrange(8)
        elif kind == 1:
            data[at] = source.randrange(256)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            to = source.randrange(len(data))
            data[to:to] = data[at:end]
        elif kind == 4:
            other = source.choice(others)
            start = source.randrange(len(other))
            data[at:at] = other[start : start + end - at]
        elif kind == 5:
            data[at:end] = source.choice(words)
        else:
            data[at:at] = source.choice(words)
    return bytes(data)


def mutate_lines(
    seed: bytes, others: Sequence[bytes], words: Sequence[bytes], source: random.Random
) -> bytes:
    """The same for text in lines of values between commas: lines and values removed, doubled, swapped, replaced."""
    lines = seed.split(b"\n")
    for _ in range(source.randint(1, 4)):
        at, kind = source.randrange(len(lines)), source.randrange(7)
        if kind == 0 and len(lines) > 1:
            del lines[at]
        elif kind == 1:
            lines.insert(source.randrange(len(lines)), lines[at])
        elif kind == 2:
            lines.insert(at, source.choice(source.choice(others).split(b"\n")))
        elif kind == 3:
            other = source.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            values = lines[at].split(b",")
            values[source.randrange(len(values))] = source.choice(words)
            lines[at] = b",".join(values)
    text = b"\n".join(lines)
    return mutate(text, others, words, source) if source.random() < 0.2 else text
