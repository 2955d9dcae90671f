"""Files that users write: each message names the file, the line, what was found and what to do."""

from pathlib import Path

import pytest

from tasks.config.yaml_loader import parse_text, read_yaml
from tasks.taxonomy import Taxonomy, load_taxonomy

LABELS = "labels:\n  - {name: good, meaning: G.}\n  - {name: bad, meaning: B.}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "",
            "{file} is empty; expected the keys name, ordinal, two_sided, labels, pairs, alone. Fill it in.",
        ),
        (
            "- a\n",
            "{file} is no mapping; expected the keys name, ordinal, two_sided, labels, pairs, alone. Give "
            "each a line of its own.",
        ),
        (
            "name: own\nlabels:\n  - {name: true, meaning: A.}\n  - {name: 1, meaning: }\n",
            "{file}, line 3: labels.0.name is true, which is not text; expected text. "
            'Put it in quotes: "true".\n'
            '{file}, line 4: labels.1.name is 1, which is not text; expected text. Put it in quotes: "1".\n'
            "{file}, line 4: labels.1.meaning is empty; expected text. Fill it in.",
        ),
        (
            f"name: 2026-11-30\n{LABELS}",
            "{file}, line 1: name is 2026-11-30, which is not text; expected text. "
            'Put it in quotes: "2026-11-30".',
        ),
        (
            "name: own\nlabels:\n  - {name: A|B, meaning: A.}\n  - {name: C++, meaning: C.}\n",
            "{file}, line 3: name is 'A|B'; expected one without |, + and line breaks. Write it in words.\n"
            "{file}, line 4: name is 'C++'; expected one without |, + and line breaks. Write it in words.",
        ),
        (
            f"name: own\n{LABELS}pairs:\n  - [good, bad, good]\n",
            "{file}, line 6: pairs.0 is ['good', 'bad', 'good']; expected at most 2 items, not 3.",
        ),
        (
            "name: own\nlabels:\n- good\n- bad\n",
            "{file}, line 1: no label has a meaning (good, bad); expected a name and a sentence for each, "
            "such as {{name: refund, meaning: The customer asks for money back.}}. Add them.",
        ),
        (
            f"{LABELS}name: own\nmeaning: M.\nname: other\n",
            "{file}, line 6: key 'name' is there twice; expected it once. Remove one.",
        ),
        (
            f"{LABELS}name: !mine own\n",
            "{file}, line 4: !mine is a tag; expected plain YAML. Remove the tag.",
        ),
        (
            f"&all\n{LABELS}name: own\nalone: *all\n",
            "{file}, line 6: an alias names a node that contains it; expected a tree. Write the value out.",
        ),
        (f"1: a\nname: own\n{LABELS}", "{file}, line 1: key 1 is no text; expected text. Put it in quotes."),
        (
            "name: own\n\tlabels: 1\n",
            "{file}, line 2 is not YAML: found character '\\t' that cannot start any token; expected valid "
            "YAML. Fix that line.",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(tmp_path, content, message):
    file = tmp_path / "own.yaml"
    file.write_text(content)
    with pytest.raises(ValueError, match="own") as caught:
        read_yaml(file, Taxonomy)

    assert str(caught.value) == message.format(file=file)


def test_yes_and_no_are_labels_like_others(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("name: own\nlabels:\n  - {name: yes, meaning: Y.}\n  - {name: no, meaning: N.}\n")

    assert read_yaml(file, Taxonomy).names == ("yes", "no")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + f"name: own\n{LABELS}".encode())

    assert read_yaml(file, Taxonomy).name == "own"


def test_another_encoding_is_refused(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_bytes(f"name: Zoë\n{LABELS}".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8") as caught:
        read_yaml(file, Taxonomy)

    assert str(caught.value) == (
        f"{file} is not UTF-8 text (invalid continuation byte); expected a YAML file. Save it as UTF-8."
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none.yaml", "none.yaml is missing (looked in {here}); expected a YAML file. Check the path."),
        ("~/none.yaml", "~/none.yaml is missing; expected a YAML file. Check the path."),
        ("folder.yaml", "folder.yaml is a folder; expected a YAML file. Give the path of the file."),
    ],
)
def test_a_file_that_is_not_there_is_named_with_where_it_was_looked_for(tmp_path, monkeypatch, path, message):
    (tmp_path / "folder.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError) as caught:
        load_taxonomy(path)

    assert str(caught.value) == message.format(here=Path.cwd())


def test_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own.yaml").write_text(f"name: own\n{LABELS}")

    assert load_taxonomy("~/own.yaml").name == "own"


def test_merged_keys_have_the_line_of_what_they_were_merged_into():
    file = parse_text("base: &base {a: 1}\nown:\n  <<: *base\n  b: 2\n", "f")

    assert file.values == {"base": {"a": 1}, "own": {"a": 1, "b": 2}}
    assert (file.line(("own", "b")), file.line(("own", "a"))) == (4, 2)
