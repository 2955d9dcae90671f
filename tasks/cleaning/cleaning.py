"""The way of a row through cleaning: strip, mend its end, judge, compare with its prompt, drop repeats."""

import re
from collections.abc import Sequence

from tasks.cleaning.copying import copies_prompt
from tasks.cleaning.duplicates import judge_repeats
from tasks.cleaning.endings import ends_cut, last_full_sentence
from tasks.cleaning.hygiene import Draft, fault, is_profane
from tasks.cleaning.stripping import strip
from tasks.config import CleaningConfig
from tasks.records import Reject, Row, Sifted

STAGE = "cleaning"
LEAST_CHARS = 100_000
CHARS_PER_WORD = 64
"""A text with more characters than this per allowed word (and more than `LEAST_CHARS`) is not even read."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def clean_rows(rows: Sequence[Row], config: CleaningConfig, seen: Sequence[Row] = ()) -> Sifted:
    """Clean the rows of one round.

    Args:
        rows: Rows as sampled. `votes["cut"]` of 1.0 says that the token limit ended the text: it is trimmed
            to its last full sentence.
        config: Lengths, language, similarity, profanity.
        seen: Rows accepted in earlier rounds: new rows must not repeat them, and join their groups.

    Returns:
        Kept rows with stripped `text`, a `group`, and `votes["profanity"]` of 1.0 on those with swear words;
        rejects under stage `cleaning` with the text as it came (surrogates, which no file can hold, are
        replaced by U+FFFD). The input rows are left as they are. Cleaning twice is cleaning once.
    """
    passed: list[tuple[Row, str, bool]] = []
    rejects: list[Reject] = []
    for row in rows:
        draft, reason = clean_text(row, config)
        if reason is None:
            passed.append((row, draft.text, is_profane(draft)))
        else:
            rejects.append(_reject(row, reason))
    kept: list[Row] = []
    verdicts = judge_repeats([text for _, text, _ in passed], config.near_duplicate_similarity, seen)
    for (row, text, profane), verdict in zip(passed, verdicts, strict=True):
        if verdict.reason is None:
            votes = {**row["votes"], "profanity": 1.0} if profane else row["votes"]
            kept.append({**row, "text": text, "votes": votes, "group": verdict.group})
        else:
            rejects.append(_reject(row, verdict.reason))
    return Sifted(kept, rejects)


def clean_text(row: Row, config: CleaningConfig) -> tuple[Draft, str | None]:
    """Stripped text of a row, and the name of the rule that rejects it, if any."""
    if len(row["text"]) > max(LEAST_CHARS, CHARS_PER_WORD * config.max_words):
        return Draft(row["text"], row["labels"], config), "too long"
    text = strip(row["text"], row["prompt"])
    whole = last_full_sentence(text) if ends_cut(text, row["votes"].get("cut") == 1.0) else text
    draft = Draft(whole or text, row["labels"], config)
    reason = fault(draft) or ("truncated" if text and not whole else None)
    if reason is None and copies_prompt(whole, row["prompt"]):
        reason = "copied from exemplar"
    return draft, reason


def _reject(row: Row, reason: str) -> Reject:
    """Row as it came, with its reason; surrogates are replaced, so that it can be written to a file."""
    if _SURROGATE.search(row["text"]):
        row = {**row, "text": _SURROGATE.sub("\ufffd", row["text"])}
    return Reject(row=row, stage=STAGE, reason=reason)
