"""Rebuild the scrubber's tables in about ten minutes of one core.

    python -m tasks.pipeline.scrubbing.table_builder --data DIR

Needs the extra `scrubber-build` and a folder with the corpora of `corpora.py`, `treebank.py`
and `comments.py`.
"""

import argparse
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from tasks.pipeline.scrubbing.names.assets import (
    FOLDER,
    MANIFEST,
    load_clusters,
    load_lexicon,
    load_pos_tables,
    load_weights,
    pack,
)
from tasks.pipeline.scrubbing.names.features import Knowledge, Lexicon
from tasks.pipeline.scrubbing.names.tagger import Tagger
from tasks.pipeline.scrubbing.table_builder.clusters import cluster_arrays
from tasks.pipeline.scrubbing.table_builder.comments import masked_comments
from tasks.pipeline.scrubbing.table_builder.corpora import HELD_OUT, TRAINED, read_corpora
from tasks.pipeline.scrubbing.table_builder.letters import letter_model
from tasks.pipeline.scrubbing.table_builder.lexicon import (
    build_lexicon,
    dictionary_words,
    third_persons,
    towns,
    word_probabilities,
)
from tasks.pipeline.scrubbing.table_builder.pos_training import accuracy, train_pos
from tasks.pipeline.scrubbing.table_builder.sentences import Annotated, make_sentences
from tasks.pipeline.scrubbing.table_builder.training import ITERATIONS, joined, train
from tasks.pipeline.scrubbing.table_builder.treebank import read_treebank
from tasks.pipeline.scrubbing.tagging.tables import write_tables
from tasks.pipeline.scrubbing.tagging.tagger import PosTagger


def npz(arrays: dict[str, Any]) -> bytes:
    """Return a compressed archive; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def lexicon_arrays(lexicon: Lexicon) -> dict[str, Any]:
    """Return the arrays of `names.npz`."""
    words = sorted(lexicon)
    return {"words": joined(words), "codes": np.array([pack(lexicon[w]) for w in words], np.uint16)}


def write_assets(files: dict[str, bytes], folder: Path) -> None:
    """Write the files and the manifest with their digests; the manifest of other files stays."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / MANIFEST
    known = json.loads(manifest.read_text(encoding="utf-8"))["sha256"] if manifest.is_file() else {}
    for name, data in files.items():
        (folder / name).write_bytes(data)
        known[name] = hashlib.sha256(data).hexdigest()
    manifest.write_text(
        json.dumps({"sha256": dict(sorted(known.items()))}, indent=1) + "\n", encoding="utf-8"
    )


def overlap_score(tagger: Tagger, samples: list[Annotated]) -> dict[str, float]:
    """Return precision, recall and F1 of names; a name is found if half of its characters are."""
    hits = gold = right = matches = 0
    for sample, spans in zip(samples, tagger.names([s.text for s in samples]), strict=True):
        truth = [(a, b) for a, b, label in sample.entities if label == "PER"]
        hits += sum(_covered(span, spans) >= 0.5 for span in truth)
        right += sum(_covered(span, truth) >= 0.5 for span in spans)
        gold, matches = gold + len(truth), matches + len(spans)
    precision, recall = right / max(matches, 1), hits / max(gold, 1)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
    }


def _covered(span: tuple[int, int], others: list[tuple[int, int]]) -> float:
    shared = sum(max(0, min(span[1], b) - max(span[0], a)) for a, b in others)
    return shared / (span[1] - span[0])


def build_names(chosen: argparse.Namespace) -> None:
    """Write the name lexicon, the verbs and the word clusters."""
    lexicon = build_lexicon()
    arrays = lexicon_arrays(lexicon)
    verbs = json.dumps(third_persons(), indent=0).encode("utf-8")
    clusters = npz(cluster_arrays(sorted(lexicon)))
    files = {"names.npz": npz(arrays), "verbs.json": verbs, "clusters.npz": clusters}
    write_assets(files, chosen.out)


def build_things(chosen: argparse.Namespace) -> None:
    """Write the words and towns that are no names."""
    lexicon = load_lexicon(chosen.out)
    words = dictionary_words(word_probabilities(), lexicon)
    write_assets({"things.npz": npz({"words": joined(words), "towns": joined(towns(lexicon))})}, chosen.out)


def build_pos_tagger(chosen: argparse.Namespace) -> None:
    """Train the part-of-speech tagger on the treebank's training part and print its score on the other."""
    lexicon, clusters = load_lexicon(chosen.out), load_clusters(chosen.out)
    tables = train_pos(read_treebank(chosen.data / "ud/train.conllu"), lexicon, clusters, chosen.seed)
    write_assets({"pos_tagger.npz": npz(write_tables(tables))}, chosen.out)
    held_out = read_treebank(chosen.data / "ud/dev.conllu")
    tagger = PosTagger(load_pos_tables(chosen.out), lexicon, clusters)
    print(json.dumps({"accuracy": accuracy(tagger, held_out)}))  # noqa: T201


def build_name_tagger(chosen: argparse.Namespace) -> None:
    """Train the name tagger and print its score on tweets that it never saw."""
    lexicon = load_lexicon(chosen.out)
    corpora = chosen.data / "ner"
    samples = make_sentences(chosen.sentences, lexicon, chosen.seed) + read_corpora(corpora, TRAINED)
    samples += masked_comments(chosen.data / "goemotions/train.tsv", lexicon, chosen.comments, chosen.seed)
    clusters = load_clusters(chosen.out)
    tables = train(samples, Knowledge(lexicon, clusters, letter_model()), chosen.seed, chosen.iterations)
    write_assets({"tagger.npz": npz(tables)}, chosen.out)
    tagger = Tagger(load_weights(chosen.out), lexicon, clusters)
    print(json.dumps(overlap_score(tagger, read_corpora(corpora, HELD_OUT))))  # noqa: T201


PARTS = {"lexicon": build_names, "things": build_things, "pos": build_pos_tagger, "names": build_name_tagger}
"""What can be remade, in the order in which one part needs the other."""


def main() -> None:
    """Make the chosen parts and print the scores on held-out text."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.pipeline.scrubbing.table_builder", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with ner/, ud/ and goemotions/")
    parser.add_argument("--parts", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    parser.add_argument("--sentences", type=int, default=30_000, help="templated sentences")
    parser.add_argument(
        "--comments", type=int, default=16_000, help="comments without names, see comments.py"
    )
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="steps of the training, at most")
    parser.add_argument("--seed", type=int, default=13)
    chosen = parser.parse_args()
    for part in PARTS:
        if part in chosen.parts:
            PARTS[part](chosen)


if __name__ == "__main__":
    main()
