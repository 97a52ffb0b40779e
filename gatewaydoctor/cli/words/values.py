"""What each place on the command line takes: the words it knows, paths, or what a state directory tells."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.cli.gate.settings import FAIL_WORDS, THRESHOLD_NAMES
from gatewaydoctor.completion.shells import KEPT
from gatewaydoctor.completion.source import Source
from gatewaydoctor.completion.tree import PathKind, Values, Word
from gatewaydoctor.fixtures import RECIPES
from gatewaydoctor.model.gateway.entry import DISPOSABLE, DISPOSABLE_WHEN_NAMED, Kind, Status
from gatewaydoctor.repair.drafting.options import ENDINGS, REPAIRS
from gatewaydoctor.report.formats.formats import FORMATS
from gatewaydoctor.simulate import SCENARIOS
from gatewaydoctor.simulate.releases import RELEASES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Path = tuple[str, ...]

_USUAL_FORMATS = ("format", ("text", "json"))
_FORMATS: dict[Path, tuple[str, tuple[str, ...]]] = {
    ("scan",): ("report-format", tuple(FORMATS)),
    ("check",): ("report-format", tuple(FORMATS)),
    ("sessions",): ("stream-format", ("text", "json", "ndjson")),
    ("fixtures", "validate"): ("fixture-format", ("text", "json", "junit", "github")),
}


def values_of(path: Path, name: str, metavar: str) -> Values | None:
    """What an option or argument of a verb takes, by the name of its parameter and its metavar; None where only the
    operator knows."""
    metavar = metavar.strip("[].")
    if made := _BY_NAME.get(name):
        return made(path)
    if "|" in metavar:
        return _words(name, metavar.split("|"))
    return _by_metavar().get(metavar)


def _words(name: str, words: Iterable[str]) -> Values:
    return Values(name.replace("_", "-"), tuple(Word(word) for word in words))


def _formats(path: Path) -> Values:
    return _words(*_FORMATS.get(path, _USUAL_FORMATS))


def _remedies(path: Path) -> Values:
    remedies = SCENARIOS[path[-1]].remedies
    words = (*(Word(each.name, each.why) for each in remedies), Word("all", "All of them together."))
    return Values(f"remedy-{path[-1]}", words)


def _kinds(path: Path) -> Values:
    if path == ("repair",):
        return _words("disposable-kind", sorted(DISPOSABLE | DISPOSABLE_WHEN_NAMED))
    return _words("kind", Kind)


def _snapshot(_: Path) -> Values:
    return Values("snapshot", (Word("verify", "Hash a snapshot again."),), path=PathKind.DIRECTORY)


_BY_NAME: dict[str, Callable[[Path], Values]] = {
    "format": _formats,
    "form": lambda _: Values("form", source=Source.FORMS),
    "remedy": _remedies,
    "kind": _kinds,
    "dest": _snapshot,
    "status": lambda _: _words("status", Status),
    "end_as": lambda _: _words("ending", ENDINGS),
    "keep_per_job": lambda _: _words("keep-per-job", ("all",)),
    "profile": lambda _: Values("profile", source=Source.PROFILES),
    "resume": lambda _: Values("interrupted-run", source=Source.INTERRUPTED),
}
"""Where the metavar alone does not tell."""


@cache
def _by_metavar() -> dict[str, Values]:
    file, directory = Values("file", path=PathKind.FILE), Values("directory", path=PathKind.DIRECTORY)
    return {
        "DIR": directory,
        "STATE_DIR": directory,
        "FILE": file,
        "PATH": file,
        "RUN": Values("run", source=Source.RUNS),
        "JOB": Values("job", source=Source.JOBS),
        "ID": Values("agent", source=Source.AGENTS),
        "RULE": Values("rule", tuple(Word(rule.id, rule.title) for rule in all_rules())),
        "REPAIR": Values("repair", tuple(Word(repair, spec.purpose) for repair, spec in REPAIRS.items())),
        "RECIPE": Values("recipe", tuple(Word(each.name, each.summary) for each in RECIPES.values())),
        "SHELL": _words("shell", KEPT),
        "RELEASE": _words("release", RELEASES),
        "SEVERITY": _words("severity", FAIL_WORDS),
        "NAME=VALUE": _words("threshold", (f"{name}=" for name in THRESHOLD_NAMES)),
    }
