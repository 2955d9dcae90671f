"""Brings a text into the one form that is analysed and stored, without signs that hide words from view."""

import html
import re
import unicodedata
from typing import Any

from tasks.data.language import FUNCTION_WORDS, is_foreign, words_of

RANGES = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x2064),
    (0x2066, 0x2069),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xE0000, 0xE007F),
)
"""Soft hyphen, joiners, bidirectional marks, tag characters, variation selectors."""
INVISIBLE = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in RANGES) + "]")
PICTOGRAPHS = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
JOINING_SCRIPTS = (
    "\u0600-\u07bf\u0860-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
)
"""Arabic, Syriac, Thaana, the scripts of India, Burmese, Khmer and Mongolian: joiners change what is read."""
VISIBLE = re.compile(
    f"(?:(?<=[{PICTOGRAPHS}])|(?<=[{PICTOGRAPHS}]\ufe0f))\u200d(?=[{PICTOGRAPHS}])"
    f"|(?<=[{PICTOGRAPHS}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    f"|(?<=[{JOINING_SCRIPTS}])[\u200c\u200d]"
)
"""Joiners and selectors that show: inside an emoji, and behind a letter of a script that needs them."""
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});")
SURROGATE = re.compile(r"[\ud800-\udfff]")
LATIN = "A-Za-z\u00c0-\u024f"
LOOKALIKE = "\u0370-\u03ff\u0400-\u052f\u0530-\u058f"
"""Greek, Cyrillic and Armenian, whose letters pass for Latin ones."""
OWN_PLACEHOLDER = re.compile(r"\bPerson [A-Z]{1,3}\b|\[[A-Za-z ]{2,20}\]")
MIXED_SCRIPT = re.compile(f"[{LATIN}][{LOOKALIKE}]|[{LOOKALIKE}][{LATIN}]")
MAX_UNESCAPES = 5
NOT_ENGLISH = "not_english"
"""Flag of a text in another language."""
ENGLISH = FUNCTION_WORDS["en"]
FAMILIAR = 0.15
"""Share of English function words, among those without a capital, from which a text is English."""
CHARACTERS_READ = 2_000
"""Characters that the language is judged by."""


def as_text(value: Any) -> tuple[str, tuple[str, ...]]:
    """Turn any value into a text that can be stored, with the flags that tell what was wrong.

    Bytes are read as UTF-8; half surrogate pairs become U+FFFD; anything else that is no text becomes empty,
    so that nothing passes unscrubbed.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace"), ("bytes",)
    if not isinstance(value, str):
        return "", ("not_text",)
    if SURROGATE.search(value):
        return SURROGATE.sub("\ufffd", value), ("invalid_surrogates",)
    return value, ()


def normalise(text: str) -> str:
    """Return the text without hidden signs, entities resolved, composed (NFC), blanks plain.

    Offsets refer to the result. Normalising twice gives the same as once.
    """
    for _ in range(MAX_UNESCAPES):
        if "&" not in text or not ENTITY.search(text):
            break
        text = html.unescape(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", SURROGATE.sub("\ufffd", without_invisible(text)))
    return text.replace("\u00a0", " ").replace("\r\n", "\n").replace("\x00", "")


def without_invisible(text: str) -> str:
    """Return the text without the signs that hide words, those kept that show (see `VISIBLE`)."""
    return INVISIBLE.sub(
        lambda matches: matches.group() if VISIBLE.match(text, matches.start()) else "", text
    )


def flags_of(text: str) -> tuple[str, ...]:
    """Return `empty`, `mixed_script` (a word of look-alike letters), `not_english` where they hold."""
    if not text.strip():
        return ("empty",)
    flags = ("mixed_script",) if not text.isascii() and MIXED_SCRIPT.search(text) else ()
    return flags if is_english(text) else (*flags, NOT_ENGLISH)


def is_english(text: str) -> bool:
    """Judge the language by its function words, and where these are rare by its letters; short texts pass."""
    words = text[:CHARACTERS_READ].replace("\u2019", "'").split()
    words = [word for word in words if word.islower()] or [word.lower() for word in words]
    if words and sum(map(ENGLISH.__contains__, words)) >= FAMILIAR * len(words):
        return True
    return not is_foreign(words_of(OWN_PLACEHOLDER.sub(" ", text)), "en")
