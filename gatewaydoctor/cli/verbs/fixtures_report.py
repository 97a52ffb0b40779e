"""What `fixtures validate` and `fixtures new` have to say: text, JSON, JUnit XML and GitHub annotations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from gatewaydoctor.fixtures.validating.expectation import EXPECTED
from gatewaydoctor.fixtures.validating.validate import Broken, Checked, Different, Same, Updated
from gatewaydoctor.model.words import plural, size
from gatewaydoctor.report.formats.github import PER_LEVEL, command, in_workspace
from gatewaydoctor.report.words import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gatewaydoctor.fixtures.distil.new import New
    from gatewaydoctor.report.invocation import Invocation


def word(checked: Checked) -> str:
    """`as expected`, `different`, `broken` or `updated`."""
    match checked.result:
        case Same():
            return "as expected"
        case Different():
            return "different"
        case Broken():
            return "broken"
        case Updated():
            return "updated"


def lines(checked: Checked) -> list[str]:
    """What is not as expected, a line each; none for a fixture that is."""
    match checked.result:
        case Same():
            return []
        case Different(found) | Updated(found):
            return [each.line for each in found]
        case Broken(problem):
            return [problem]


def summary(results: Sequence[Checked]) -> str:
    """`73 fixtures: 71 as expected, 1 different, 1 broken.`"""
    counts = Counter(map(word, results))
    sorts = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
    return f"{plural(len(results), 'fixture')}: {sorts}."


def text(results: Sequence[Checked], *, verbose: bool) -> str:
    """Every fixture that is not as expected with its differences, and the count; `verbose` names the others too."""
    return "".join(f"{harmless(line)}\n" for line in _text(results, verbose=verbose))


def _text(results: Sequence[Checked], *, verbose: bool) -> Iterator[str]:
    for each in results:
        if verbose or not isinstance(each.result, Same):
            yield f"{each.path}: {word(each)}"
            yield from (f"  {line}" for line in lines(each))
    yield summary(results)


def details(results: Sequence[Checked]) -> dict[str, Any]:
    """The part of `--json` that is its own: `result` is same, different, broken or updated."""
    return {
        "fixtures": [_detail(each) for each in results],
        "counts": dict(Counter(_result(each) for each in results)),
    }


def _result(checked: Checked) -> str:
    return type(checked.result).__name__.lower()


def _detail(checked: Checked) -> dict[str, Any]:
    found = checked.result.differences if isinstance(checked.result, Different | Updated) else ()
    return {
        "name": checked.name,
        "path": str(checked.path),
        "result": _result(checked),
        "differences": [
            {"sort": each.sort.value, "what": each.what, "expected": each.expected, "found": each.found}
            for each in found
        ],
        "problem": checked.result.problem if isinstance(checked.result, Broken) else None,
    }


def github(results: Sequence[Checked]) -> str:
    """An error for each fixture that fails, at its expected.json, and the count as a plain line."""
    return "".join(f"{line}\n" for line in _github(results))


def _github(results: Sequence[Checked]) -> Iterator[str]:
    failed = [each for each in results if isinstance(each.result, Different | Broken)]
    for each in failed[:PER_LEVEL]:
        title, expected = harmless(f"{each.name}: {word(each)}"), f"{each.path}/{EXPECTED}"
        told = "\n".join(map(harmless, (*lines(each), expected)))
        yield command("error", title, told, in_workspace(expected))
    for each in failed[PER_LEVEL:]:
        # GitHub drops further annotations silently; plain lines it keeps.
        yield harmless(f"{each.path}: {'; '.join(lines(each))}")
    yield summary(results)


def markdown(results: Sequence[Checked]) -> str:
    """For the summary of a job: the count, and what is not as expected."""
    from gatewaydoctor.report.formats.markdown import code, table

    failed = [each for each in results if isinstance(each.result, Different | Broken)]
    rows = [(code(each.name), word(each), "<br>".join(map(code, map(harmless, lines(each))))) for each in failed]
    shown = [table(("fixture", "result", "what"), rows)] if rows else []
    return "\n\n".join([f"### gatewaydoctor {summary(results)}", *shown]) + "\n"


def junit(results: Sequence[Checked]) -> str:
    """A test case per fixture: a difference is a failure, a broken fixture an error."""
    different = sum(isinstance(each.result, Different) for each in results)
    broken = sum(isinstance(each.result, Broken) for each in results)
    counts = {"tests": str(len(results)), "failures": str(different), "errors": str(broken), "skipped": "0"}
    suites = ET.Element("testsuites", {"name": "gatewaydoctor", **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": "gatewaydoctor.fixtures", **counts})
    for each in results:
        case = ET.SubElement(suite, "testcase", classname="gatewaydoctor.fixtures", name=harmless(each.name))
        told = [harmless(line) for line in lines(each)]
        if isinstance(each.result, Different):
            message = plural(len(told), "difference")
            ET.SubElement(case, "failure", message=message, type="different").text = "\n".join(told)
        elif isinstance(each.result, Broken):
            ET.SubElement(case, "error", message=told[0], type="broken").text = harmless(str(each.path))
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def made_details(made: New) -> dict[str, Any]:
    """The part of `--json` that is `fixtures new`'s own. `source` and `fixture` count the things a finding covers."""
    return {
        "fixture": str(made.path),
        "files": made.files,
        "bytes": made.bytes,
        "perSort": made.most,
        "same": made.same,
        "findings": [
            {
                "rule": each.rule,
                "severity": each.severity,
                "agentId": each.agent_id,
                "source": each.source,
                "fixture": each.fixture,
            }
            for each in made.findings
        ],
    }


def show_made(console: Console, made: New, invocation: Invocation) -> None:
    """The findings of the directory and of the fixture side by side, and whether they are the same."""
    from rich.text import Text

    from gatewaydoctor.report.screens.blocks.parts import grid, print_command

    console.print(f"{made.path}: {plural(made.files, 'file')}, {size(made.bytes)}.")
    if made.findings:
        table = grid("finding", "severity", "agent", "directory", "fixture", left=3)
        for each in made.findings:
            table.add_row(each.rule, each.severity, each.agent_id or "", f"{each.source:,}", f"{each.fixture:,}")
        console.print(table)
    lost = sum(each.lost for each in made.findings)
    added = sum(each.added for each in made.findings)
    if made.same:
        console.print("It shows every finding of the directory, and no other.")
    if lost:
        console.print(f"{plural(lost, 'finding')} of the directory could not be kept.")
    if added:
        console.print(f"{plural(added, 'finding is', 'findings are')} only in the fixture.")
    console.print("Review it before you share it. To compare it at any time:")
    print_command(console, Text(), invocation.command("fixtures", "validate", str(made.path)), 4)
