"""How the request for a text is put to a small model: one line of plain control words.

    sadness, disappointment | flights | long comment :

Words rather than special tokens, so that a warm-started model already knows what they mean. A request that
is left open is left out; `any` stands for open labels.
"""

from collections.abc import Sequence

ANY = "any"


def control_prompt(labels: Sequence[str], topic: str = "", style: str = "", length: str = "") -> str:
    """Line that the embedded generator continues; an empty argument leaves that request open."""
    manner = f"{length} {style}".strip()
    return " | ".join(part for part in (", ".join(labels) or ANY, topic, manner) if part) + " :"


def length_word(n_words: int) -> str:
    """`short` up to 8 words, `medium` up to 16, else `long`: thirds of GoEmotions' texts."""
    if n_words <= 8:
        return "short"
    return "medium" if n_words <= 16 else "long"
