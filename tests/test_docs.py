"""The documentation: it says what the code says, and links to what is there."""

import re
from collections.abc import Collection
from pathlib import Path

import check_words
import generate_configuration
import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.name != "CHANGELOG.md"
)
WRITTEN = [path for path in PAGES if path != generate_configuration.PAGE]
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_configuration_page_is_what_the_models_say():
    assert text_of(generate_configuration.PAGE) == generate_configuration.page()


def test_every_option_that_a_page_names_exists():
    options = {option for listed in options_by_command().values() for option in listed}
    assert "--plan.rounds" in options
    named = {
        (path.name, f"--{option}")
        for path in WRITTEN
        for option in re.findall(r"(?<![\w-])--(?:no-)?([a-z]+\.[a-z][\w-]*)", text_of(path))
    }
    assert len(named) > 50
    assert {(name, option) for name, option in named if option not in options} == set()


def test_every_command_line_on_a_page_can_be_given():
    known = options_by_command()
    lines = [line for path in WRITTEN for line in command_lines(path)]
    assert len(lines) > 30
    wrong = [
        (line, flag)
        for line in lines
        for command, *rest in [parted(line, known)]
        for flag in [re.sub("^--no-", "--", word) for word in rest if word.startswith("--")]
        if command not in known
        or flag not in {*known[command], *sections(known[command]), "--help", "--config"}
    ]
    assert wrong == []
    assert {parted(line, known)[0] for line in lines} <= {*known, "--help", "..."}


def parted(line: str, known: Collection[str]) -> list[str]:
    """A command, which may be two words, and what follows it."""
    one, *rest = line.split()
    both = " ".join([one, *rest[:1]])
    return [both, *rest[1:]] if both in known else [one, *rest]


def sections(options: set[str]) -> set[str]:
    """Sections that take their path alone: `--real PATH` is `--real.path PATH`."""
    return {option.removesuffix(".path") for option in options if option.endswith(".path")}


def command_lines(path: Path) -> list[str]:
    """What follows `sentimill` in the code of a page, continued lines joined, comments and pipes cut off."""
    code = code_of(path).replace("\\\n", " ")
    return [
        re.split(r"\s[#|>]|`", line)[0]
        for line in re.findall(r"(?<![\w./-])sentimill ([^\n]+)", code)
        if line[0] != "|"
    ]


def options_by_command() -> dict[str, set[str]]:
    """Options per command on the configuration page, with those of `run` where it refers to them."""
    parts = re.split(r"^## ", text_of(generate_configuration.PAGE), flags=re.MULTILINE)[2:]
    found = {part.split("\n")[0]: set(re.findall(r"^\| `(--[\w.-]+)`", part, re.MULTILINE)) for part in parts}
    for part in parts:
        if "ll options of [run](#run)" in part:
            found[part.split("\n")[0]] |= found["run"]
    return found


def test_every_make_target_that_a_page_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = {target for path in PAGES for target in re.findall(r"`?make ([a-z]+(?:-[a-z]+)*)", code_of(path))}
    assert "server" in named
    assert named - targets == set()


def code_of(path: Path) -> str:
    typed = re.sub(r"```text\n.*?```", "", text_of(path), flags=re.DOTALL)  # texts and output, not commands
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", typed, re.DOTALL))


def test_every_file_that_a_page_names_exists():
    paths = {
        (page.name, named)
        for page in PAGES
        for named in re.findall(
            r"`((?:tasks|flows|deployments|docker|tests|docs|examples)/[\w./-]+)`", text_of(page)
        )
    }
    assert len(paths) > 10
    assert {(page, named) for page, named in paths if not (ROOT / named).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_files_lead_somewhere(page):
    links = [link for link in LINK.findall(text_of(page)) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_words_are_found_where_people_read_them(tmp_path):
    words = check_words.read_words()
    page = tmp_path / "page.md"
    page.write_text("Mend the\nfile, `mend_it` aside.\n", encoding="utf-8")
    module = tmp_path / "module.py"
    module.write_text('def mend(anew: int) -> str:\n    return "Train it anew."\n', encoding="utf-8")
    found = [
        (path.name, line, *match)
        for path in (page, module)
        for line, text in check_words.texts_of(path)
        for match in check_words.matches(text, words)
    ]
    assert found == [("page.md", 1, "Mend", "fix"), ("module.py", 2, "anew", "again")]


def test_a_limit_that_is_exceeded_is_not_passed():
    words = check_words.read_words()
    assert [
        found for found, _ in check_words.matches("It passes a limit. Limits passed. Pass a list.", words)
    ] == [
        "passes a limit",
        "Limits passed",
    ]
