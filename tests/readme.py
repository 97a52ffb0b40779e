"""README.md and the pages of docs/ compared with the program: `python -m tests.readme` checks them,
`python -m tests.readme --write` brings them up to date.

Blocks fenced as `console` are sessions: each `$ command` is run, in order and in one scratch directory a page, which
has a link `fixtures`. What follows it must be what it prints. `# …` lines before the first command are comments. A
block between `<!-- table: NAME -->` and `<!-- /table -->` is generated from the program.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.cli.parser.verb_table import GROUPS, VERBS
from gatewaydoctor.model.errors import EXIT_MEANINGS
from gatewaydoctor.report import schema
from gatewaydoctor.report.glossary import GLOSSARY

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGES = tuple(
    ROOT / name
    for name in (
        "README.md",
        "docs/ci.md",
        "docs/commands.md",
        "docs/comparison.md",
        "docs/formats.md",
        "docs/json.md",
        "docs/limits.md",
        "docs/rules.md",
    )
)
COLUMNS = "80"
HEAP_MIB = 2_193
"""The heap of incident 61633, 2.3 GB, whatever this machine has."""
_CONSOLE = re.compile(r"(^```console\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- /table -->)", re.DOTALL)

# What differs from machine to machine and from run to run, and what stands for it in a comparison.
_VARYING = (
    (re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{8}\b"), "RUN"),
    (re.compile(r"\bPlan [0-9a-f]{16}\b"), "PLAN"),
    (re.compile(r"[\d.]+ [kMGT]?B of [\d.]+ [kMGT]?B free"), "FREE"),
    (re.compile(r"^gateway .*?(?=^release )", re.MULTILINE | re.DOTALL), "GATEWAY\n"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s) ago\b"), "AGO"),
    (re.compile(r"\bDone in [\d.]+ (ms|s|min)"), "DONE"),
    # How far the machine's own clock is away from that of the example.
    (re.compile(r",\s+\d+\s+d(\s+\d+\s+h)?\s+(before|after)\s+this\s+machine's\s+clock"), ", DISTANCE"),
    (re.compile(r"\s+"), " "),
)


def comparable(text: str) -> str:
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text.strip()


def tables() -> dict[str, str]:
    """The generated tables by name, as Markdown."""
    verbs = ["| verb | what it does |", "|---|---|"]
    for verb, line in VERBS.items():
        subs = GROUPS.get(verb)
        name = f"`{verb}`" if not subs else f"`{verb}` {' '.join(f'`{sub}`' for sub in subs)}"
        verbs.append(f"| {name} | {line} |")
    codes = [
        "| code | meaning |",
        "|---|---|",
        *(f"| {int(code)} | {meaning} |" for code, meaning in EXIT_MEANINGS.items()),
    ]
    rules = ["| rule | severity | what | repair |", "|---|---|---|---|"]
    for rule in all_rules():
        repair = f"`{rule.repair}`" if rule.repair else ""
        rules.append(f"| `{rule.id}` | {rule.severity.word} | {rule.title} | {repair} |")
    words = [
        "| word | meaning |",
        "|---|---|",
        *(f"| {', '.join(each.words)} | {each.meaning} |" for each in GLOSSARY),
    ]
    made = {"verbs": verbs, "exits": codes, "rules": rules, "json": [*_json("report")], "glossary": words}
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


def _json(name: str) -> Iterator[str]:
    """Every field of a document, a table for each kind of object in it."""
    for kind, definition in schema.schema(name)["$defs"].items():
        yield f"\n### {kind}\n"
        yield "| field | type | what |"
        yield "|---|---|---|"
        for field, told in definition.get("properties", {}).items():
            yield f"| `{field}` | {_type(told)} | {told.get('description', '')} |"


def _type(told: dict[str, Any]) -> str:
    """The type of a field in a few words: `string or null`, `list of FindingInfo`, `"yes", "no"`."""
    if "$ref" in told:
        kind = told["$ref"].rpartition("/")[2]
        return f"[{kind}](#{kind.lower()})"
    if "anyOf" in told:
        return " or ".join(_type(each) for each in told["anyOf"])
    if "enum" in told:
        return ", ".join("null" if each is None else f"`{each}`" for each in told["enum"])
    match told.get("type"):
        case "array":
            return f"list of {_type(told['items'])}" if isinstance(told.get("items"), dict) else "list"
        case "object":
            inner = told.get("additionalProperties")
            return f"object of {_type(inner)}" if isinstance(inner, dict) and inner else "object"
        case str() as plain:
            return plain
    return "any"


def with_tables(text: str) -> str:
    generated = tables()
    return _TABLE.sub(lambda block: f"{block[1]}{generated[block[2]]}{block[4]}", text)


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """Every command of the console blocks with the output printed below it."""
    for block in _CONSOLE.finditer(text):
        command, output = None, []
        for line in block[2].splitlines():
            if line.startswith("$ "):
                if command is not None:
                    yield command, "\n".join(output)
                command, output = line[2:], []
            elif not (command is None and line.startswith("#")):
                output.append(line)
        if command is not None:
            yield command, "\n".join(output)


class Scratch:
    """Runs the commands of a page, one after the other, in one directory; what one exports the next ones have."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "fixtures").symlink_to(ROOT / "fixtures")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("OPENCLAW", "GATEWAYDOCTOR"))
        }
        self.environment = {
            **clean,
            "PATH": path,
            "COLUMNS": COLUMNS,
            "NO_COLOR": "1",
            "HOME": str(directory),
            "NODE_OPTIONS": f"--max-old-space-size={HEAP_MIB}",
        }

    def run(self, command: str) -> str:
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.environment[name] = value
            return ""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return done.stdout.replace(str(self.directory), "/srv").rstrip("\n")


def short_directory() -> tempfile.TemporaryDirectory[str]:
    """A scratch directory whose path is too short to be wrapped in the output."""
    return tempfile.TemporaryDirectory(dir="/tmp")


def rewritten(text: str) -> str:
    """A page with every output and table as the program gives them now."""
    with short_directory() as folder:
        scratch = Scratch(Path(folder))

        def fill(block: re.Match[str]) -> str:
            lines: list[str] = []
            for line in block[2].splitlines():
                if line.startswith("$ "):
                    lines += [line, *scratch.run(line[2:]).splitlines()]
                elif line.startswith("#") and not lines:
                    lines.append(line)
            return block[1] + "\n".join(lines) + "\n" + block[3]

        return with_tables(_CONSOLE.sub(fill, text))


def main(write: bool) -> None:
    stale = []
    for page in PAGES:
        current = page.read_text()
        fresh = rewritten(current)
        if write:
            page.write_text(fresh)
        elif comparable(fresh) != comparable(current):
            stale.append(str(page.relative_to(ROOT)))
    if stale:
        sys.exit(f"{', '.join(stale)}: not what the program prints; bring up to date with: make readme")


if __name__ == "__main__":
    main("--write" in sys.argv)
