"""One word per thing, and none that readers stumbled over: in strings, help, templates, schemas and pages.

Comments and docstrings keep to a shorter list. Both name what to write instead.
"""

from __future__ import annotations

import ast
import json
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from gatewaydoctor.cli.parser.describe import described

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gatewaydoctor"
EVERYWHERE = {
    r"\bby estimate\b": "an estimated",
    r"\b(?:no|some)body\b": "who or what it is",
    r"\bmend(?:s|ed|ing)?\b": "repair, fix",
    r"\btak(?:e|es|en|ing) (?:\w+ )?back\b|\btook (?:\w+ )?back\b": "undo",
    r"\b(?:brings?|brought|bringing) (?:\w+ )?back\b": "undo, restore",
    r"\bcop(?:y|ied|ies) (?:\w+ )?away\b": "copy to a safe place",
    r"\bno index reaches\b|\breached by no index\b": "unindexed",
    r"\btemporary files?\b": "temp file",
    r"\bjam(?:s|med)?\b": "backlog",
    r"\bnext boot\b": "next start",
    r"\bmy word\b": "assert that the gateway is stopped",
    r"\bspan of time\b": "duration",
    r"\bsays? running\b": "is marked running",
    r"\bwithout a word\b": "silently",
    r"\bedit(?:ed)? by hand\b|\bhand edit\b": "manual edit",
    r"\bstands? more than once\b": "appears twice",
    r"\bout of sight\b": "aside, parked",
    r"\bhalf-?way\b": "unfinished",
}

SHOWN = {
    **EVERYWHERE,
    r"\bsa(?:ys?|id|ying)\b": "is, shows, reports, names",
    r"\blook(?:s|ed|ing)?\b(?! for\b| (?:keys |plugins )?up\b)": "scan, check, examine",
    r"\b(?:stands?|stood|standing)\b": "is, is in, comes",
    r"\b(?:meets?|met)\b": "matches",
    r"(?<![-.])\btorn\b(?!-)": "cut, damaged",
    r"\bwhole\b(?! (?:file|store|history|directory|old|archive|number|vault|state|document|session\]))": "complete",
    r"(?<!-)\bbesides?\b(?!-)": "next to",
    r"\bt(?:ake|akes|aken|ook) (?:\w+ )?up\b(?! (?:much|more) (?:space|room))": "resumes",
    r"\bmakes? of (?:it|them|this)\b": "does with it",
    r"\b(?-i:Mind)\b": "Warning",
    r"\bdie[sd]\b|\bdying\b": "exits, is killed",
    r"(?<!-)\b(?:dead|alive)\b": "not running, running",
    r"(?<!-)\bphantom\b(?!-)": "stuck job row",
    r"(?<!\()\bbase rows?\b": "job row",
    r"(?<!here )\b(?:is|are|was) no (?!longer\b|more\b|such\b)": "is not a",
    r", for (?:nothing|it|they|then|no|there|its|that|we|one)\b": "because",
    r"\banew\b": "again, a new one",
    r"\bfor ever\b": "forever",
    r"\ball the same\b": "anyway, still",
    r"\bpeople's words\b|\bconversations? of people\b|\bof people\b": "conversations",
    r"\bjudge[sd]?\b": "check, compare",
    r"\b(?:speaks?|spoken|spoke)\b": "reports",
    r"refuses? to start because of it\b": "refuses to start with WHAT",
    r"\btold\b|(?<!annot )(?<!can )\btells?\b(?! (?:main|the|each|restart) )": "shows, names; cannot tell",
    r"\bstart over\b": "start because of, start with",
    r"\bread here\b": "read",
    r"\bmay not be (?:read|written)\b": "no permission to read",
    r"\bleft alone\b|\bleaves? (?:\w+ )?alone\b": "not repaired, not changed",
    r"\bby a hand\b": "manual",
    r"\bpoisoned\b": "harmful",
    r"\b(?:reads?|read) as (?:EMPTY|empty)\b": "loads as EMPTY",
    r"\bsessions? says?\b": "is marked",
}

EXCUSED = {
    "gatewaydoctor/integrate/cron.py": r"said",  # a variable of a shell line
    "gatewaydoctor/fixtures/building/prose.py": r"somebody",  # what a made-up person writes; recipes are pinned
    "gatewaydoctor/fixtures/distil/draft.py": r"stand",  # filler of the same length as before
    "gatewaydoctor/cli/shell/writing.py": r"nobody",  # a user of the system
}


class Text(NamedTuple):
    path: Path
    line: int
    text: str


def strings(path: Path) -> Iterator[Text]:
    """String literals with more than one word, f-strings as one text, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            parts |= {id(part) for part in node.values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield Text(path, node.lineno, text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield Text(path, node.lineno, node.value)


def documented(path: Path) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node, node.value.value


def helps(path: Path) -> Iterator[Text]:
    """Docstrings of the functions of verbs are their help: `runs_show` in runs.py."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.split("_")[0] == path.stem:
            yield Text(path, node.lineno, ast.get_docstring(node) or "")


def comments(path: Path) -> Iterator[Text]:
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield Text(path, token.start[0], token.string)
    for node, text in documented(path):
        yield Text(path, getattr(node, "lineno", 0), text)


def lines(path: Path) -> Iterator[Text]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield Text(path, number, line)


def descriptions(path: Path) -> Iterator[Text]:
    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (str(value[key]) for key in ("title", "description") if isinstance(value.get(key), str))
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    for text in walk(json.loads(path.read_text(encoding="utf-8"))):
        yield Text(path, 0, text)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def shown() -> Iterator[Text]:
    """Everything that a person reads without reading the code."""
    for path in modules():
        yield from (each for each in strings(path) if " " in each.text.strip())
    for path in (PACKAGE / "cli/verbs").glob("*.py"):
        yield from helps(path)
    for path in sorted(PACKAGE.rglob("*.j2")):
        yield from (each._replace(text=re.sub(r"{[{%].*?[%}]}", "{}", each.text)) for each in lines(path))
    for path in sorted(PACKAGE.rglob("*.schema.json")):
        yield from descriptions(path)
    yield from offered()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        yield from lines(path)


def offered() -> Iterator[Text]:
    """Help of verbs, arguments and options, and of the words that completions offer."""
    for leaf in described().leaves:
        helps = [leaf.summary, leaf.text]
        for place in (*leaf.arguments, *leaf.options):
            helps += [place.help, *(word.help for word in (place.values.words if place.values else ()))]
        yield from (Text(ROOT / "completions", 0, text) for text in helps)


def hits(texts: Iterator[Text], words: dict[str, str]) -> list[str]:
    found = []
    for each in texts:
        place = each.path.relative_to(ROOT).as_posix()
        prose = re.sub(r"`[^`\n]*`", "``", each.text)
        for pattern, instead in words.items():
            match = re.search(pattern, prose, re.IGNORECASE)
            if match and not re.fullmatch(EXCUSED.get(place, "(?!)"), match[0]):
                near = " ".join(prose[max(0, match.start() - 50) : match.end() + 40].split())
                found.append(f"{place}:{each.line}: {match[0]!r}, say {instead!r}: {near}")
    return found


def test_what_is_shown_keeps_to_one_word_per_thing() -> None:
    found = hits(shown(), SHOWN)
    assert not found, f"{len(found)}:\n" + "\n".join(found)


def test_comments_and_docstrings_keep_to_the_words() -> None:
    found = hits((each for path in modules() for each in comments(path)), EVERYWHERE)
    assert not found, f"{len(found)}:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("nobody can be asked here", True),
        ("rows that say running", True),
        ("Unknown rule. Did you mean trim?", False),
        ("the file is no regular file", True),
        ("there is no such file", False),
        ("it is no longer there", False),
        ("gatewaydoctor cannot tell whether it runs", False),
        ("look for a backup first", False),
        ("transcript-torn-tail", False),
    ],
)
def test_the_table_catches_what_it_should(text: str, *, caught: bool) -> None:
    assert bool(hits(iter([Text(ROOT / "README.md", 1, text)]), SHOWN)) is caught


def test_commands_in_sentences_are_in_backticks() -> None:
    """Only those are completed with the directory that was examined before they are shown (report/invocation)."""
    verbs = "|".join(leaf.path[0] for leaf in described().leaves)
    command = re.compile(rf"(?<![`\w/])gatewaydoctor (?:{verbs})\b")
    parts = ("checks", "examine", "model", "repair", "simulate", "storage", "system")
    texts = [each for part in parts for path in (PACKAGE / part).rglob("*.py") for each in strings(path)]
    bare = [f"{each.path.relative_to(ROOT)}:{each.line}: {each.text}" for each in texts if command.search(each.text)]
    assert not bare
    assert len(texts) > 1000
