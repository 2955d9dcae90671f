"""How fast, how large and how hard to hurt the scrubber is. Times are CPU seconds of one process."""

import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from scrubbing_quality import OWN, marked

from tasks.config import ScrubbingConfig
from tasks.pipeline.scrubbing import Scrubber
from tasks.pipeline.scrubbing.rows import scrubber_for

WORDS = 90
NAMED_SHARE = 0.6
"""Share of a text's sentences that hold something to scrub; the rest is plain."""
ATTACKS = (
    "a.", "@", "1 ", "John ", "a@", "&amp;", "he is ", "(", "a-", "\u200b", "Mr. ", "black ", "a@b.c",
    "[NAME]", "Person A ", "x@y ", "A", "\n", "http://", "1.", "O'", "É",
)  # fmt: skip
ATTACK_CHARACTERS, LONG_ATTACK = 40_000, 200_000
SLOW_ENOUGH = 0.02
"""Seconds from which the growth with length is told from noise."""
START = (
    "import time, resource; from tasks.pipeline.scrubbing import Scrubber; "
    "Scrubber().one('John Smith left.');"
    "print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
)
SYLLABLES = "ba|chi|do|fe|ga|hu|ji|ka|lo|mi|na|or|pe|qua|ri|su|ta|ve|wo|za".split("|")


def corpus(n: int) -> list[str]:
    """Return texts of ninety words from our own sentences, with contact data here and there."""
    plain = [text for name in ("person", "demographic") for text, _ in marked(OWN / f"{name}_negative.txt")]
    named = [text for text, _ in marked(OWN / "person_positive.txt")]
    named += [text for text, _ in marked(OWN / "demographic_positive.txt", "{{", "}}")]
    named += [
        "Write to kim.lee@example.org or call +1 (212) 555-0187.",
        "See https://example.com/a for more.",
    ]
    rng, texts = random.Random(5), []
    for _ in range(n):
        words: list[str] = []
        while len(words) < WORDS:
            words += rng.choice(named if rng.random() < NAMED_SHARE else plain).split()
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
    """Texts per CPU second of the scrubber, warm, and of Presidio's plain loop, taken in turns."""
    texts = corpus(n)
    scrubber.many(texts[: max(1, n // 4)])
    if not n_rival:
        return {"texts per CPU second": rate(lambda: scrubber.many(texts), n)}
    analyzer, half = rival(), max(1, n_rival // 2)
    analyzer.analyze(texts[0], "en")

    def loop(part: list[str]) -> float:
        return rate(lambda: [analyzer.analyze(text, "en") for text in part], len(part))

    plain = [loop(texts[:half])]
    ours = rate(lambda: scrubber.many(texts), n)
    plain.append(loop(texts[half : 2 * half]))
    theirs = 2 / sum(1 / p for p in plain)
    return {
        "texts per CPU second": ours,
        "Presidio's loop, texts per CPU second": theirs,
        "times Presidio's loop": ours / theirs,
    }


def start() -> dict[str, float]:
    """CPU seconds and peak memory of a fresh process up to its first scrubbed text."""
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    return {"CPU seconds": seconds, "peak MB": megabytes}


def attacks(scrubber: Scrubber) -> dict[str, float]:
    """CPU seconds of each attack string, slowest first; how they grow with length; a million characters."""
    seconds, longer = (
        {a: _seconds(scrubber, a * (length // len(a))) for a in ATTACKS}
        for length in (ATTACK_CHARACTERS, LONG_ATTACK)
    )
    ordered = dict(sorted(seconds.items(), key=lambda item: -item[1]))
    million = " ".join(corpus(1_800))[:1_000_000]
    return {
        **ordered,
        "the slowest at 200,000 characters": max(longer.values()),
        "times as long for five times the length": max(
            longer[a] / seconds[a] for a in ATTACKS if longer[a] > SLOW_ENOUGH
        ),
        "a million characters of prose": _seconds(scrubber, million),
    }


def _seconds(scrubber: Scrubber, text: str) -> float:
    return 1 / rate(lambda: scrubber.one(text), 1)


def growth(scrubber: Scrubber, n: int) -> dict[str, float]:
    """Megabytes in use after a fifth of the texts and after all, every text with words never met before."""
    rng, sizes = random.Random(9), []
    for chunk in range(20):
        texts = (
            f"Yesterday {_word(rng)} {_word(rng)} praised the {_word(rng).lower()} of Mr. {_word(rng)}."
            for _ in range(n // 20)
        )
        scrubber.many(list(texts))
        if chunk in {3, 19}:
            sizes.append(_resident_mb())
    return {
        "texts": n,
        "MB after a fifth": sizes[0],
        "MB after all": sizes[1],
        "MB grown": sizes[1] - sizes[0],
    }


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(SYLLABLES, n=4)).capitalize()


def _resident_mb() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as sizes:
            return int(sizes.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:  # not Linux: the peak is what there is
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _work(texts: list[str]) -> int:
    return len(scrubber_for(ScrubbingConfig()).many(texts))


def processes(n: int) -> dict[str, float]:
    """Wall-clock speed of two processes over that of one, both warm."""
    texts = corpus(n)
    speeds = {}
    for workers in (1, 2):
        with get_context("spawn").Pool(workers) as pool:
            parts = [texts[i::8] for i in range(8)]
            pool.map(_work, parts, chunksize=1)
            begun = time.perf_counter()
            pool.map(_work, parts, chunksize=1)
            speeds[workers] = n / (time.perf_counter() - begun)
    return {"two processes over one": speeds[2] / speeds[1]}
