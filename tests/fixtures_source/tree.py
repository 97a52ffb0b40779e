"""All fixtures as one tree of files, with the page that lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures_source import cron, damage, eras, healthy, incidents, others, sessions, store, transcripts
from tests.fixtures_source.scene import FIXTURES, Scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatewaydoctor.fixtures.expectation import Expectation

_ORDER = [each.__name__ for each in (healthy, store, sessions, transcripts, cron, others, damage, eras, incidents)]
"""Importing them fills FIXTURES; the page lists them in this order."""

ATTRIBUTES = b"""\
# Fixtures are bytes: no line end, character or conflict marker may change in them.
*/state/** -text -diff -merge
"""

IGNORES = b"""\
# Names that are rubbish elsewhere belong to the state directories here.
!*
"""

_INTRODUCTION = """\
# Fixtures

Each directory is a small OpenClaw state directory (`state/`) with what has to be found in it (`expected.json`).
`gatewaydoctor fixtures validate` compares them all; it takes any other directory of fixtures, too.
`gatewaydoctor fixtures new NAME --from STATE_DIR --redact` makes one of a real directory.

They are written by `python -m tests.fixtures_source`, this page included. Do not edit them by hand.

`expected.json` also describes the machine around a fixture, since Git keeps no times, modes, owners or hard links:
`mtimes`, `modes`, `owners`, `links`, `unreadable`, `space`, `processes`, `port` and others. `stretch` lets a small
file stand for a large one. Every key is explained in the JSON Schema, gatewaydoctor/fixtures/expected.schema.json.

| fixture | what it shows | findings |
|---|---|---|
"""


def scenes() -> Iterable[Scene]:
    for name, (about, build) in sorted(FIXTURES.items(), key=lambda item: _ORDER.index(item[1][1].__module__)):
        scene = Scene(name, about)
        build(scene)
        yield scene


def tree() -> Mapping[str, bytes]:
    """Every file below fixtures/ by its path."""
    files = {".gitattributes": ATTRIBUTES, ".gitignore": IGNORES}
    page = _INTRODUCTION
    for scene in scenes():
        files |= {f"{scene.name}/{path}": data for path, data in scene.finish().items()}
        page += f"| `{scene.name}` | {scene.about} | {findings_words(scene.expectation())} |\n"
    return files | {"README.md": page.encode()}


def findings_words(expectation: Expectation) -> str:
    found = (f"{each.rule} ({each.severity})" for each in expectation.findings)
    return ", ".join(dict.fromkeys(found)) or "none"
