"""The way of a row through cleaning: strip it, trim its end, check it, compare it with other texts."""

import re
from collections.abc import Callable, Sequence

from tasks.config import CleaningConfig
from tasks.data.records import FilterResult, Reject, Row
from tasks.pipeline.cleaning.contamination import copies_exemplar, runs_of, shares_run
from tasks.pipeline.cleaning.duplicates import judge_repeats
from tasks.pipeline.cleaning.rules import RuleInput, fault, is_profane
from tasks.pipeline.cleaning.semantic_duplicates import same_meaning
from tasks.pipeline.cleaning.stripping import strip
from tasks.pipeline.cleaning.toxicity import TOXIC, can_judge, toxicity
from tasks.pipeline.cleaning.truncation import ends_cut, last_full_sentence

STAGE = "cleaning"
MIN_CHAR_LIMIT = 100_000
CHARS_PER_WORD = 64
"""A text with more characters than this per allowed word (and more than `MIN_CHAR_LIMIT`) is not read."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def clean_rows(
    rows: Sequence[Row],
    config: CleaningConfig,
    seen: Sequence[Row] = (),
    known: Sequence[str] = (),
    held_out: Sequence[str] = (),
) -> FilterResult:
    """Clean the rows of one round.

    Args:
        rows: Rows as sampled. `votes["cut"]` of 1.0 says that the token limit ended the text: it is trimmed
            to its last full sentence.
        config: Lengths, language, similarities, profanity, toxicity.
        seen: Rows accepted in earlier rounds: new rows must not repeat them, and join their groups.
        known: Texts that people wrote for training, and those of earlier runs: not to be repeated either.
        held_out: Texts that something will be measured on: no eight words in a row may be shared with them.

    Returns:
        Kept rows with stripped `text`, a `group`, and `votes["profanity"]` of 1.0 on those with swear words,
        `votes["toxicity"]` on those that are likely to offend; rejects under stage `cleaning` with the text
        as it came (surrogates, which no file can hold, are replaced by U+FFFD). The input rows are left as
        they are. Cleaning twice is cleaning once.
    """
    passed: list[Row] = []
    raw: dict[int, Row] = {}
    rejects: list[Reject] = []
    for row in rows:
        rule_input, reason = clean_text(row, config)
        if reason is None:
            votes = {**row["votes"], "profanity": 1.0} if is_profane(rule_input) else row["votes"]
            passed.append({**row, "text": rule_input.text, "votes": votes})
            raw[id(passed[-1])] = row
        else:
            rejects.append(_reject(row, reason))
    for judge in (_copies(held_out), _offences(config), _repeats(config, seen, known), _same(config, seen)):
        reasons = judge(passed)
        rejects += [
            _reject(raw[id(row)], why) for row, why in zip(passed, reasons, strict=True) if why is not None
        ]
        passed = [row for row, why in zip(passed, reasons, strict=True) if why is None]
    return FilterResult(passed, rejects)


RejectCheck = Callable[[Sequence[Row]], list[str | None]]
"""Reason to reject each of some rows, None for those that stay; may note what it found on the rows."""


def _copies(held_out: Sequence[str]) -> RejectCheck:
    known = runs_of(held_out)
    return lambda rows: ["copied from test" if shares_run(row["text"], known) else None for row in rows]


def _offences(config: CleaningConfig) -> RejectCheck:
    def judge(rows: Sequence[Row]) -> list[str | None]:
        if not can_judge():
            return [None] * len(rows)
        reasons: list[str | None] = []
        for row, risk in zip(rows, toxicity([row["text"] for row in rows]), strict=True):
            if risk >= TOXIC:
                row["votes"] = {**row["votes"], "toxicity": round(risk, 4)}
            reasons.append("toxicity" if risk >= TOXIC and config.toxicity_filter else None)
        return reasons

    return judge


def _repeats(config: CleaningConfig, seen: Sequence[Row], known: Sequence[str]) -> RejectCheck:
    def judge(rows: Sequence[Row]) -> list[str | None]:
        texts = [row["text"] for row in rows]
        verdicts = judge_repeats(texts, config.near_duplicate_similarity, seen, known)
        for row, verdict in zip(rows, verdicts, strict=True):
            row["group"] = verdict.group
        return [verdict.reason for verdict in verdicts]

    return judge


def _same(config: CleaningConfig, seen: Sequence[Row]) -> RejectCheck:
    def judge(rows: Sequence[Row]) -> list[str | None]:
        if config.semantic_similarity is None:
            return [None] * len(rows)
        texts, before = [row["text"] for row in rows], [row["text"] for row in seen]
        repeated = same_meaning(texts, before, config.semantic_similarity)
        return ["semantic duplicate" if same else None for same in repeated]

    return judge


def clean_text(row: Row, config: CleaningConfig) -> tuple[RuleInput, str | None]:
    """Stripped text of a row, and the name of the rule that rejects it, if any."""
    if len(row["text"]) > max(MIN_CHAR_LIMIT, CHARS_PER_WORD * config.max_words):
        return RuleInput(row["text"], row["labels"], config), "too long"
    text = strip(row["text"], row["prompt"])
    whole = last_full_sentence(text) if ends_cut(text, row["votes"].get("cut") == 1.0) else text
    rule_input = RuleInput(whole or text, row["labels"], config, row["prompt"])
    reason = fault(rule_input) or ("truncated" if text and not whole else None)
    if reason is None and copies_exemplar(whole, [row["prompt"]]):
        reason = "copied from exemplar"
    return rule_input, reason


def _reject(row: Row, reason: str) -> Reject:
    """Row as it came, with its reason; surrogates are replaced, so that it can be written to a file."""
    if _SURROGATE.search(row["text"]):
        row = {**row, "text": _SURROGATE.sub("\ufffd", row["text"])}
    return Reject(row=row, stage=STAGE, reason=reason)
