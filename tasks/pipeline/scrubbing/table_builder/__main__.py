"""Rebuild the scrubber's tables in about six minutes of one core.

    python -m tasks.pipeline.scrubbing.table_builder --ner DIR

Needs the extra `scrubber-build` and a folder with the corpora of `corpora.py`.
"""

import argparse
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from tasks.pipeline.scrubbing.names.assets import FOLDER, MANIFEST, load_lexicon, load_weights, pack
from tasks.pipeline.scrubbing.names.features import Lexicon
from tasks.pipeline.scrubbing.names.tagger import Tagger
from tasks.pipeline.scrubbing.table_builder.corpora import HELD_OUT, TRAINED, read_corpora
from tasks.pipeline.scrubbing.table_builder.letters import letter_model
from tasks.pipeline.scrubbing.table_builder.lexicon import build_lexicon, third_persons
from tasks.pipeline.scrubbing.table_builder.sentences import Annotated, make_sentences
from tasks.pipeline.scrubbing.table_builder.training import ITERATIONS, joined, train


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
    hits = gold = right = found = 0
    for sample, spans in zip(samples, tagger.names([s.text for s in samples]), strict=True):
        truth = [(a, b) for a, b, label in sample.entities if label == "PER"]
        hits += sum(_covered(span, spans) >= 0.5 for span in truth)
        right += sum(_covered(span, truth) >= 0.5 for span in spans)
        gold, found = gold + len(truth), found + len(spans)
    precision, recall = right / max(found, 1), hits / max(gold, 1)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
    }


def _covered(span: tuple[int, int], others: list[tuple[int, int]]) -> float:
    shared = sum(max(0, min(span[1], b) - max(span[0], a)) for a, b in others)
    return shared / (span[1] - span[0])


def main() -> None:
    """Build lexicon, verbs and tagger, write them, and print the held-out score."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.pipeline.scrubbing.table_builder", description=__doc__
    )
    parser.add_argument("--ner", type=Path, required=True, help="folder with the CoNLL corpora")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    parser.add_argument("--sentences", type=int, default=30_000, help="templated sentences")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="steps of the training, at most")
    parser.add_argument("--seed", type=int, default=13)
    chosen = parser.parse_args()
    lexicon = build_lexicon()
    verbs = json.dumps(third_persons(), indent=0).encode("utf-8")
    write_assets({"names.npz": npz(lexicon_arrays(lexicon)), "verbs.json": verbs}, chosen.out)
    samples = make_sentences(chosen.sentences, lexicon, chosen.seed) + read_corpora(chosen.ner, TRAINED)
    tables = train(samples, lexicon, letter_model(), chosen.seed, chosen.iterations)
    write_assets({"tagger.npz": npz(tables)}, chosen.out)
    tagger = Tagger(load_weights(chosen.out), load_lexicon(chosen.out))
    print(json.dumps(overlap_score(tagger, read_corpora(chosen.ner, HELD_OUT))))  # noqa: T201


if __name__ == "__main__":
    main()
