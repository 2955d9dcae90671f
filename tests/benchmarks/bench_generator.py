"""What the embedded generator's texts are worth: readable, of their label, on their topic, not remembered.

Run as:

    python tests/benchmarks/bench_generator.py --data shared/data [--only labels ...] [--adapter FOLDER]

Parts:
    labels   28 emotions x topics and styles drawn at random, one text per request: fidelity (intended label
             among the three most probable of a logistic regression on MiniLM embeddings of GoEmotions train),
             topic fidelity (asked topic among the three nearest of all that ship), texts that repeat four
             words of their meaning, words unknown to a frequency list, negative log-likelihood per word under
             the untuned base, memorisation (runs of eight words).
    sweep    the same figures for guidance scales and samplers, fewer texts each.
    unseen   fidelity on labels held out of tuning, by name and meaning and by meaning alone; give --adapter
             one that was tuned with --hold-out-labels.
    people   the same readability figures of GoEmotions dev and SST dev.
    examples macro-F1 (and quadratic kappa on the scale) of a logistic regression on embeddings of texts that
             were written for the taxonomies in examples/, on their own test texts. The product's classifier
             adds votes and fine-tuning; this tells what the texts are worth by themselves.

Figures are merged into results/bench/generator.json.
"""

import argparse
import csv
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from recording import record
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, f1_score

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from drawing import drawn_manner  # noqa: E402

from tasks.config import GeneratorConfig, PromptForm, RunConfig  # noqa: E402
from tasks.data.reading import read_real  # noqa: E402
from tasks.models.embedding import embed  # noqa: E402
from tasks.models.weights_cache import base_folder  # noqa: E402
from tasks.pipeline.sampling import Request, load_engine  # noqa: E402
from tasks.pipeline.training.generator.fidelity import fidelity, memorised_share  # noqa: E402
from tasks.prompts.rendering import render  # noqa: E402
from tasks.taxonomy import Label, Topics, load_taxonomy, load_topics  # noqa: E402

LABELS = load_taxonomy("goemotions").labels
TOPICS = load_topics()
UNSEEN = ("pride", "embarrassment", "excitement", "disgust", "relief")
SWEEP: tuple[dict[str, float], ...] = (
    {"guidance_scale": 1.0},
    {"guidance_scale": 2.0},
    {"guidance_scale": 3.0},
    {"guidance_scale": 4.0},
    {"guidance_scale": 2.0, "min_p": 0.0, "top_p": 0.95},
    {"guidance_scale": 2.0, "temperature": 0.8},
    {"guidance_scale": 3.0, "temperature": 0.8},
)
ECHO_RUN = 4


class Sampled(NamedTuple):
    """One text and what it was asked for."""

    text: str
    label: int
    topic: int


def sample(
    labels: Sequence[tuple[int, Label]],
    n_texts: int,
    adapter: str | None,
    topics: Topics = TOPICS,
    **settings: float,
) -> list[Sampled]:
    """`n_texts` of each label, every one with a topic, scenario, style and length of its own."""
    own = GeneratorConfig(adapter=adapter, **settings)  # type: ignore[arg-type]
    engine, rng = load_engine(RunConfig(generator=own).resolved().generator), np.random.default_rng(5)
    wanted = []
    for place, label in labels:
        for _ in range(n_texts):
            topic, manner = drawn_manner(rng, topics)
            prompts = render(PromptForm.chat, [label], manner), render(PromptForm.chat, [], manner)
            wanted.append((place, topic, Request(prompts[0], 1, len(wanted), prompts[1])))
    with ThreadPoolExecutor(256) as calls:
        texts = list(calls.map(lambda asked: engine.sample(asked[2])[0].text, wanted))
    engine.close()
    return [
        Sampled(text, place, topic) for text, (place, topic, _) in zip(texts, wanted, strict=True) if text
    ]


@cache
def judge(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Weights (28, 384) and biases (28,) of one logistic regression per emotion, from 16,000 train texts."""
    rows = read_real(f"{data}/goemotions", "train")
    chosen = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:16_000]]
    vectors = embed([row.text for row in chosen], "embed train")
    fitted = [
        LogisticRegression(C=3, max_iter=400, class_weight="balanced").fit(
            vectors, [label.name in row.labels for row in chosen]
        )
        for label in LABELS
    ]
    return np.stack([m.coef_[0] for m in fitted]), np.array([m.intercept_[0] for m in fitted])


def label_fidelity(samples: Sequence[Sampled], data: str) -> float:
    """Intended label among the three most probable, mean over labels."""
    weights, biases = judge(data)
    hits = fidelity(embed([s.text for s in samples]) @ weights.T + biases, [s.label for s in samples])
    places = np.array([s.label for s in samples])
    return float(np.mean([hits[places == place].mean() for place in set(places.tolist())]))


def topic_fidelity(samples: Sequence[Sampled]) -> float:
    """Asked topic among the three nearest of all, each described by name and scenarios as one text."""
    described = embed([f"{topic.name}: {' '.join(topic.scenarios)}" for topic in TOPICS.topics])
    return float(fidelity(embed([s.text for s in samples]) @ described.T, [s.topic for s in samples]).mean())


def echo_share(samples: Sequence[Sampled]) -> float:
    """Share of texts that repeat four words in a row of their label's meaning."""

    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"[a-z']+", text.lower())
        return {tuple(words[i : i + ECHO_RUN]) for i in range(len(words) - ECHO_RUN + 1)}

    return float(np.mean([bool(runs(s.text) & runs(LABELS[s.label].meaning)) for s in samples]))


def unknown_share(texts: Sequence[str]) -> float:
    """Share of words that a frequency list of English does not have."""
    from wordfreq import zipf_frequency

    words = [
        part
        for text in texts
        for word in re.findall(r"[A-Za-z][A-Za-z'’-]*", text)
        for part in re.split(r"[-'’]", word)
        if len(part) > 1
    ]
    return sum(zipf_frequency(word, "en") == 0 for word in words) / max(1, len(words))


@torch.inference_mode()
def nll_per_word(texts: Sequence[str]) -> float:
    """Mean negative log-likelihood per word under the untuned base model, in nats."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base_folder())
    model = AutoModelForCausalLM.from_pretrained(base_folder(), dtype=torch.float32).eval()
    total = 0.0
    for text in texts:
        ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(text)["input_ids"]]])
        total += float(model(input_ids=ids, labels=ids).loss) * (ids.shape[1] - 1)
    return total / sum(len(text.split()) for text in texts)


def readability(texts: Sequence[str]) -> dict[str, float]:
    """Figures that human text has, too."""
    return {
        "texts": len(texts),
        "words": float(np.mean([len(text.split()) for text in texts])),
        "unknown words, %": 100 * unknown_share(texts),
        "nats per word under the base": nll_per_word(texts[:: max(1, len(texts) // 400)]),
    }


def of_samples(samples: Sequence[Sampled], data: str) -> dict[str, float]:
    """All figures of texts that were asked for."""
    return {
        "label fidelity": label_fidelity(samples, data),
        "topic fidelity": topic_fidelity(samples),
        "meaning repeated, %": 100 * echo_share(samples),
        **readability([s.text for s in samples]),
    }


def labels_part(args: argparse.Namespace) -> dict[str, Any]:
    """The default sampler on all labels."""
    samples = sample(list(enumerate(LABELS)), args.texts, args.adapter)
    train = [row.text for name in ("goemotions", "sst") for row in read_real(f"{args.data}/{name}", "train")]
    remembered = memorised_share([s.text for s in samples], train)
    return of_samples(samples, args.data) | {"remembered, %": 100 * remembered}


def sweep_part(args: argparse.Namespace) -> dict[str, Any]:
    """Guidance scales and samplers."""
    found = {}
    for settings in SWEEP:
        name = ", ".join(f"{key} {value:g}" for key, value in settings.items())
        samples = sample(list(enumerate(LABELS)), args.texts // 3 or 1, args.adapter, **settings)
        found[name] = of_samples(samples, args.data)
    return found


def unseen_part(args: argparse.Namespace) -> dict[str, Any]:
    """Labels that tuning never showed, by name and meaning, and by meaning alone."""
    unseen = [(place, label) for place, label in enumerate(LABELS) if label.name in UNSEEN]
    alone = [(place, label.model_copy(update={"name": label.meaning})) for place, label in unseen]
    forms = {"name and meaning": unseen, "meaning alone": alone}
    return {
        name: label_fidelity(sample(asked, 5 * args.texts, args.adapter), args.data)
        for name, asked in forms.items()
    }


def examples_part(args: argparse.Namespace) -> dict[str, Any]:
    """What texts for other labels than feelings teach."""
    return {name: _example(name, args) for name in ("support_tickets", "hotel_reviews", "toxicity")}


def _example(name: str, args: argparse.Namespace) -> dict[str, Any]:
    folder = ROOT / "examples" / name
    taxonomy, topics = load_taxonomy(folder / "taxonomy.yaml"), load_topics(folder / "topics.yaml")
    samples = sample(list(enumerate(taxonomy.labels)), 4 * args.texts, args.adapter, topics)
    with (folder / "test.csv").open(encoding="utf-8", newline="") as file:
        test = [(row["text"], (row.get("label") or row["labels"]).split(";")) for row in csv.DictReader(file)]
    truth = np.array([taxonomy.targets_of(labels) for _, labels in test])
    vectors, asked = embed([text for text, _ in test]), np.array([s.label for s in samples])
    model = LogisticRegression(C=3, max_iter=400).fit(embed([s.text for s in samples]), asked)
    probabilities = model.predict_proba(vectors)
    # As many labels a text as there are: only which ones is asked here.
    chosen = [np.argsort(-p)[: int(t.sum())] for p, t in zip(probabilities, truth, strict=True)]
    found = np.array([[place in own for place in range(taxonomy.n_labels)] for own in chosen])
    figures = {"texts": len(samples), "macro-F1": float(f1_score(truth, found, average="macro"))}
    if taxonomy.ordinal:
        levels = truth.argmax(axis=1), probabilities.argmax(axis=1)
        figures["quadratic kappa"] = float(cohen_kappa_score(*levels, weights="quadratic"))
    return figures | {"samples": [f"{taxonomy.names[s.label]}: {s.text}" for s in samples[::9]]}


def people_part(args: argparse.Namespace) -> dict[str, Any]:
    """Readability of human text."""
    return {
        name: readability([row.text for row in read_real(f"{args.data}/{name}", "test")])
        for name in ("goemotions", "sst")
    }


PARTS = {
    "people": people_part,
    "labels": labels_part,
    "sweep": sweep_part,
    "unseen": unseen_part,
    "examples": examples_part,
}


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--adapter")
    parser.add_argument("--texts", type=int, default=12, help="texts per label")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=["people", "labels"])
    args = parser.parse_args()
    for name in args.only:
        figures = PARTS[name](args)
        record(ROOT / "results" / "bench" / "generator.json", {name: figures})


if __name__ == "__main__":
    main()
