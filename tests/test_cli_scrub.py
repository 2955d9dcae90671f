"""`sentimill scrub`: JSON Lines from a file, a pipe or standard input; what is no such thing is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.pipeline.scrubbing import SCRUBBER_VERSION

ROOT = Path(__file__).parent.parent
ROWS = '{"text": "John Smith left.", "id": 4}\n\n{"text": "Fine."}\n'
SCRUBBED = [
    '{"text": "Person A left.", "id": 4, "scrubbed": {"PERSON": 1}}',
    '{"text": "Fine.", "scrubbed": {}}',
]


def scrub(*arguments, content=b"", **environment):
    command = [sys.executable, "-m", "tasks.cli", "scrub", *map(str, arguments)]
    env = {**os.environ, **environment}
    done = subprocess.run(command, input=content, capture_output=True, check=False, cwd=ROOT, env=env)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_the_command_scrubs_a_file_whatever_the_locale(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + ROWS.encode() + '{"text": "Zoë said caf\\u00e9."}\n'.encode())
    code, out, err = scrub(path, LC_ALL="C", PYTHONUTF8="0")

    assert (code, out.splitlines()) == (
        0,
        [*SCRUBBED, '{"text": "Person A said café.", "scrubbed": {"PERSON": 1}}'],
    )
    assert json.loads(err) == {
        "scrubber": SCRUBBER_VERSION,
        "rows": 3,
        "replaced": {"PERSON": 2},
        "flags": {},
    }


@pytest.mark.parametrize("path", ["-", "/dev/stdin"])
def test_the_command_reads_standard_input(path):
    code, out, _ = scrub(path, content=ROWS.encode())

    assert (code, out.splitlines()) == (0, SCRUBBED)


def test_the_command_reads_a_pipe_of_the_shell(tmp_path):
    (tmp_path / "texts.jsonl").write_text(ROWS)
    line = f"{sys.executable} -m tasks.cli scrub <(cat {tmp_path}/texts.jsonl)"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == SCRUBBED


def test_half_surrogate_pairs_in_other_columns_are_replaced(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_bytes(b'{"text": "half \\ud800 pair", "note": "\\ud800"}\n')
    code, out, err = scrub(path)

    assert (code, json.loads(out)["text"], json.loads(out)["note"]) == (0, "half \ufffd pair", "\ufffd")
    assert json.loads(err)["flags"] == {"invalid_surrogates": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b'{"text": "Fine."}\n{"words": 1}\n',
            "line 2 has no text; expected an object with the key `text`. Add it.",
        ),
        (
            b'{"text": "Fine.", "scrubbed": 1}\n',
            "line 1 has a key `scrubbed` already; expected none, since the counts go there. Rename it.",
        ),
        (b'{"text": 5}\n', "line 1: text is 5; expected a string. Put it in quotes."),
        (
            b'[{"text": "Fine."}]',
            "line 1 begins a JSON array; expected one object per line. Convert it: jq -c '.[]' FILE.",
        ),
        (
            b'{"text": "Fine."}\n{"text": "caf\xe9"}\n',
            "line 2 is no UTF-8 text (invalid continuation byte); expected UTF-8. Convert the file: "
            "iconv -t UTF-8.",
        ),
        (
            b"Fine.\n",
            "line 1 is no JSON (Expecting value: line 1 column 1 (char 0)); expected one object per line. "
            "Fix the line.",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named(content, message):
    code, _, err = scrub("-", content=content)

    assert (code, err) == (2, f"sentimill: standard input, line {message.removeprefix('line ')}\n")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "none.jsonl",
            f"none.jsonl is missing (looked in {ROOT}); expected a JSON Lines file. Check the path.",
        ),
        ("tests", "tests is a folder; expected a JSON Lines file. Give the path of the file."),
    ],
)
def test_a_file_that_is_not_there_is_named(path, message):
    assert scrub(path) == (2, "", f"sentimill: {message}\n")


def test_a_reader_that_goes_away_ends_the_command_quietly():
    content = ('{"text": "Fine."}\n' * 20_000).encode()
    line = f"{sys.executable} -m tasks.cli scrub - | head -n 1"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, input=content, capture_output=True, check=True)

    assert (done.stdout, done.stderr) == (b'{"text": "Fine.", "scrubbed": {}}\n', b"")
