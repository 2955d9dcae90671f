"""Find words in what people read that docs/words.yaml replaces by plainer ones: `make lint`.

It reads Markdown (without code), templates, the page of the API, and every string in Python code: help texts,
messages and docstrings.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
WORDS = ROOT / "docs/words.yaml"
READ = (
    *(
        "*.md",
        "docs/**/*.md",
        "tasks/**/*.md",
        "tasks/**/*.j2",
        "deployments/**/*.html",
        "deployments/*.yaml",
    ),
    *("tasks/**/*.py", "flows/**/*.py", "deployments/**/*.py"),
)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def main() -> None:
    """Print every hit as file:line; exit with 1 if there is one."""
    words = read_words()
    hits = [
        f"{path.relative_to(ROOT)}:{line}: {found!r}; write: {instead}"
        for path in sorted({path for pattern in READ for path in ROOT.glob(pattern)})
        for line, text in texts_of(path)
        for found, instead in matches(text, words)
    ]
    sys.stdout.writelines(f"{hit}\n" for hit in hits)
    sys.exit(1 if hits else 0)


def read_words(path: Path = WORDS) -> dict[re.Pattern[str], str]:
    """What to look for, and what to write in its place."""
    pairs: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        re.compile(rf"(?<![\w-]){pattern}(?![\w-])", re.IGNORECASE): instead
        for pattern, instead in pairs.items()
    }


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Texts of a file that people read, each with its line."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value
    else:
        prose = CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), source)
        yield from enumerate(prose.splitlines(), start=1)


def matches(text: str, words: Mapping[re.Pattern[str], str]) -> Iterator[tuple[str, str]]:
    """Words of a text that are not to be used, each with what to write instead."""
    for pattern, instead in words.items():
        yield from ((found[0], instead) for found in pattern.finditer(" ".join(text.split())))


if __name__ == "__main__":
    main()
