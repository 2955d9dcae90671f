"""Measures what the scrubber does to grammar, against gold syntax that the tagger never saw."""

import difflib
import importlib.util
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from tasks.pipeline.scrubbing import Scrubber
from tasks.pipeline.scrubbing.names.assets import load_clusters, load_lexicon, load_pos_tables
from tasks.pipeline.scrubbing.table_builder.pos_training import train_pos
from tasks.pipeline.scrubbing.table_builder.treebank import TaggedSentence, read_treebank
from tasks.pipeline.scrubbing.tagging.loading import pos_tagger

FOLDS = 5
SEED = 13
APART = 100_000
"""Added to the numbers of the second file's documents, so that they differ from the first one's."""


def grammar(scrubber: Scrubber, folder: Path) -> dict[str, float]:
    """Share of pronouns and agreeing verbs that are right, over all folds of the treebank.

    `clefts apart` leaves out the "is" of "what I like is that she cares", which the checker wants plural.
    """
    checker = _checker(folder / "grammar_check.py")
    later = [s._replace(document=s.document + APART) for s in read_treebank(folder / "dev.conllu")]
    sentences = read_treebank(folder / "train.conllu") + later
    fold_of = {s.text: s.document % FOLDS for s in sentences}
    gold = [pair for name in ("train", "dev") for pair in checker.sentences(folder / f"{name}.conllu")]
    right, total = Counter[str](), Counter[str]()
    for fold in range(FOLDS):
        _train_without(fold, sentences)
        chosen = [
            (text, tokens) for text, tokens in gold if fold_of.get(text) == fold and _spoken(tokens, checker)
        ]
        done = scrubber.many([text for text, _ in chosen])
        for (_, tokens), after in zip(chosen, done, strict=True):
            for kind, good in judged(tokens, checker.split(after.text), checker):
                right[kind] += good
                total[kind] += 1
    pos_tagger().use(load_pos_tables())
    shares = {kind: right[kind] / total[kind] for kind in sorted(total)}
    apart = [kind for kind in total if kind != "cleft"]
    clefts_apart = sum(right[k] for k in apart) / sum(total[k] for k in apart)
    return {**shares, "all": right.total() / total.total(), "clefts apart": clefts_apart}


def _checker(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("grammar_check", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{path} is missing; expected the checker beside the treebank.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _train_without(fold: int, sentences: Sequence[TaggedSentence]) -> None:
    others = [s for s in sentences if s.document % FOLDS != fold]
    pos_tagger().use(train_pos(others, load_lexicon(), load_clusters(), SEED))


def _spoken(tokens: Sequence[Sequence[str]], checker: ModuleType) -> bool:
    return any(token[1].lower() in checker.PRONOUNS for token in tokens)


def judged(
    tokens: Sequence[Sequence[str]], after: Sequence[str], checker: ModuleType
) -> Iterator[tuple[str, bool]]:
    """Yield each pronoun's and agreeing verb's kind and whether it is right; rewritten places say nothing."""
    forms = [token[1].lower() for token in tokens]
    place: dict[int, int] = {}
    blocks = difflib.SequenceMatcher(None, forms, [form.lower() for form in after], autojunk=False)
    for op, a, b, c, d in blocks.get_opcodes():
        if op == "equal" or b - a == d - c:
            place.update(zip(range(a, b), range(c, d), strict=True))
    outer = {token[6] for token in tokens if token[7] == "nsubj:outer"}
    for i, kind, wanted in checker.expected(tokens):
        if i in place:
            got = after[place[i]].lower().replace("’", "'")
            good = got == wanted or (wanted, got) in {("'ve", "have"), ("'re", "are")}
            cleft = tokens[i][7] == "cop" and tokens[i][6] in outer
            yield ("cleft" if cleft and kind != "verb" else kind), good
