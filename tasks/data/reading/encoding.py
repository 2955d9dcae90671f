"""Which encoding a text file is in: told by its byte order mark, by its bytes, or guessed and said."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from charset_normalizer import from_bytes

BLOCK = 1 << 20
SAMPLE = 1 << 18
"""Bytes that a guess rests on."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
USED = frozenset(
    "cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp932 shift_jis euc_jp gb18030 gb2312 gbk big5 euc_kr "
    "cp949 koi8_r iso8859_2".split()
)
"""Encodings beside UTF-8 that files of today are in; charset-normalizer knows ninety."""
LATIN = (["cp1250"], ["cp1254"], ["cp1257"], ["iso8859_2"])
"""Encodings of other Latin alphabets, which look Western when read as cp1252."""
WESTERN = frozenset("‘’‚“”„–—…•€£§°©®™ªº«»¿¡·½¼ŒœŠšŽžŸ\xa0" + "".join(map(chr, range(0xC0, 0x100))))
FOREIGN = 0.25
"""Share of letters outside ASCII from which a text is in no Western language."""
KNOWN = 0.95
SHOWN = 60

_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


class Encoding(NamedTuple):
    """Python's name of an encoding, and what a user should know about how it was found."""

    name: str
    note: str = ""


def encoding_of(path: Path) -> Encoding:
    """Encoding of a text file.

    Raises:
        ValueError: Parts of the file are UTF-8 and others are not, or its bytes are no text.
    """
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    for mark, name in MARKS:
        if head.startswith(mark):
            return Encoding(name, f"{path.name} is read as {name.upper()}, as its byte order mark says")
    if b"\0" in head:
        return _without_mark(path, head)
    broken = _first_that_is_not_utf8(path)
    return Encoding("utf-8") if broken is None else _single_byte(path, *broken)


def _without_mark(path: Path, head: bytes) -> Encoding:
    """UTF-16 without a mark: of each pair of bytes, one is mostly zero."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    if max(even, odd) < len(head) / 8:
        raise ValueError(
            f"{path.name} holds zero bytes and is no text; expected CSV, TSV, JSON lines, JSON, Parquet or "
            "XLSX with the ending that its format has. Check the file."
        )
    return Encoding(name, f"{path.name} is read as {name.upper()}, guessed from its zero bytes")


def _first_that_is_not_utf8(path: Path) -> tuple[int, bytes] | None:
    """Number and bytes of the first line that is not UTF-8."""
    for number, line in lines_of(path):
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                return number, line
    return None


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines of a file as bytes, with their numbers; of a line that never ends, a block at a time."""
    with path.open("rb") as file:
        number = 1
        while line := file.readline(BLOCK):
            while not line.endswith(b"\n") and line[-1] >= 0x80 and (more := file.read(1)):
                line += more  # a character that the block cut in two
            yield number, line
            number += line.endswith(b"\n")


def _single_byte(path: Path, number: int, line: bytes) -> Encoding:
    """Guess among the encodings that are not UTF-8; refuse a file that is in two."""
    sample = line
    for other, text in lines_of(path):
        if not text.isascii() and len(sample) < SAMPLE:
            sample += text
        if _is_utf8(text):
            raise ValueError(
                f"{path.name} line {number} is {_shown(line)}, which is not UTF-8, but line {other} is; "
                "expected one encoding in the whole file. Save the file as UTF-8."
            )
    name = _guessed(sample)
    if name is None:
        raise ValueError(
            f"{path.name} line {number} is {_shown(line)}, in an encoding that cannot be told; expected "
            "UTF-8. Save the file as UTF-8."
        )
    return Encoding(name, f"{path.name} is read as {name}, guessed: line {number} is not UTF-8")


def _guessed(sample: bytes) -> str | None:
    """Short samples fit many encodings: the Western one comes first, then those that are much used."""
    names = [match.encoding for match in from_bytes(sample)]
    used = [name for name in names if name in USED][:1]
    if "cp1252" in names or (used not in LATIN and _is_western(sample)):
        return "cp1252"
    found = used or names
    return found[0] if found else None


def _is_western(sample: bytes) -> bool:
    """Whether, read as cp1252, a few letters among many are accented, or marks are typographic."""
    text = sample.decode("cp1252", errors="replace")
    foreign = [letter for letter in text if not letter.isascii()]
    known = sum(letter in WESTERN for letter in foreign)
    return len(foreign) < FOREIGN * len(text) and known > KNOWN * len(foreign)


def _is_utf8(line: bytes) -> bool:
    """Whether a line has characters of several bytes and all of them are UTF-8."""
    if line.isascii() or not _MULTIBYTE.search(line):
        return False
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(line: bytes) -> str:
    return repr(line.decode(errors="replace").strip()[:SHOWN])
