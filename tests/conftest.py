"""What several test files need: quiet libraries, rows, a tiny encoder, one Prefect server for all flows."""

import os

for _name in ("PREFECT_API_URL", "SENTIMILL_RESULTS"):
    os.environ.pop(_name, None)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

import flows  # noqa: E402, F401  (sets the rest of the environment before anything imports Prefect)

# The same examples in every run, and no clock: a busy machine fails no test.
settings.register_profile(
    "sentimill", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sentimill")

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = (
    "any anger joy neutral positive negative very somewhat short medium long comment review "
    "the a we it was were is today again with about my this and but not so really quite "
    "happy glad lovely great fine sad awful bad gloomy dull train bridge garden kitchen soup phone "
    "doctor teacher river window morning evening meeting market lesson story flight hotel battery "
    "opened closed waited worked walked cooked read found lost gave took liked missed "
    "slowly quickly early late together alone outside inside somehow finally nearly"
).split()
MEAN_WORDS = 9
MARKS = (".", ",", ":", "|", "!", "?", "'")


@pytest.fixture(scope="session")
def vocabulary():
    """Tokens of the tiny models: marks, letters in both places, and a hundred words."""
    pieces = [*LETTERS, *(f"##{letter}" for letter in LETTERS)]
    return list(dict.fromkeys([*SPECIAL, *MARKS, *pieces, *WORDS]))


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory, vocabulary):
    """Folder of a BERT encoder with one layer of width 16 and random weights."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        initializer_range=0.3,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizer(vocab={token: i for i, token in enumerate(vocabulary)}, do_lower_case=True).save_pretrained(
        folder
    )
    return folder


@pytest.fixture(scope="session")
def tiny_generator(tmp_path_factory, vocabulary):
    """Folder of a decoder that writes random words: all alike, an end every nine or so."""
    import math

    import torch
    from transformers import BertConfig, BertLMHeadModel, BertTokenizer

    folder = tmp_path_factory.mktemp("generator")
    torch.manual_seed(0)
    tokenizer = BertTokenizer(vocab={token: i for i, token in enumerate(vocabulary)}, do_lower_case=True)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        is_decoder=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    model = BertLMHeadModel(config)
    words = [i for i, token in enumerate(vocabulary) if len(token) > 1 and token.isalpha()]
    bias = torch.full((len(vocabulary),), -30.0)
    bias[words] = 0.0
    bias[tokenizer.sep_token_id] = math.log(len(words) / MEAN_WORDS)
    with torch.no_grad():
        model.cls.predictions.bias.copy_(bias)
        model.get_output_embeddings().bias.copy_(bias)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def make_row():
    """Build a row; every column can be given."""

    def make(text="We liked the soup.", labels=("joy",), targets=(1.0, 0.0), **columns):
        row = {
            "id": "r1",
            "text": text,
            "labels": list(labels),
            "level": None,
            "targets": list(targets),
            "weight": 1.0,
            "topic": "food",
            "scenario": "A dinner.",
            "style": "review",
            "prompt_id": "",
            "prompt": "joy | food :",
            "generator": "g",
            "revision": "",
            "seed": 3,
            "round": 1,
            "source": "synthetic",
            "votes": {},
            "scrubbed": {},
            "group": "",
            "split": "train",
            "segments": [],
        }
        assert not set(columns) - set(row)
        return {**row, **columns}

    return make


@pytest.fixture(scope="session")
def prefect_api():
    """A real Prefect server on loopback with a database of its own, stopped at the end of the session."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    # Without heartbeats a flow ends at once: their thread sleeps in whole seconds.
    with (
        prefect_test_harness(server_startup_timeout=240),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture
def local_store(tmp_path):
    """A results block in a folder of the test's own."""
    from tasks.storage.block import ResultsStore

    return ResultsStore(root=str(tmp_path / "results"))


@pytest.fixture
def finished_run(tmp_path, make_row, tiny_encoder):
    """Folder as a run leaves it, but for its test rows: configuration, taxonomy, rows to learn from."""
    import json

    from tasks.storage.block import ResultsStore
    from tasks.taxonomy import load_taxonomy

    taxonomy = load_taxonomy("polarity3")
    words = {"positive": "lovely", "neutral": "dull", "negative": "awful"}
    rows = [
        make_row(
            f"the {noun} was {words[name]} {end}",
            id=f"{noun}-{name}-{end}",
            labels=[name],
            targets=taxonomy.targets_of([name]),
            level=taxonomy.level_of([name]),
            split="validation" if end == "again" else "train",
        )
        for noun in ("soup", "phone", "hotel", "garden", "lesson", "story")
        for end in ("today", "early", "late", "again")
        for name in words
    ]
    folder = tmp_path / "run"
    store = ResultsStore(root=str(tmp_path / "store"))
    (folder / "dataset").mkdir(parents=True)
    for part in ("train", "validation"):
        ref = store.put_rows([row for row in rows if row["split"] == part])
        (folder / "dataset" / f"{part}.parquet").write_bytes(store.read_path(ref.uri))
    training = {
        "base": str(tiny_encoder), "epochs": 20, "early_stopping_patience": 20, "batch_size": 8,
        "precision": "no",
        "learning_rate": 0.02, "head_learning_rate": 0.02, "max_length": 32,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps({"taxonomy": "polarity3", "training": training}))
    (folder / "scores.json").write_text(json.dumps({"taxonomy": taxonomy.model_dump(mode="json")}))
    return folder


@pytest.fixture
def model(tmp_path):
    """Folder that stands for a model: two files, one in a folder below."""
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(bytes(range(256)))
    (folder / "sub" / "tokens.txt").write_text("a\nb\n")
    return folder
