"""The parts of the scrubber: assets, tagger, contact data, linking, agreement, other engines."""

import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.config import NameEngineKind, ScrubbingConfig
from tasks.pipeline.scrubbing import Scrubber
from tasks.pipeline.scrubbing.contact_data import find_pii
from tasks.pipeline.scrubbing.contact_numbers import is_iban, passes_luhn
from tasks.pipeline.scrubbing.demographics.gender import neutral_edits
from tasks.pipeline.scrubbing.demographics.token_view import Reading
from tasks.pipeline.scrubbing.names.assets import (
    FOLDER,
    Weights,
    load_clusters,
    load_lexicon,
    load_verbs,
    load_weights,
    pack,
    read_asset,
    unpack,
)
from tasks.pipeline.scrubbing.names.coreference import letters, link, parse_name
from tasks.pipeline.scrubbing.names.features import (
    LABELS,
    Entry,
    Knowledge,
    entry_of,
    group_of,
    letter_grams,
    name_likeness,
    word_features,
)
from tasks.pipeline.scrubbing.names.nlp_engine import MAX_TOKENS, cut
from tasks.pipeline.scrubbing.names.other_models import MAX_CHARACTERS, cut_text, joined
from tasks.pipeline.scrubbing.names.patterns import CertainNames
from tasks.pipeline.scrubbing.names.spans import refined
from tasks.pipeline.scrubbing.names.tagger import Tagger, marks_of, pronoun_ahead, spans_of
from tasks.pipeline.scrubbing.normalization import normalise
from tasks.pipeline.scrubbing.table_builder.people import invented
from tasks.pipeline.scrubbing.table_builder.sentences import Annotated
from tasks.pipeline.scrubbing.table_builder.training import labels_of, sentence_features, train
from tasks.pipeline.scrubbing.tagging.loading import tagged
from tasks.pipeline.scrubbing.tokens import tokenise, tokens_of


def test_a_damaged_asset_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "assets")
    path = tmp_path / "assets" / "verbs.json"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(
        ValueError, match=r"scrubber asset verbs.json has sha256 [0-9a-f]{12}\.\.\.; expected"
    ):
        read_asset("verbs.json", tmp_path / "assets")


def test_a_missing_asset_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        load_weights(tmp_path)
    assert str(raised.value) == (
        f"scrubber asset {tmp_path / 'tagger.npz'} is missing; expected it beside the code. Reinstall "
        "Sentimill, or run `make scrubber-assets`."
    )


def test_assets_hold_no_pickles_and_stay_small() -> None:
    for path in FOLDER.glob("*.npz"):
        with np.load(path, allow_pickle=False) as stored:
            assert all(stored[name].dtype != object for name in stored.files)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 4_000_000


def test_entries_survive_packing() -> None:
    entry = Entry(first=6, last=3, case=-5, common=True, city=False, sex="f")
    assert unpack(pack(entry)) == entry
    assert unpack(pack(Entry(verb=True))) == Entry(verb=True)
    assert unpack(pack(Entry(case=None, city=True))) == Entry(case=None, city=True)


def test_the_lexicon_knows_names_words_and_verbs() -> None:
    lexicon = load_lexicon()
    assert lexicon["priya"].first > 0
    assert lexicon["mary"].sex == "f"
    assert not lexicon["mary"].city
    assert lexicon["hope"].common
    assert load_verbs()["carries"] == "carry"


SENTENCES = [
    Annotated("Mary Jones met Dr. Chen in Paris.", [(0, 10, "PER"), (19, 23, "PER"), (27, 32, "OTH")]),
    Annotated("We bought bread and milk.", []),
    Annotated('"I am tired," said Tom. He left.', [(19, 22, "PER")]),
    Annotated("my friend priya works for Acme Ltd", [(10, 15, "PER"), (26, 34, "OTH")]),
    Annotated("HELP ME PLEASE\nANNA IS LATE", [(15, 19, "PER")]),
]


def test_tables_decode_as_the_library_that_trained_them(tmp_path: Path) -> None:
    pycrfsuite = pytest.importorskip("pycrfsuite")
    lexicon = load_lexicon()
    knowledge = Knowledge(lexicon, load_clusters(), load_weights().letters)
    tables = train(SENTENCES * 4, knowledge, seed=0)
    texts = {
        name: tables[name].tobytes().decode().split("\n") for name in ("features", "grams", "vocabulary")
    }
    weights = Weights(
        {feature: row for row, feature in enumerate(texts["features"])},
        tables["slots"].astype(np.float32),
        dict(zip(texts["grams"], tables["gram_weights"].astype(np.float32), strict=True)),
        tables["transitions"],
        frozenset(texts["vocabulary"]),
        tables["letters"],
    )
    trainer = pycrfsuite.Trainer(verbose=False)
    written = []
    for sample in SENTENCES * 4:
        (tokens,) = tagged([tokens_of(sample.text)])
        seen = [word_features(word, knowledge, weights.vocabulary) for word in tokens.words]
        written.append(sentence_features(tokens.words, seen, tokens.tags))
        trainer.append(written[-1], labels_of(tokenise(sample.text), sample.entities))
    trainer.train(str(tmp_path / "model"))
    found = Tagger(weights, lexicon, load_clusters()).names([sample.text for sample in SENTENCES])
    gold = [[(a, b) for a, b, label in s.entities if label == "PER"] for s in SENTENCES]
    assert found == gold
    library = pycrfsuite.Tagger()
    library.open(str(tmp_path / "model"))
    for sample, features in zip(SENTENCES, written, strict=False):
        labels = [LABELS.index(label) for label in library.tag(features)]
        assert spans_of(tokens_of(sample.text), labels) == [
            (a, b) for a, b, label in sample.entities if label == "PER"
        ]


def test_tagging_does_not_depend_on_the_batch() -> None:
    tagger = Tagger(load_weights(), load_lexicon(), load_clusters())
    texts = ["John Smith left.", "", "I saw Mary Jones and her dog in Rome with Ahmed Hassan.", "Fine."]
    assert tagger.names(texts) == [tagger.names([text])[0] for text in texts]
    assert tagger.names_in(tagged([tokens_of(text) for text in texts]), batch=1) == tagger.names(texts)


def test_long_texts_are_cut_behind_sentences_and_lose_nothing() -> None:
    tokens = tokens_of("A short sentence. " * 1_000 + "x " * 3_000)
    pieces = list(cut(tokens))
    assert [word for piece in pieces for word in piece.words] == tokens.words
    assert [start for piece in pieces for start in piece.starts] == tokens.starts
    assert max(map(len, pieces)) <= MAX_TOKENS
    assert pieces[0].words[-1] == "."


def test_other_models_get_pieces_that_they_can_read_as_a_whole() -> None:
    text = "A short sentence. " * 100 + "x" * 3_000 + "  "
    pieces = list(cut_text(text))
    assert "".join(piece for _, piece in pieces).strip() == text.strip()
    assert all(len(piece) <= MAX_CHARACTERS and text.startswith(piece, at) for at, piece in pieces)
    assert list(cut_text("  ")) == []


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        ("We met Smith. Jones left.", [(7, 19)], ["Smith", "Jones"]),
        ("Mr. Smith left.", [(4, 9)], ["Mr. Smith"]),
        ("Parkinson's disease is cruel.", [(0, 9)], []),
        ("Johnson & Johnson sells soap.", [(0, 7), (10, 17)], []),
        ("Rosa Parks spoke. Then Parks left.", [(0, 10)], ["Rosa Parks", "Parks"]),
        ("Person A left with Ana.", [(0, 8), (19, 22)], ["Ana"]),
        ("They said the famous Bono sang.", [(10, 25)], ["Bono"]),
        ("I saw Dang Xuan Loc today.", [(6, 15)], ["Dang Xuan Loc"]),
        ("Ana Lucía de los Santos left.", [(0, 9)], ["Ana Lucía de los Santos"]),
        ("I know He Shanshan well.", [(10, 18)], ["He Shanshan"]),
        ("I saw Anna Monday.", [(6, 10)], ["Anna"]),
        ("Goals by Adeola and Moreau.", [(9, 15)], ["Adeola", "Moreau"]),
        ("It was Moreau or Adeola.", [(17, 23)], ["Moreau", "Adeola"]),
        ("It was Anna and Netflix.", [(7, 11)], ["Anna"]),
        ("Anna's test failed.", [(0, 4)], ["Anna"]),
        ("They play a Gibson guitar.", [(12, 18)], []),
        ("We saw San Diego.", [(11, 16)], []),
        ("They beat Santa Clara.", [(10, 21)], []),
        ("Martin Luther King Boulevard is long.", [(0, 13)], []),
        ("They gave chase again.", [(10, 15)], []),
        ("It was Monday again.", [(7, 13)], []),
        ("I met Mr. Castellano twice.", [(10, 20)], ["Mr. Castellano"]),
    ],
)
def test_names_are_made_whole(text: str, spans: list[tuple[int, int]], expected: list[str]) -> None:
    assert [text[a:b] for a, b in refined(text, spans, load_lexicon())] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jo.b@ex.co.uk", [("EMAIL_ADDRESS", "jo.b@ex.co.uk")]),
        ("see www.example.com/a?b=1.", [("URL", "www.example.com/a?b=1")]),
        ("I saw him.It was fun.", []),
        ("call 212-555-0187 now", [("PHONE_NUMBER", "212-555-0187")]),
        ("call +44 20 7946 0958", [("PHONE_NUMBER", "+44 20 7946 0958")]),
        ("ISBN 978-3-16-148410-0", []),
        ("on 2024-03-17 or 12/05/2021", []),
        ("card 4111 1111 1111 1111", [("CREDIT_CARD", "4111 1111 1111 1111")]),
        ("GB82 WEST 1234 5698 7654 32", [("IBAN_CODE", "GB82 WEST 1234 5698 7654 32")]),
        ("host 192.168.0.1 is up", [("IP_ADDRESS", "192.168.0.1")]),
        ("my SSN is 536-90-4399", [("US_SSN", "536-90-4399")]),
        ("passport no. C01X00T47", [("ID", "C01X00T47")]),
        ("thanks @some_one", [("HANDLE", "@some_one")]),
        ("I paid 1500 for 3 of 20", []),
    ],
)
def test_contact_data_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(item.type, text[item.start : item.end]) for item in find_pii(text)] == expected


def test_checksums_tell_numbers_apart() -> None:
    assert passes_luhn("4111111111111111")
    assert not passes_luhn("4111111111111112")
    assert is_iban("DE89370400440532013000")
    assert not is_iban("DE89370400440532013001")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[John Smith] met [Mary Jones]. [Smith] sat; [Mary] ran.", "ABAB"),
        ("[Mr. Smith] argued with [Mrs. Smith]. [Mr. Smith] left.", "ABA"),
        ("[J. K. Rowling] wrote it. [Rowling] is rich.", "AA"),
        ("[Bill Gates] spoke. [William Gates] left.", "AA"),
        ("[Tom Hanks] thanked [Tom Cruise]. [Hanks] sat.", "ABA"),
        ("[Smith] came first. Then [John Smith] spoke.", "AA"),
        ("Person A thanked [Ann] and [Bob].", "BC"),
        ("[Smith, John] signed. [John Smith] paid.", "AA"),
        ("[Maria]'s dog bit [Carlos]. [Maria’s] fault.", "ABA"),
    ],
)
def test_one_person_has_one_letter(text: str, expected: str) -> None:
    pieces = text.replace("]", "[").split("[")
    spans, plain = [], ""
    for place, piece in enumerate(pieces):
        if place % 2:
            spans.append((len(plain), len(plain) + len(piece)))
        plain += piece
    assert "".join(link(plain, spans, load_lexicon())) == expected


def test_letters_go_on_behind_z() -> None:
    assert [letters(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_titles_tell_the_sex() -> None:
    assert parse_name("Mrs. Green's", load_lexicon()) == (("green",), "f")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He sings and dances.", ["They", "sing", "dance"]),
        ("He eats fish and chips.", ["They", "eat"]),
        ("Doesn’t she know?", ["Don’t", "they"]),
        ("HE IS HERE.", ["THEY", "ARE"]),
        ("I told her about her car.", ["them", "their"]),
        ("She and I were late.", ["They"]),
        ("The king-size bed is hers.", ["theirs"]),
    ],
)
def test_verbs_agree_with_the_neutral_pronoun(text: str, expected: list[str]) -> None:
    assert [edit.text for edit in neutral_edits(Reading(text), [])] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ma\u200bria", "Maria"),
        ("soft\u00adhyphen", "softhyphen"),
        ("\u202eabc\u202c", "abc"),
        ("&amp;lt;b&amp;gt;", "<b>"),
        ("cafe\u0301", "café"),
        ("a\u00a0b\r\nc", "a b\nc"),
        ("R&D; AT&T", "R&D; AT&T"),
    ],
)
def test_hidden_signs_are_taken_out(text: str, expected: str) -> None:
    assert normalise(text) == expected
    assert normalise(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\u200d\U0001f469\u200d\U0001f467",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\u2764\ufe0f\u200d\U0001f525",
        "\U0001f468\U0001f3fd\u200d\U0001f4bb works",
        "1\ufe0f\u20e3 first",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
    ],
)
def test_signs_that_show_stay(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u200db", "ab"),
        ("\U0001f469\u200da", "\U0001f469a"),
        ("\U0001f469\u200d\u200d\U0001f467", "\U0001f469\U0001f467"),
        ("x\ufe0f", "x"),
        ("Ma\u200cria", "Maria"),
    ],
)
def test_signs_that_hide_go(text: str, expected: str) -> None:
    assert normalise(text) == expected
    assert normalise(expected) == expected


def by_model(kind: str, model: Path, union: bool) -> Scrubber:
    engine = NameEngineKind(kind)
    return Scrubber(ScrubbingConfig(name_engine=engine, name_model=str(model), name_union=union))


def test_a_spacy_pipeline_can_take_part_or_take_over(tmp_path: Path) -> None:
    import spacy

    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "qqzork"}])
    pipeline.to_disk(tmp_path)
    text = "qqzork met John Smith. " + "All is well here. " * 100 + "Then qqzork left."
    both, alone = by_model("spacy", tmp_path, union=True), by_model("spacy", tmp_path, union=False)
    assert (
        both.one(text).text.replace("All is well here. ", "") == "Person A met Person B. Then Person A left."
    )
    assert (
        alone.one(text).text.replace("All is well here. ", "")
        == "Person A met John Smith. Then Person A left."
    )


def test_names_and_contact_data_alone_go_out_of_a_language_that_the_model_reads(tmp_path: Path) -> None:
    import spacy

    pipeline = spacy.blank("de")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Jürgen"}])
    pipeline.to_disk(tmp_path)
    config = ScrubbingConfig(
        name_engine=NameEngineKind("spacy"), name_model=str(tmp_path), name_languages=("de",)
    )
    german = "Meine Mutter hat gestern mit Jürgen gesprochen, er wohnt jetzt bei jo@mail.de in Berlin."
    french = "Ma mère a parlé hier avec Jürgen, il habite maintenant à Berlin avec son frère."
    done = Scrubber(config).many([german, french])
    assert [d.text for d in done] == [
        "Meine Mutter hat gestern mit Person A gesprochen, er wohnt jetzt bei [email] in Berlin.",
        french,
    ]
    assert [d.flags for d in done] == [("not_english",), ("not_english",)]


def test_languages_without_a_name_model_are_refused() -> None:
    with pytest.raises(ValueError, match="name_languages is de, fr without a name model; expected a model"):
        ScrubbingConfig(name_languages=("de", "fr"))


@pytest.fixture
def tiny_bert(tmp_path: Path) -> dict[str, Any]:
    """Sizes of a model whose tokenizer, in `tmp_path`, knows one name."""
    from transformers import BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "qq", "##zork", "met", "us", "person"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    sizes = dict.fromkeys(("num_hidden_layers", "num_attention_heads", "intermediate_size"), 1)
    return {"vocab_size": len(words), "hidden_size": 8, **sizes}


@pytest.mark.parametrize("union", [False, True])
def test_a_token_classifier_can_take_part_or_take_over(
    tmp_path: Path, tiny_bert: dict[str, Any], union: bool
) -> None:
    import torch
    from transformers import BertConfig, BertForTokenClassification

    config = BertConfig(**tiny_bert, id2label={0: "O", 1: "PER"}, label2id={"O": 0, "PER": 1})
    model = BertForTokenClassification(config)
    with torch.no_grad():  # to it, every word is a person
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0, 9.0]))
    model.save_pretrained(tmp_path)
    scrubber = by_model("transformers", tmp_path, union)
    assert [scrubber.one(text).text for text in ("qqzork", "John Smith")] == ["Person A", "Person A"]


@pytest.mark.parametrize("union", [False, True])
def test_a_gliner_model_can_take_part_or_take_over(
    tmp_path: Path, tiny_bert: dict[str, Any], union: bool
) -> None:
    gliner = pytest.importorskip("gliner", reason="needs the package gliner")
    import torch
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(**tiny_bert)).save_pretrained(tmp_path)
    sizes = {"hidden_size": 8, "max_width": 2, "num_rnn_layers": 0, "span_mode": "markerV0"}
    model = gliner.GLiNER.from_config(gliner.GLiNERConfig(model_name=str(tmp_path), **sizes))
    with torch.no_grad():  # to it, every word is whatever it is asked for
        for part in (model.model.span_rep_layer.span_rep_layer.out_project, model.model.prompt_rep_layer):
            part[-1].weight.zero_()
            part[-1].bias.fill_(1.0)
    model.save_pretrained(tmp_path / "gliner")
    scrubber = by_model("gliner", tmp_path / "gliner", union)
    assert [scrubber.one(text).text for text in ("qqzork", "John Smith")] == ["Person A", "Person A"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ask Captain Nakamura.", ["Nakamura"]),
        ("Ms. Young teaches.", ["Young"]),
        ("General Motors sold cars to Dr Pepper.", []),
        ("We met Chihiro Matsuda, and left.", ["Chihiro Matsuda"]),
        ("Nebojša Lukić sings.", ["Nebojša Lukić"]),
        ("We flew to North Carolina and San Diego.", []),
        ("We like Chihiro Matsuda University.", []),
        ("Old habits die hard.", []),
        ("we saw dr. ahmed and mrs jones", ["ahmed", "jones"]),
        ("mr. right is a drink", []),
        ("We thanked Zorimela Akunawo for it.", ["Zorimela Akunawo"]),
        ("I waved at Omar Hassan, then flew to Austin Texas or Nazi Germany.", ["Omar Hassan"]),
        ("Emily made soup. Karma made us wait. Spider-Man made me laugh.", ["Emily"]),
    ],
)
def test_titles_and_runs_of_names_need_no_model(text: str, expected: list[str]) -> None:
    assert [
        text[a:b] for a, b in CertainNames(load_lexicon(), load_weights().letters).spans(tokens_of(text))
    ] == expected


def test_the_letters_of_a_name_tell_it_from_other_words() -> None:
    letters = load_weights().letters
    assert name_likeness("kowalewska", letters) > name_likeness("teaspoons", letters)
    assert letter_grams("ab") == ["^a", "ab", "b$", "^ab", "ab$", "^ab$"]


def test_a_pronoun_ahead_speaks_for_capitalised_words_only() -> None:
    words = "Grace saw a dog and lost her hat . Hope came".split()
    marks = np.array([[marks_of(word) for word in words]])
    assert pronoun_ahead(marks)[0].nonzero()[0].tolist() == [0]


def test_everyday_words_go_by_their_form() -> None:
    lexicon = load_lexicon()
    forms = {
        word: group_of(word, entry_of(word, lexicon)) for word in ("plumber", "rehearsed", "slowly", "sings")
    }
    assert forms == {"plumber": "pn", "rehearsed": "ed", "slowly": "ly", "sings": "vz"}


def test_invented_names_join_two_at_a_letter() -> None:
    found = {invented(["Marina", "Katrin"], random.Random(seed)) for seed in range(40)}
    assert found == {"Marina", "Katrin", "Marin", "Katrina"}
    assert invented(["Al", "Bo"], random.Random(1)) in {"Al", "Bo"}


def test_word_pieces_are_joined() -> None:
    assert joined([(0, 2), (2, 6), (8, 9)]) == [(0, 6), (8, 9)]
    assert joined([]) == []


def test_an_engine_without_its_model_is_refused() -> None:
    with pytest.raises(ValueError, match="name_engine is spacy and name_model None; expected a model for"):
        ScrubbingConfig(name_engine=NameEngineKind.spacy)
    with pytest.raises(ValueError, match="name_engine is embedded and name_model 'x'; expected a model for"):
        ScrubbingConfig(name_model="x")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gliner", None)
    with pytest.raises(ModuleNotFoundError, match="package gliner is missing; expected it for"):
        by_model("gliner", Path("model"), union=True)


def test_the_manifest_names_every_asset() -> None:
    manifest = json.loads((FOLDER / "assets.json").read_text(encoding="utf-8"))
    assert sorted(manifest["sha256"]) == [
        "clusters.npz",
        "names.npz",
        "pos_tagger.npz",
        "tagger.npz",
        "things.npz",
        "verbs.json",
    ]
