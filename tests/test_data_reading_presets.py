"""Data sets and annotation tools whose files are read as they come."""

import json

import numpy as np
import pandas as pd
import pytest
from reading import notes_of, read, write

from tasks.config.real import RealConfig
from tasks.data.reading import read_dataset
from tasks.data.records import Row
from tasks.pipeline.reporting.exports import export_rows
from tasks.storage.parquet import parquet_bytes


def scores_of(path, **options):
    frame = read_dataset(RealConfig(path=str(path), **options)).frame
    return list(zip(frame["text"], frame["score"], strict=True))


def as_json(path, content):
    return write(path, json.dumps(content))


def as_lines(path, records):
    return write(path, "".join(json.dumps(record) + "\n" for record in records))


def test_goemotions_split_files(tmp_path):
    write(tmp_path / "labels.txt", "admiration\nanger\nneutral\n")
    write(tmp_path / "train.tsv", 'You did "well".\t0\tk1\nStop it, please!\t1,2\tk2\nIt is so.\t2\tk3\n')
    write(tmp_path / "dev.tsv", "Très bien, un thé.\t2\tk4\n")
    data = read_dataset(RealConfig(path=str(tmp_path)))
    assert [tuple(text)[:3] for text in data.texts("train")] == [
        ('You did "well".', ("admiration",), "k1"),
        ("Stop it, please!", ("anger", "neutral"), "k2"),
        ("It is so.", ("neutral",), "k3"),
    ]
    assert [tuple(text)[:3] for text in data.texts("test")] == [("Très bien, un thé.", ("neutral",), "k4")]


def test_googles_own_folder_of_goemotions(tmp_path):
    write(tmp_path / "emotions.txt", "joy\ngreat joy\nfear\n")
    write(tmp_path / "ekman_labels.csv", "joy,fear\n")
    write(tmp_path / "ekman_mapping.json", json.dumps({"joy": ["joy", "great joy"], "fear": ["fear"]}))
    for name in ("train", "dev", "test"):
        write(
            tmp_path / f"{name}.tsv", f"This is {name} one.\t1\ta{name}\nThis is {name} two.\t0,2\tb{name}\n"
        )
    data = read_dataset(RealConfig(path=str(tmp_path)))
    assert [text.labels for text in data.texts("test")] == [("great joy",), ("joy", "fear")]
    assert len(data.texts("train")) == 4
    assert "names of the label ids come from emotions.txt" in data.notes


def test_goemotions_by_rater_counts_labels_that_two_raters_gave(tmp_path):
    header = "text,id,author,subreddit,link_id,parent_id,created_utc,rater_id,example_very_unclear,"
    header += "joy,fear,neutral\n"
    rows = [
        "Well done.,k1,ann,soup,l,p,1.5e9,1,False,1,0,0",
        "Well done.,k1,ann,soup,l,p,1.5e9,2,False,1,1,0",
        "Well done.,k1,ann,soup,l,p,1.5e9,3,False,0,0,1",
        "It is so.,k2,bob,soup,l,p,1.5e9,1,False,1,0,0",
        "It is so.,k2,bob,soup,l,p,1.5e9,2,False,0,0,1",
        "What?,k3,bob,soup,l,p,1.5e9,2,True,0,0,0",
        "Oh no.,k4,bob,soup,l,p,1.5e9,9,False,0,1,0",
    ]
    write(tmp_path / "goemotions_1.csv", header + "\n".join(rows[:4]) + "\n")
    write(tmp_path / "goemotions_2.csv", header + "\n".join(rows[4:]) + "\n")
    data = read_dataset(RealConfig(path=str(tmp_path)))
    assert read(tmp_path) == [("Well done.", ("joy",)), ("Oh no.", ("fear",))]
    assert data.dropped == {"people disagree": 1}
    assert data.frame["id"].tolist() == ["k1", "k4"]


def test_sst_sentences_with_scores(tmp_path):
    write(tmp_path / "train.csv", 'sentence,score\n"A dull , long evening .",0.1\nFine .,0.6\n')
    write(tmp_path / "dev.csv", "sentence,score\nIt is n't bad .,0.5\n")
    assert scores_of(tmp_path) == [("A dull, long evening.", 0.1), ("Fine.", 0.6), ("It isn't bad.", 0.5)]


def test_sst_trees(tmp_path):
    write(tmp_path / "train.txt", "(3 (2 It) (4 (3 (2 's) (3 fun)) (2 .)))\n(0 (2 Bad) (2 .))\n")
    write(tmp_path / "dev.txt", "(2 (2 A) (2 (2 film) (2 .)))\n")
    assert read(tmp_path) == [
        ("It's fun.", ("positive",)),
        ("Bad.", ("very negative",)),
        ("A film.", ("neutral",)),
    ]


def test_sst5_with_names_beside_the_ids(tmp_path):
    rows = [{"text": "a fine film", "label": 4, "label_text": "very positive"}]
    as_lines(tmp_path / "train.jsonl", rows)
    as_lines(tmp_path / "test.jsonl", [{"text": "a dull film", "label": 1, "label_text": "negative"}])
    assert read(tmp_path) == [("a fine film", ("very positive",)), ("a dull film", ("negative",))]


def test_tweeteval(tmp_path):
    write(tmp_path / "mapping.txt", "0\tanger\n1\tgreat joy\n")
    for split in ("train", "val", "test"):
        write(tmp_path / f"{split}_text.txt", f'"{split}" one \n{split}, two\n')
        write(tmp_path / f"{split}_labels.txt", "1\n0\n")
    assert read(tmp_path)[-2:] == [('"test" one ', ("great joy",)), ("test, two", ("anger",))]
    assert len(read_dataset(RealConfig(path=str(tmp_path))).texts("test")) == 2


def test_semeval_2018_with_hidden_labels(tmp_path):
    header = "ID\tTweet\tanger\tjoy\ttrust\n"
    write(tmp_path / "2018-E-c-En-train.txt", header + 'k1\t"So" glad @you\t0\t1\t1\nk2\tHm.\t0\t0\t0\n')
    write(tmp_path / "2018-E-c-En-test.txt", header + "k3\tHidden.\tNONE\tNONE\tNONE\nk4\tShown.\t1\t0\t0\n")
    data = read_dataset(RealConfig(path=str(tmp_path)))
    assert read(tmp_path) == [('"So" glad @you', ("joy", "trust")), ("Hm.", ()), ("Shown.", ("anger",))]
    assert data.dropped == {"not labelled": 1}


def test_brighter(tmp_path):
    header = "id,text,anger,fear,joy,sadness,surprise\n"
    write(tmp_path / "train.csv", header + 'e1,"Oh, no!",0,1,0,1,0\ne2,Good day.,0,0,0,0,0\n')
    write(tmp_path / "dev.csv", header + "e3,Wow!,0,0,1,0,1\n")
    assert read(tmp_path) == [
        ("Oh, no!", ("fear", "sadness")),
        ("Good day.", ()),
        ("Wow!", ("joy", "surprise")),
    ]


def task(number, text, *answers, **more):
    results = [
        {"result": [{"type": "choices", "from_name": "mood", "value": {"choices": labels}}] if labels else []}
        | more
        for labels in answers
    ]
    return {"id": number, "data": {"id": number, "review": text}, "annotations": results}


def test_label_studio_json(tmp_path):
    tasks = [task(1, "Yes!", ["joy"]), task(2, "Hm.", []), task(3, "Oh.", ["joy", "fear"]), task(4, "Later.")]
    tasks.append(task(5, "Skipped.", ["joy"], was_cancelled=True))
    path = as_json(tmp_path / "export.json", tasks)
    assert read(path) == [("Yes!", ("joy",)), ("Hm.", ()), ("Oh.", ("joy", "fear"))]
    assert "export.json: 2 texts that nobody has labelled are left out" in notes_of(path)


def test_label_studio_json_of_several_annotators(tmp_path):
    tasks = [task(1, "Yes!", ["joy"], ["joy", "fear"], ["calm"]), task(2, "No.", ["joy"], ["fear"])]
    assert read(as_json(tmp_path / "export.json", [*tasks, task(3, "Oh.", ["fear"])])) == [
        ("Yes!", ("joy",)),
        ("Oh.", ("fear",)),
    ]


META = {"annotator": 1, "annotation_id": 7, "created_at": "2026", "updated_at": "2026", "lead_time": 1.5}


def test_label_studio_json_min_and_csv(tmp_path):
    rows = [
        {"review": "Yes!", "id": 1, "mood": "joy"},
        {"review": "Oh.", "id": 2, "mood": {"choices": ["joy", "fear"]}},
        {"review": "Hm.", "id": 3},
    ]
    plain = [("Yes!", ("joy",)), ("Oh.", ("joy", "fear")), ("Hm.", ())]
    assert read(as_json(tmp_path / "min.json", [row | META for row in rows])) == plain
    cells = [{k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()} | META for row in rows]
    pd.DataFrame(cells).to_csv(tmp_path / "min.csv", index=False)
    assert read(tmp_path / "min.csv") == plain


def test_label_studio_csv_whose_answers_are_called_text(tmp_path):
    rows = [
        {"_data_text": "Yes, it is!", "text": "joy", "id": 1},
        {"_data_text": "Oh no, no.", "text": "fear", "id": 2},
    ]
    pd.DataFrame([row | META for row in rows]).to_csv(tmp_path / "min.csv", index=False)
    assert read(tmp_path / "min.csv") == [
        ("Yes, it is!", ("joy",)),
        ("Oh no, no.", ("fear",)),
    ]


def test_argilla_records(tmp_path):
    def record(number, text, **responses):
        return {
            "id": str(number),
            "fields": {"text": text},
            "metadata": {},
            "suggestions": {"mood": {"value": "calm", "score": 0.4, "agent": "model"}},
            "responses": {
                name: [{"value": v, "user_id": f"u{i}"} for i, v in enumerate(given)]
                for name, given in responses.items()
            },
            "vectors": {},
            "status": "completed",
        }

    records = [
        record(1, "Yes!", mood=["joy"]),
        record(2, "Oh.", mood=[["joy", "fear"], ["fear"]]),
        record(3, "Later."),
    ]
    path = as_json(tmp_path / "records.json", records)
    assert read(path) == [("Yes!", ("joy",)), ("Oh.", ("fear",))]
    assert "records.json: 1 texts that nobody has labelled are left out" in notes_of(path)


def test_argilla_data_sets(tmp_path):
    rows = {
        "id": ["1", "2", "3"],
        "text": ["Yes!", "Oh.", "Later."],
        "mood.responses": [["joy"], ["fear", "joy"], None],
        "mood.responses.users": [["u1"], ["u1", "u2"], None],
        "mood.responses.status": [["submitted"], ["submitted", "draft"], None],
        "mood.suggestion": ["calm", "calm", "calm"],
    }
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [("Yes!", ("joy",)), ("Oh.", ("fear",))]


def test_argilla_ratings_are_stars(tmp_path):
    rows = {"text": ["Yes!", "Oh."], "rating.responses": [[5], [1]], "id": ["1", "2"]}
    pd.DataFrame(rows).to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [("Yes!", ("5 stars",)), ("Oh.", ("1 star",))]


def test_doccano(tmp_path):
    lines = [{"id": 1, "text": "Yes!", "label": ["joy"]}, {"id": 2, "text": "Oh.", "label": ["joy", "fear"]}]
    lines.append({"id": 3, "text": "Hm.", "label": [], "Comments": []})
    plain = [("Yes!", ("joy",)), ("Oh.", ("joy", "fear")), ("Hm.", ())]
    assert read(as_lines(tmp_path / "all.jsonl", lines)) == plain
    assert read(write(tmp_path / "all.csv", "id,text,label\n1,Yes!,joy\n2,Oh.,joy#fear\n3,Hm.,\n")) == plain
    assert (
        read(write(tmp_path / "all.txt", "__label__joy Yes!\n__label__joy __label__fear Oh.\nHm.\n")) == plain
    )


def test_prodigy_choices(tmp_path):
    options = [{"id": "joy", "text": "Joy"}, {"id": "fear", "text": "Fear"}]
    lines = [
        {"text": "Yes!", "_input_hash": 1, "options": options, "accept": ["joy"], "answer": "accept"},
        {"text": "Hm.", "_input_hash": 2, "options": options, "accept": [], "answer": "accept"},
        {"text": "No.", "_input_hash": 3, "options": options, "accept": ["joy"], "answer": "reject"},
        {"text": "Eh.", "_input_hash": 4, "options": options, "accept": [], "answer": "ignore"},
    ]
    assert read(as_lines(tmp_path / "a.jsonl", lines)) == [("Yes!", ("joy",)), ("Hm.", ())]


def test_prodigy_one_label_at_a_time(tmp_path):
    lines = [
        {"text": "Yes!", "_input_hash": 1, "label": "joy", "answer": "accept"},
        {"text": "Yes!", "_input_hash": 1, "label": "calm", "answer": "accept"},
        {"text": "Yes!", "_input_hash": 1, "label": "fear", "answer": "reject"},
        {"text": "No.", "_input_hash": 2, "label": "joy", "answer": "reject"},
        {"text": "Eh.", "_input_hash": 3, "label": "joy", "answer": "ignore"},
    ]
    assert read(as_lines(tmp_path / "a.jsonl", lines)) == [("Yes!", ("joy", "calm")), ("No.", ())]


@pytest.mark.parametrize("form", ["jsonl", "json", "spacy"])
def test_spacy_categories(tmp_path, form):
    rows = [("Yes!", {"joy": 1.0, "fear": 0.0}), ("Hm.", {"joy": 0.0, "fear": 0.0})]
    path = tmp_path / f"train.{form}"
    if form == "jsonl":
        as_lines(path, [{"text": text, "cats": cats} for text, cats in rows])
    elif form == "json":
        as_json(path, [[text, {"cats": cats}] for text, cats in rows])
    else:
        import spacy
        from spacy.tokens import DocBin

        documents = []
        for text, cats in rows:
            documents.append(spacy.blank("en")(text))
            documents[-1].cats = cats
        DocBin(docs=documents).to_disk(path)
    assert read(path) == [("Yes!", ("joy",)), ("Hm.", ())]


def test_what_a_run_exports_is_read_again(tmp_path, make_row):
    rows = [
        {**make_row("Yes, it is!"), "labels": ["joy", "calm"], "split": "train", "id": "k1"},
        {**make_row("Hm, a text."), "labels": [], "split": "train", "id": "k2"},
        {**make_row("No, it is not."), "labels": ["fear"], "split": "test", "id": "k3"},
    ]
    plain = [("Yes, it is!", ("joy", "calm")), ("Hm, a text.", ()), ("No, it is not.", ("fear",))]
    export_rows(rows, tmp_path)
    assert read(tmp_path / "dataset.csv") == plain
    assert read(tmp_path / "dataset.jsonl") == plain
    parts = tmp_path / "parquet"
    parts.mkdir()
    for split in ("train", "test"):
        part = [row for row in rows if row["split"] == split]
        (parts / f"{split}.parquet").write_bytes(parquet_bytes(part))
    (parts / "dataset.csv").write_text("text,label\nOther.,joy\n")
    data = read_dataset(RealConfig(path=str(parts)))
    assert read(parts) == plain
    assert [text.id for text in data.texts("test")] == ["k3"]


def test_stars_of_a_shop(tmp_path):
    lines = [{"rating": 5.0, "title": "Wow", "text": "It works.", "asin": "B1"}]
    lines.append({"rating": 2.0, "title": "Oh", "text": "It broke.", "asin": "B2"})
    assert scores_of(as_lines(tmp_path / "reviews.jsonl", lines)) == [("It works.", 1.0), ("It broke.", 0.25)]


def test_films_with_words_for_labels(tmp_path):
    path = write(tmp_path / "imdb.csv", 'review,sentiment\n"A fine film, really.",positive\nDull.,negative\n')
    assert read(path) == [("A fine film, really.", ("positive",)), ("Dull.", ("negative",))]


def test_lists_of_numpy_are_labels(tmp_path):
    pd.DataFrame(
        {"text": ["Yes!", "No."], "labels": [np.array(["a", "b"]), np.array([], dtype=object)]}
    ).to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [("Yes!", ("a", "b")), ("No.", ())]


def test_the_columns_of_a_row_are_those_that_presets_expect():
    assert {"text", "labels", "split", "id"} <= set(Row.__annotations__)
