"""Measures the scrubber: `python tests/benchmarks/bench_scrubbing.py`; writes results/bench/scrubbing.json.

The sets under `scrubbing/` were written for this project and looked at while
the rules were made, so these are development figures. Times are CPU seconds of one process.
"""

import argparse
import json
import random
import re
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

START = time.process_time()

from tasks.config import ScrubbingConfig  # noqa: E402 - the start-up time includes the imports
from tasks.scrubbing import SCRUBBER_VERSION, Scrubber  # noqa: E402
from tasks.scrubbing.agreement import neutral_edits  # noqa: E402
from tasks.scrubbing.assets import load_lexicon  # noqa: E402
from tasks.scrubbing.linking import link  # noqa: E402
from tasks.scrubbing.reading import Reading  # noqa: E402

FOLDER = Path(__file__).parent
SETS = FOLDER / "scrubbing"
OUT = Path("results/bench/scrubbing.json")
WORDS = 90
ATTACKS = (
    "a.", "@", "1 ", "John ", "a@", "&amp;", "he is ", "(", "a-", "\u200b", "Mr. ", "black ", "a@b.c",
    "[NAME]",
    "Person A ", "x@y ", "A", "\n", "http://", "1.", "O'", "É",
)  # fmt: skip
ATTACK_CHARACTERS = 40_000
NO_TERMS = frozenset({"PERSON", "AGREEMENT"})


def marked(name: str, left: str, right: str) -> list[tuple[str, list[tuple[int, int]]]]:
    """Read lines `tag|text` whose gold parts stand between marks."""
    rows = []
    for line in (SETS / name).read_text(encoding="utf-8").splitlines():
        text, spans = "", []
        for place, part in enumerate(
            re.split(f"{re.escape(left)}(.*?){re.escape(right)}", line.partition("|")[2])
        ):
            if place % 2:
                spans.append((len(text), len(text) + len(part)))
            text += part
        if text:
            rows.append((text, spans))
    return rows


def found_share(
    scrubber: Scrubber, name: str, marks: tuple[str, str], counts: Callable[[str], bool]
) -> float:
    """Return the share of gold parts of which half is replaced."""
    rows = marked(name, *marks)
    hits = total = 0
    for (_, gold), done in zip(rows, scrubber.many([text for text, _ in rows]), strict=True):
        covered = {i for start, end, kind in done.spans if counts(kind) for i in range(start, end)}
        hits += sum(2 * sum(i in covered for i in range(a, b)) >= b - a for a, b in gold)
        total += len(gold)
    return hits / total


def over_scrubbed(scrubber: Scrubber, name: str, counts: Callable[[str], bool]) -> float:
    """Return the share of lines without anything to find in which something was."""
    rows = marked(name, "[[", "]]")
    done = scrubber.many([text for text, _ in rows])
    return sum(any(counts(kind) for *_, kind in d.spans) for d in done) / len(rows)


def bad_terms(scrubber: Scrubber) -> float:
    """Return the share of lines without demographics in which a term, other than a pronoun, was replaced."""
    rows = [text for text, _ in marked("demographic_negative.txt", "[[", "]]")]
    pronouns = re.compile(r"(he|she|his|hers?|him|himself|herself|he's|she's)$", re.IGNORECASE)
    bad = 0
    for text, done in zip(rows, scrubber.many(rows), strict=True):
        bad += any(k not in NO_TERMS and not pronouns.match(text[a:b]) for a, b, k in done.spans)
    return bad / len(rows)


def linking(scrubber: Scrubber) -> dict[str, float]:
    """Return the share of mentions with the right letter, and of documents right from text to letters."""
    right = mentions = whole = documents = 0
    for line in filter(None, (SETS / "linking.txt").read_text(encoding="utf-8").splitlines()):
        parts = re.split(r"\[\[([A-Z])\|(.*?)\]\]", line)
        text, spans, gold = parts[0], [], parts[1::3]
        for name, rest in zip(parts[2::3], parts[3::3], strict=True):
            spans.append((len(text), len(text) + len(name)))
            text += name + rest
        right += sum(a == b for a, b in zip(link(text, spans, load_lexicon()), gold, strict=True))
        mentions += len(gold)
        whole += re.findall(r"Person ([A-Z])\b", scrubber.one(text).text) == gold
        documents += 1
    return {"mentions": right / mentions, "documents": whole / documents}


def agreement() -> dict[str, float]:
    """Return recall and precision over the verbs of `agreement.txt`."""
    hits = gold_n = found_n = 0
    for line in (SETS / "agreement.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        text, gold = "", {}
        for place, part in enumerate(re.split(r"\{([^{}]*)\}", line)):
            old, _, new = part.partition("|") if place % 2 else (part, "", "")
            if place % 2:
                gold[len(text)] = new
            text += old
        found = {e.start: e.text for e in neutral_edits(Reading(text), []) if e.type == "AGREEMENT"}
        hits += sum(found.get(start) == new for start, new in gold.items())
        gold_n, found_n = gold_n + len(gold), found_n + len(found)
    return {"recall": hits / gold_n, "precision": hits / found_n, "verbs": gold_n}


def majority_share(scrubber: Scrubber, variants: list[list[str]]) -> float:
    """Return the share of texts that come out like most of their group."""
    equal = total = 0
    for texts in variants:
        outputs = Counter(done.text for done in scrubber.many(texts))
        equal += outputs.most_common(1)[0][1]
        total += len(texts)
    return equal / total


def swaps(scrubber: Scrubber) -> dict[str, float]:
    """Return the shares of swapped names, terms and gender pairs that read the same."""
    plan = yaml.safe_load((FOLDER / "swaps.yaml").read_text(encoding="utf-8"))
    names = [(n, *n.split(" ", 1)) for n in plan["names"].strip().split("|")]
    by_name = [[t.format(n=n, f=f, l=last) for n, f, last in names] for t in plan["name_templates"]]
    by_term = [
        [t.format(d=d) for d in terms.split("|")]
        for terms in plan["terms"].values()
        for t in plan["term_templates"]
    ]
    return {
        "names": majority_share(scrubber, by_name),
        "terms": majority_share(scrubber, by_term),
        "gender_pairs": majority_share(scrubber, plan["pairs"]),
    }


def corpus(n: int) -> list[str]:
    """Return texts of about ninety words, made of the sets' sentences and some contact data."""
    marks = {"demographic_positive.txt": ("{{", "}}")}
    names = (
        "person_positive.txt",
        "person_negative.txt",
        "demographic_positive.txt",
        "demographic_negative.txt",
    )
    lines = [text for name in names for text, _ in marked(name, *marks.get(name, ("[[", "]]")))]
    lines += [
        "Write to kim.lee@example.org or call +1 (212) 555-0187.",
        "See https://example.com/offers for more.",
    ]
    rng, texts = random.Random(5), []
    for _ in range(n):
        words: list[str] = []
        while len(words) < WORDS:
            words += rng.choice(lines).split()
        texts.append(" ".join(words[:WORDS]))
    return texts


def rival() -> Any:
    """Return Presidio as shipped, on a pipeline of en_core_web_sm's make-up with random weights."""
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "tok2vec"}
    parser = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "parser",
        "extra_state_tokens": False,
    }
    pipeline = spacy.blank("en")
    pipeline.add_pipe("tok2vec")
    tagger = pipeline.add_pipe(
        "tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}}
    )
    model = {**parser, "hidden_width": 64, "maxout_pieces": 2, "use_upper": True, "tok2vec": listener}
    dependency = pipeline.add_pipe("parser", config={"model": model})
    entities = pipeline.add_pipe("ner")
    for tag in ("NN", "VB", "JJ", "DT", "IN", "PRP"):
        tagger.add_label(tag)
    for label in ("nsubj", "dobj", "det", "amod", "prep", "pobj"):
        dependency.add_label(label)
    for label in ("PERSON", "ORG", "GPE", "NORP", "DATE"):
        entities.add_label(label)
    pipeline.initialize()
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "en_core_web_sm"}])
    engine.nlp = {"en": pipeline}
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])


def rate(work: Callable[[], object], n: int) -> float:
    """Return items per CPU second."""
    start = time.process_time()
    work()
    return n / (time.process_time() - start)


def speed(scrubber: Scrubber, n: int, n_rival: int) -> dict[str, float]:
    """Return texts per CPU second of the scrubber, warm, and of Presidio's plain loop."""
    texts = corpus(n)
    scrubber.many(texts[: max(1, n // 4)])
    ours = rate(lambda: scrubber.many(texts), n)
    found = {"texts_per_cpu_s": ours, "texts": n}
    if n_rival:
        analyzer = rival()
        plain = rate(lambda: [analyzer.analyze(text, "en") for text in texts[:n_rival]], n_rival)
        found |= {"presidio_loop_texts_per_cpu_s": plain, "times_presidio": ours / plain}
    return found


def attacks(scrubber: Scrubber) -> dict[str, float]:
    """Return the CPU seconds of each attack string, slowest first."""
    seconds = {a: 1 / rate(lambda a=a: scrubber.one(a * (ATTACK_CHARACTERS // len(a))), 1) for a in ATTACKS}
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def main() -> None:
    """Measure everything, print it and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=2_000)
    parser.add_argument("--rival-texts", type=int, default=200, help="0 leaves Presidio's loop out")
    chosen = parser.parse_args()
    scrubber = Scrubber(ScrubbingConfig())
    start = {
        "cpu_s": time.process_time() - START,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    lines = [text for text, _ in marked("person_positive.txt", "[[", "]]")]
    once = [done.text for done in scrubber.many(lines)]
    scores: dict[str, Any] = {
        "version": SCRUBBER_VERSION,
        "start": start,
        "person_recall": found_share(scrubber, "person_positive.txt", ("[[", "]]"), lambda k: k == "PERSON"),
        "person_over_scrubbed": over_scrubbed(scrubber, "person_negative.txt", lambda k: k == "PERSON"),
        "demographic_recall": found_share(
            scrubber, "demographic_positive.txt", ("{{", "}}"), lambda k: k != "PERSON"
        ),
        "demographic_over_scrubbed": bad_terms(scrubber),
        "linking": linking(scrubber),
        "agreement": agreement(),
        "swaps": swaps(scrubber),
        "twice_is_once": [done.text for done in scrubber.many(once)] == once,
        "attacks_cpu_s": attacks(scrubber),
        "speed": speed(scrubber, chosen.texts, chosen.rival_texts),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(scores, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(scores, indent=1, ensure_ascii=False))  # noqa: T201


if __name__ == "__main__":
    main()
