"""`sentimill review export` and `review import`: rows to people, and their answers back."""

import csv
import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from fsspec.implementations.local import LocalFileSystem
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tasks.cli.options import ReviewExportOptions, ReviewForm, ReviewImportOptions
from tasks.config import RealConfig, RunConfig
from tasks.data.columns import PARTS, texts_of
from tasks.data.human_review import ReviewBatch, ReviewItem
from tasks.data.reading import RealData, map_labels, mapped, read_dataset, require_mapped
from tasks.data.reading.unlabelled import read_texts
from tasks.data.real_rows import unlabelled_row
from tasks.data.records import Row
from tasks.data.scores import RunScores
from tasks.pipeline.human_review.agreement import LabelAgreement, agreement, level_kappa
from tasks.pipeline.human_review.forms import SEPARATOR, write_argilla, write_label_studio, write_sheet
from tasks.pipeline.human_review.selection import SYNTHETIC, rows_to_review, texts_to_label
from tasks.storage.champions import read_champions
from tasks.storage.connection import open_results
from tasks.storage.files import write_whole
from tasks.storage.hashing import sha256_of
from tasks.storage.parquet import rows_of_parquet
from tasks.storage.store import ResultsStore, write_json
from tasks.taxonomy import Taxonomy

SHOWN_RUNS = 5
DISPUTED = ("verifying", "label disputed")
"""Stage and reason of the rows that verification drops."""
WRITERS: dict[ReviewForm, Callable[[Path, Sequence[ReviewItem], Taxonomy], list[Path]]] = {
    ReviewForm.label_studio: write_label_studio,
    ReviewForm.argilla: write_argilla,
    ReviewForm.sheet: write_sheet,
}


def export_review(options: ReviewExportOptions) -> None:
    """Write rows for people to look at, and keep with the run what was asked.

    Raises:
        FileNotFoundError: There is no such run, or no such file of texts.
        ValueError: The ending does not fit the form, or the file is there already.
    """
    form = _form_of(options)
    _require_new(options.out)
    store, scores = _open_run(options.run)
    if options.unlabelled:
        items = _texts_to_label(store, scores, options)
    else:
        items = rows_to_review(
            _rows(store, scores.run), _disputed(store, scores.run), scores.taxonomy, scores.run, options.rows
        )
    if not items:
        raise ValueError(
            f"run {scores.run} has no row to look at; expected synthetic rows. Give --unlabelled."
        )
    batch = ReviewBatch(run=scores.run, items=tuple(items)).model_dump(mode="json")
    name = sha256_of(json.dumps(batch).encode())[:12]
    write_json(store, f"{_folder(scores.run)}/{name}.json", batch)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=options.out.parent) as scratch:  # so that no part of a file is ever there
        made = WRITERS[form](Path(scratch) / options.out.name, items, scores.taxonomy)
        files = [file.replace(options.out.parent / file.name) for file in made]
    why = {
        reason: sum(item.why == reason for item in items) for reason in dict.fromkeys(i.why for i in items)
    }
    print(f"{len(items):,} rows: {', '.join(f'{n:,} {reason}' for reason, n in why.items())}")
    print(f"written {', '.join(map(str, files))}")


def import_review(options: ReviewImportOptions) -> None:
    """Read the answers, write them as a file that `--real` reads, and print how far the votes agree.

    Raises:
        FileNotFoundError: There is no such run or file.
        ValueError: The answers are of another run, or cannot be read.
    """
    _require_new(options.out)
    store, scores = _open_run(options.run)
    asked = _asked(store, scores.run)
    if not options.answers.expanduser().exists():
        raise FileNotFoundError(
            f"{options.answers} is missing (looked for {options.answers.absolute()}); expected what Label "
            "Studio, Argilla or a spreadsheet program saved. Check the path."
        )
    data = read_dataset(RealConfig(path=str(options.answers)))
    _require_own(data, scores.run, asked, options.answers)
    answers = _answers(data, scores.taxonomy)
    items = [asked[id_] for id_ in answers]
    content = StringIO(newline="")
    writer = csv.writer(content)
    writer.writerow(["text", "label", "split", "source"])
    writer.writerows(_written(item, answers[item.id]) for item in items)
    write_whole(LocalFileSystem(), str(options.out.absolute()), content.getvalue().encode())
    console = Console()
    console.print(_table(agreement(items, answers, scores.taxonomy)))
    said = _said(items, answers, scores.taxonomy, len(asked))
    said += [f"left out    {n:,} texts: {reason}" for reason, n in data.dropped.items()]
    for line in [*said, f"written     {options.out}"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _form_of(options: ReviewExportOptions) -> ReviewForm:
    """The form that was asked for, or that the ending says."""
    sheet = options.out.suffix.lower() in (".csv", ".xlsx")
    form = options.form or (ReviewForm.sheet if sheet else ReviewForm.label_studio)
    if sheet != (form is ReviewForm.sheet) or not (sheet or options.out.suffix.lower() == ".json"):
        raise ValueError(
            f"{options.out} ends in {options.out.suffix or 'nothing'}; expected .csv or .xlsx for a sheet, "
            ".json for Label Studio and Argilla. Give another name as --out."
        )
    if options.out.suffix.lower() == ".xlsx" and find_spec("openpyxl") is None:
        raise ValueError(
            f"{options.out.name} is a spreadsheet but openpyxl is not installed; expected it. Run `pip "
            "install 'sentimill[excel]'`, or write CSV."
        )
    return form


def _require_new(path: Path) -> None:
    if path.exists():
        raise ValueError(
            f"{path} is there already; expected a new file, since people's answers may be in it. Give "
            "another name as --out."
        )


def _open_run(run: str) -> tuple[ResultsStore, RunScores]:
    """The results block, and the scores of a finished run given by its name or folder, or of the champion."""
    store = open_results()
    name = _champion(store) if run == "champion" else Path(run).name
    path = f"runs/{name}/scores.json"
    if not store.exists(path):
        there = sorted(store.folders("runs"))[-SHOWN_RUNS:]
        raise FileNotFoundError(
            f"run {name!r} is not in {store.root}/runs, or not finished; expected a finished run, such as "
            f"{', '.join(there) or 'one that `sentimill run` makes'}. Check the name, or SENTIMILL_RESULTS."
        )
    return store, RunScores.model_validate_json(store.read_path(path))


def _champion(store: ResultsStore) -> str:
    """Run of the only champion."""
    runs = [entry["run"] for entry in read_champions(store).values()]
    if len(runs) != 1:
        raise ValueError(
            f"{store.root} has {len(runs)} champions ({', '.join(runs) or 'none'}); expected one. Give "
            "the name of a run."
        )
    return str(runs[0])


def _folder(run: str) -> str:
    return f"runs/{run}/reviews"


def _rows(store: ResultsStore, run: str) -> list[Row]:
    parts = (store.read_path(f"runs/{run}/dataset/{part}.parquet") for part in PARTS)
    return [row for part in parts for row in rows_of_parquet(part)]


def _disputed(store: ResultsStore, run: str) -> list[Row]:
    """Rows that the votes left without a label."""
    rejects = rows_of_parquet(store.read_path(f"runs/{run}/dataset/rejects.parquet"))
    return [row for row in rejects if (row["stage"], row["reason"]) == DISPUTED]  # type: ignore[typeddict-item]


def _texts_to_label(store: ResultsStore, scores: RunScores, options: ReviewExportOptions) -> list[ReviewItem]:
    """Texts of the user that the run's classifier is least sure about, judged without names as it learnt."""
    texts = read_texts(RealConfig(path=str(options.unlabelled), text=options.text))
    from tasks.pipeline.decision.thresholds import confidence  # after the file is read
    from tasks.pipeline.scrubbing import scrub_rows
    from tasks.stages.predictions import predictions_of

    taxonomy, scrubbing = scores.taxonomy, RunConfig.model_validate(scores.config).scrubbing
    rows = [unlabelled_row(text, taxonomy) for text in texts]
    scrubbed = {row["id"]: row for row in scrub_rows(rows, scrubbing).kept}
    judged = [scrubbed.get(row["id"], row) for row in rows]
    with TemporaryDirectory(prefix="sentimill-") as scratch:
        store.get_tree(f"runs/{scores.run}/model", Path(scratch))
        found = predictions_of(Path(scratch), judged, taxonomy)
    names = [_given(taxonomy, *said) for said in zip(found.decided > 0, found.levels.tolist(), strict=True)]
    sure = confidence(found.probabilities, found.decided > 0)
    ids = dict(zip(texts_of(rows), (row["id"] for row in rows), strict=True))
    return texts_to_label(texts, names, sure, lambda text: f"{scores.run}/{ids[text]}", options.rows)


def _given(taxonomy: Taxonomy, decided: Sequence[bool], level: int) -> tuple[str, ...]:
    """Labels that the classifier gave a text; on a scale the one of its level."""
    if taxonomy.ordinal:
        return (taxonomy.names[level - 1],)
    return tuple(name for name, yes in zip(taxonomy.names, decided, strict=True) if yes)


def _asked(store: ResultsStore, run: str) -> dict[str, ReviewItem]:
    """Everything that reviews of a run asked, by id."""
    batches = [ReviewBatch.model_validate_json(store.read_path(path)) for path in store.written(_folder(run))]
    if not batches:
        raise ValueError(
            f"run {run} has no review; expected one. Make it: sentimill review export {run} --out FILE."
        )
    return {item.id: item for batch in batches for item in batch.items}


def _require_own(data: RealData, run: str, asked: dict[str, ReviewItem], path: Path) -> None:
    """Refuse answers to what this run did not ask."""
    foreign = [id_ for id_ in data.frame["id"] if id_ not in asked]
    if not foreign:
        return
    others = sorted({id_.rpartition("/")[0] for id_ in foreign} - {"", run})
    found = f"is a review of run {', '.join(others)}" if others else "has ids that no review gave"
    raise ValueError(
        f"{path} {found} ({len(foreign):,} of {len(data.frame):,} answers, such as {foreign[0]!r}); expected "
        f"answers to a review of run {run}. Give the run that the review came from, or the file that "
        "belongs to it."
    )


def _answers(data: RealData, taxonomy: Taxonomy) -> dict[str, tuple[str, ...]]:
    """Labels by people, per id; on a scale an answer without a label is none."""
    mapping = map_labels(data, taxonomy)
    require_mapped(data, mapping, taxonomy, drop=False)
    found = {
        text.id: mapped(text, mapping, taxonomy) for part in ("train", "test") for text in data.texts(part)
    }
    order = {id_: i for i, id_ in enumerate(data.frame["id"])}
    return {
        id_: labels for id_, labels in sorted(found.items(), key=lambda p: order[p[0]]) if labels is not None
    }


def _written(item: ReviewItem, labels: Sequence[str]) -> tuple[str, str, str, str]:
    """A line of the file; what the generator wrote is for training, never to be measured on as human text."""
    return item.text, SEPARATOR.join(labels), "train" if item.source == SYNTHETIC else "", item.source


def _said(
    items: Sequence[ReviewItem], answers: dict[str, tuple[str, ...]], taxonomy: Taxonomy, n_asked: int
) -> list[str]:
    """What came of the review, a line each."""
    kappa = level_kappa(items, answers, taxonomy)
    n_changed = sum(set(answers[item.id]) != set(item.labels) for item in items)
    n_ours = sum(item.source == SYNTHETIC for item in items)
    return [
        *([f"levels      kappa {kappa:.3f}, quadratically weighted"] if kappa is not None else []),
        f"answers     {len(items):,} of {n_asked:,} texts asked about, of which {n_changed:,} change the "
        "labels",
        f"texts       {n_ours:,} by the generator, for training; {len(items) - n_ours:,} by people",
    ]


def _table(found: Sequence[LabelAgreement]) -> Table:
    table = Table(title="people and votes", title_justify="left", box=SIMPLE_HEAD, show_edge=False)
    for column in ("label", "people", "votes", "both", "agree", "kappa"):
        table.add_column(column, justify="left" if column == "label" else "right", no_wrap=True)
    for label in found:
        kappa = "-" if label.kappa is None else f"{label.kappa:.3f}"
        counts = map(str, (label.n_people, label.n_votes, label.n_both))
        table.add_row(label.label, *counts, f"{label.agreement:.3f}", kappa)
    return table
