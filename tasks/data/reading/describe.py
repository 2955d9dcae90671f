"""What was understood of a human data set, without running anything."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from tasks.config.real import RealConfig
from tasks.data.reading.dataset import RealData, read_dataset
from tasks.data.reading.labels import Labels
from tasks.data.reading.mapping import Mapping, map_labels
from tasks.data.reading.splits import BOTH, plain_text
from tasks.taxonomy import Taxonomy

LANGUAGE_SAMPLE = 300
"""Texts of which the language is told."""
LANGUAGE_LETTERS = 20
"""Shorter texts tell little about their language."""
LANGUAGE_SHARE = 0.02
"""Share of the texts from which a language is named."""
SHOWN_LABELS = 40
SHOWN_ROWS = 5
SHOWN_CHARS = 100
SEED = 0


@dataclass(frozen=True)
class Description:
    """Figures of a data set."""

    data: RealData
    taxonomy: Taxonomy | None
    mapping: Mapping | None
    """None without a taxonomy."""
    labels: dict[str, int]
    """Rows per label, most frequent first."""
    n_without: int
    """Rows without a label: negatives of a multi-label set."""
    n_several: int
    """Rows with more than one label."""
    words: tuple[int, int, int]
    """Words of a text: median, 95th percentile, longest."""
    n_duplicates: int
    """Rows that repeat a text above them, case and marks aside."""
    conflicts: list[tuple[str, list[Labels]]]
    """Texts that stand more than once with different labels, and these."""
    languages: dict[str, float]
    """ISO 639-1 codes and their share of the texts."""

    def lines(self) -> list[str]:
        """The figures as text, a line each."""
        splits = self.data.frame["split"].value_counts()
        names = ("train", "test") if BOTH not in splits else ("train", BOTH)
        shown = ", ".join(f"{split} {splits[split]:,}" for split in names if split in splits)
        median, high, longest = self.words
        return [
            f"rows        {len(self.data.frame):,} ({shown})",
            *(f"left out    {n:,} rows: {reason}" for reason, n in self.data.dropped.items()),
            f"columns     {self._columns()}",
            f"words       median {median:,}, 95 % up to {high:,}, longest {longest:,}",
            "language    "
            f"{', '.join(f'{code} {share:.0%}' for code, share in self.languages.items()) or '-'}",
            f"duplicates  {self.n_duplicates:,} rows repeat a text, {len(self.conflicts):,} texts have "
            "different labels",
            *(
                f"            {_cut(text)!r}: {' / '.join(map(_joined, sets))}"
                for text, sets in self.conflicts[:3]
            ),
            *self._label_lines(),
            *(f"note        {note}" for note in self.data.notes),
            *(f"row         {_cut(text)!r}: {_joined(labels)}" for text, labels in self._sample()),
        ]

    def _columns(self) -> str:
        columns = self.data.columns
        taken = {"text": columns.text, "labels": ", ".join(columns.labels), "split": columns.split}
        taken |= {"id": columns.id, "rater": columns.rater}
        return ", ".join(f"{what} from {name!r}" for what, name in taken.items() if name)

    def _label_lines(self) -> list[str]:
        lines = [
            f"labels      {len(self.labels):,}; rows without {self.n_without:,}, with several "
            f"{self.n_several:,}"
        ]
        lines += [f"            {n:>9,}  {name}{self._becomes(name)}" for name, n in self._listed()]
        hidden = len(self.labels) - SHOWN_LABELS
        lines += [f"            and {hidden:,} more"] if hidden > 0 else []
        if self.data.has_scores:
            scores = self.data.frame["score"].dropna()
            lines.append(
                f"scores      from {scores.min():.2f} to {scores.max():.2f}, mean {scores.mean():.2f}"
            )
        if self.mapping and self.taxonomy:
            n_rows = sum(self.mapping.unmapped.values())
            lines.append(
                f"taxonomy    {self.taxonomy.name}: {len(self.mapping.unmapped)} labels of {n_rows:,} rows "
                f"do not map, {self.mapping.n_lost:,} rows would be left out"
            )
        return lines

    def _listed(self) -> list[tuple[str, int]]:
        return list(self.labels.items())[:SHOWN_LABELS]

    def _becomes(self, name: str) -> str:
        if self.mapping is None or self.data.has_scores:
            return ""
        found = self.mapping.of_label[name]
        return "" if found == (name,) else f" -> {', '.join(found) or 'does not map'}"

    def _sample(self) -> list[tuple[str, Labels]]:
        """Five rows, evenly spread."""
        frame = self.data.frame
        places = np.linspace(0, len(frame) - 1, min(SHOWN_ROWS, len(frame))).astype(int)
        rows = frame.iloc[places]
        return list(zip(rows["text"], rows["labels"], strict=True))


def describe(config: RealConfig, taxonomy: Taxonomy | None = None) -> Description:
    """Read a data set and say what it holds.

    Args:
        config: Where it is, and what the user said about its columns.
        taxonomy: Labels that it shall map to; None maps nothing.

    Raises:
        FileNotFoundError: There is nothing at the path.
        ValueError: The data cannot be read.
    """
    data = read_dataset(config)
    labels = data.frame["labels"]
    sizes = labels.map(len)
    repeats, conflicts = _duplicates(data.frame)
    return Description(
        data=data,
        taxonomy=taxonomy,
        mapping=map_labels(data, taxonomy) if taxonomy else None,
        labels=dict(Counter(label for carried in labels for label in carried).most_common()),
        n_without=int((sizes == 0).sum()),
        n_several=int((sizes > 1).sum()),
        words=_words(data.frame["text"].tolist()),
        n_duplicates=repeats,
        conflicts=conflicts,
        languages=_languages(data.frame["text"]),
    )


def _words(texts: Sequence[str]) -> tuple[int, int, int]:
    counts = np.array([len(text.split()) for text in texts])
    median, high, longest = np.percentile(counts, [50, 95, 100])
    return int(median), int(high), int(longest)


def _duplicates(frame: pd.DataFrame) -> tuple[int, list[tuple[str, list[Labels]]]]:
    """Rows that repeat a text, and the texts that have different labels."""
    keys = pd.Series([plain_text(text) for text in frame["text"]])
    alike = frame[keys.duplicated(keep=False).to_numpy()]
    by_key: dict[str, tuple[str, dict[Labels, None]]] = {}
    for key, text, labels in zip(keys[alike.index], alike["text"], alike["labels"], strict=True):
        by_key.setdefault(key, (text, {}))[1][tuple(sorted(labels))] = None
    conflicts = [(text, list(sets)) for text, sets in by_key.values() if len(sets) > 1]
    return int(keys.duplicated().sum()), conflicts


def _languages(texts: pd.Series) -> dict[str, float]:
    """Languages of a sample of the texts, most frequent first."""
    long = texts[texts.str.len() >= LANGUAGE_LETTERS]
    if long.empty:
        return {}
    sample = long.sample(min(LANGUAGE_SAMPLE, len(long)), random_state=SEED)
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=False)
    counts = Counter(identifier.classify(text)[0] for text in sample)
    shares = {code: n / len(sample) for code, n in counts.most_common()}
    return {code: share for code, share in shares.items() if share >= LANGUAGE_SHARE}


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def _joined(labels: Labels) -> str:
    return " | ".join(labels) or "no label"
