"""What the scrubber finds, leaves and keeps equal, on the sets of a folder."""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tasks.pipeline.scrubbing import Scrubber
from tasks.pipeline.scrubbing.demographics.gender import neutral_edits
from tasks.pipeline.scrubbing.demographics.token_view import Reading
from tasks.pipeline.scrubbing.names.assets import load_lexicon
from tasks.pipeline.scrubbing.names.coreference import link
from tasks.pipeline.scrubbing.normalization import normalise
from tasks.pipeline.scrubbing.table_builder.corpora import read_corpora

OWN = Path(__file__).parent / "scrubbing"
NO_TERMS = frozenset({"PERSON", "AGREEMENT"})
PRONOUN = re.compile(r"(he|she|his|hers?|him|himself|herself|he's|she's)$", re.IGNORECASE)
HELD_OUT = ("btc_e",)
MIN_TESTED = 25
Line = tuple[str, list[tuple[int, int]]]


def marked(path: Path, left: str = "[[", right: str = "]]") -> list[Line]:
    r"""Read lines `tag|text` whose gold parts stand between marks; `\n` is a line break."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text, spans = "", []
        parts = re.split(f"{re.escape(left)}(.*?){re.escape(right)}", line.partition("|")[2])
        for place, part in enumerate(parts):
            part = part.replace("\\n", "\n")
            if place % 2:
                spans.append((len(text), len(text) + len(part)))
            text += part
        if text:
            found.append((text, spans))
    return found


def is_person(kind: str) -> bool:
    return kind == "PERSON"


def is_term(kind: str) -> bool:
    return kind not in NO_TERMS


def recall(scrubber: Scrubber, lines: Sequence[Line], counts: Callable[[str], bool]) -> float:
    """Share of the gold parts of which at least half is replaced."""
    hits = total = 0
    for (_, gold), done in zip(lines, scrubber.many([text for text, _ in lines]), strict=True):
        covered = {i for start, end, kind in done.spans if counts(kind) for i in range(start, end)}
        hits += sum(2 * sum(i in covered for i in range(a, b)) >= b - a for a, b in gold)
        total += len(gold)
    return hits / total


def over_scrubbed(scrubber: Scrubber, lines: Sequence[Line], counts: Callable[[str], bool]) -> float:
    """Share of the lines in which anything but a pronoun is replaced, though nothing should be."""
    done = scrubber.many([text for text, _ in lines])
    bad = sum(
        any(counts(kind) and not PRONOUN.match(text[a:b]) for a, b, kind in d.spans)
        for (text, _), d in zip(lines, done, strict=True)
    )
    return bad / len(lines)


def persons_of(scrubber: Scrubber, folder: Path) -> dict[str, float]:
    """Recall and over-scrubbing of persons, on two files of a folder."""
    return {
        "person recall": recall(scrubber, marked(folder / "person_positive.txt"), is_person),
        "person over-scrubbed": over_scrubbed(scrubber, marked(folder / "person_negative.txt"), is_person),
    }


def of_folder(scrubber: Scrubber, folder: Path) -> dict[str, float]:
    """Recall and over-scrubbing of persons and terms, and linking, on the five files of a folder."""
    terms = marked(folder / "demographic_positive.txt", "{{", "}}")
    return {
        **persons_of(scrubber, folder),
        "demographic recall": recall(scrubber, terms, is_term),
        "demographic over-scrubbed": over_scrubbed(
            scrubber, marked(folder / "demographic_negative.txt"), is_term
        ),
        **linking(scrubber, folder / "linking.txt"),
    }


def linking(scrubber: Scrubber, path: Path) -> dict[str, float]:
    """Share of mentions with the right letter, and of documents right from text to letters."""
    right = mentions = whole = documents = 0
    for line in filter(None, path.read_text(encoding="utf-8").splitlines()):
        parts = re.split(r"\[\[([A-Z])\|(.*?)\]\]", line)
        text, spans, gold = parts[0], [], parts[1::3]
        for name, rest in zip(parts[2::3], parts[3::3], strict=True):
            spans.append((len(text), len(text) + len(name)))
            text += name + rest
        right += sum(a == b for a, b in zip(link(text, spans, load_lexicon()), gold, strict=True))
        mentions += len(gold)
        whole += re.findall(r"Person ([A-Z])\b", scrubber.one(text).text) == gold
        documents += 1
    return {"linked mentions": right / mentions, "linked documents": whole / documents}


def web_text(scrubber: Scrubber, folder: Path) -> dict[str, float]:
    """Precision, recall and F1 of names in tweets that people annotated and nothing was trained on."""
    samples = read_corpora(folder, HELD_OUT)
    return name_scores(
        scrubber, [(s.text, [(a, b) for a, b, label in s.entities if label == "PER"]) for s in samples]
    )


def people_gained(scrubber: Scrubber, folder: Path) -> dict[str, float]:
    """Share of the development rows of GoEmotions, names masked already, in which a person is found."""
    lines = (folder / "dev.tsv").read_text(encoding="utf-8").splitlines()
    texts = [normalise(line.split("\t")[0]) for line in lines]
    gained = sum(
        any(kind == "PERSON" and not text.startswith("[NAME]", start) for start, _, kind in done.spans)
        for text, done in zip(texts, scrubber.many(texts), strict=True)
    )
    return {"rows": len(texts), "share of the rows": gained / len(texts)}


def business(scrubber: Scrubber) -> dict[str, float]:
    """Precision, recall and F1 of names in templated business sentences, every name in three of them."""
    plan = yaml.safe_load((OWN / "business.yaml").read_text(encoding="utf-8"))
    origins = yaml.safe_load((OWN / "origins.yaml").read_text(encoding="utf-8"))
    names = [
        _parts(n, o in origins["family_first"]) for o, ns in origins["names"].items() for n in ns.split("|")
    ]
    things = {slot: plan[key].split("|") for slot, key in (("o", "firms"), ("c", "towns"), ("s", "streets"))}
    rng, sentences = random.Random(11), plan["sentences"]
    lines = [_filled(sentences[i % len(sentences)], names, things, rng) for i in range(len(names) * 3)]
    return name_scores(scrubber, lines)


def _parts(name: str, family_first: bool) -> dict[str, str]:
    first, _, last = name.partition(" ")
    first, last = (last, first) if family_first else (first, last)
    return {"n": name, "f": first, "l": last}


def _filled(
    template: str, names: Sequence[dict[str, str]], things: dict[str, list[str]], rng: random.Random
) -> Line:
    text, spans = "", []
    for place, piece in enumerate(re.split(r"\{(\w)\}", template)):
        if place % 2 and piece in "nfl":
            filled = rng.choice(names)[piece]
            spans.append((len(text), len(text) + len(filled)))
        else:
            filled = (
                piece
                if place % 2 == 0
                else str(rng.randint(10, 99_999))
                if piece == "i"
                else rng.choice(things[piece])
            )
        text += filled
    return text, spans


def name_scores(scrubber: Scrubber, lines: Sequence[Line]) -> dict[str, float]:
    """Precision, recall and F1; a name is found, a finding right, if half of its characters are shared."""
    hits = gold = right = found = 0
    for (_, truth), done in zip(lines, scrubber.many([text for text, _ in lines]), strict=True):
        spans = [(a, b) for a, b, kind in done.spans if kind == "PERSON"]
        hits += sum(_covered(span, spans) for span in truth)
        right += sum(_covered(span, truth) for span in spans)
        gold, found = gold + len(truth), found + len(spans)
    precision, share = right / found, hits / gold
    return {
        "names": gold,
        "precision": precision,
        "recall": share,
        "f1": 2 * precision * share / (precision + share),
    }


def _covered(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    shared = sum(max(0, min(span[1], b) - max(span[0], a)) for a, b in others)
    return 2 * shared >= span[1] - span[0]


def agreement() -> dict[str, float]:
    """Recall and precision over the verbs of `agreement.txt`."""
    hits = gold_n = found_n = sentences = 0
    for line in (OWN / "agreement.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        text, gold, sentences = "", {}, sentences + 1
        for place, part in enumerate(re.split(r"\{([^{}]*)\}", line)):
            old, _, new = part.partition("|") if place % 2 else (part, "", "")
            if place % 2:
                gold[len(text)] = new
            text += old
        found = {e.start: e.text for e in neutral_edits(Reading(text), []) if e.type == "AGREEMENT"}
        hits += sum(found.get(start) == new for start, new in gold.items())
        gold_n, found_n = gold_n + len(gold), found_n + len(found)
    return {"recall": hits / gold_n, "precision": hits / found_n, "sentences": sentences}


def swaps(scrubber: Scrubber) -> dict[str, float]:
    """Share of texts with a swapped name, term or gender that come out as most of their group do."""
    plan = yaml.safe_load((OWN / "swaps.yaml").read_text(encoding="utf-8"))
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
        "gender pairs": majority_share(scrubber, plan["pairs"]),
    }


def majority_share(scrubber: Scrubber, variants: list[list[str]]) -> float:
    """Share of the texts that come out like most of their group; an unchanged text counts as different."""
    equal = total = 0
    for texts in variants:
        done = scrubber.many(texts)
        outputs = Counter(d.text for text, d in zip(texts, done, strict=True) if d.text != text)
        equal += outputs.most_common(1)[0][1] if outputs else 0
        total += len(texts)
    return equal / total


def origins(scrubber: Scrubber) -> dict[str, Any]:
    """Recall of names per origin: a name is found if none of its words is left in the text."""
    plan = yaml.safe_load((OWN / "origins.yaml").read_text(encoding="utf-8"))
    sentences, things = plan["sentences"], plan["things"].split("|")
    family_first, shares, k = set(plan["family_first"]), {}, 0
    for origin, names in plan["names"].items():
        texts, words = [], []
        for name in names.split("|"):
            first, _, last = name.partition(" ")
            first, last = (last, first) if origin in family_first else (first, last)
            for j in range(3):
                template = sentences[(3 * k + j) % len(sentences)]
                texts.append(template.format(n=name, f=first, l=last, thing=things[k % len(things)]))
                words.append(set(re.findall(r"[\w'-]+", name)) & set(re.findall(r"[\w'-]+", texts[-1])))
            k += 1
        done = scrubber.many(texts)
        left = [w & set(re.findall(r"[\w'-]+", d.text)) for w, d in zip(words, done, strict=True)]
        shares[origin] = sum(not rest for rest in left) / len(texts)
        if len(texts) < MIN_TESTED:
            raise ValueError(f"origin {origin} has {len(texts)} texts; expected {MIN_TESTED}. Add names.")
    mean = sum(shares.values()) / len(shares)
    return {"mean": mean, "lowest minus mean": min(shares.values()) - mean, **shares}


def communities(scrubber: Scrubber) -> dict[str, float]:
    """Share of names found of two communities, and over the templates that open with the name."""
    plan = yaml.safe_load((OWN / "communities.yaml").read_text(encoding="utf-8"))
    shares, opening = {}, []
    for community, names in plan["names"].items():
        found = []
        for template in plan["templates"]:
            done = scrubber.many([template.format(name=name) for name in names.split()])
            hits = [name not in d.text for name, d in zip(names.split(), done, strict=True)]
            found += hits
            opening += hits if template.startswith("{name}") else []
        shares[community] = sum(found) / len(found)
    difference = max(shares.values()) - min(shares.values())
    start = sum(opening) / len(opening)
    return {**shares, "largest difference": difference, "at the start of a sentence": start}


def documents(n: int) -> list[str]:
    """Return texts put together from pieces that try the offsets: emoji, ligatures, entities, joiners."""
    pieces = (
        "John Smith |Mr. Smith said |Maria Lopez's |she is |He’s |a Muslim |An Irish actress |65-year-old "
        "|her mother |his |. |, |https://a.com/x?y=1 |a@b.co |+1 (212) 555-0187 |ﬁancée |🏳️‍🌈 |&amp;lt; "
        "|<b>Maria</b> |[NAME] |O’Neil |É|people |an |A |Ünal |İstanbul |soft\u00adhyphen |\n|and |Person A "
        "|the blacks |whites. "
    ).split("|")
    rng = random.Random(7)
    return ["".join(rng.choices(pieces, k=rng.randint(1, 25))) for _ in range(n)]


def properties(scrubber: Scrubber, n: int = 1_000) -> dict[str, float]:
    """Share of generated documents that keep each promise."""
    texts = documents(n)
    done = scrubber.many(texts)
    again = scrubber.many([d.text for d in done])
    return {
        "twice is once": sum(a.text == b.text for a, b in zip(done, again, strict=True)) / n,
        "offsets": sum(_in_order(text, d.spans) for text, d in zip(texts, done, strict=True)) / n,
        "batch is one by one": sum(scrubber.one(t) == d for t, d in zip(texts, done, strict=True)) / n,
    }


def _in_order(text: str, spans: Sequence[tuple[int, int, str]]) -> bool:
    edges = [0, *(edge for start, end, _ in spans for edge in (start, end)), len(normalise(text))]
    return edges == sorted(edges) and all(start < end for start, end, _ in spans)
