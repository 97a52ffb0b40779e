"""All fixtures as one tree of files, with the page that lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures_source import cron, damage, eras, health, healthy, incidents, others, sessions, store, transcripts
from tests.fixtures_source.scene import FIXTURES, Scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatewaydoctor.fixtures.validating.expectation import Expectation

_ORDER = [
    each.__name__ for each in (healthy, store, sessions, transcripts, cron, others, damage, eras, health, incidents)
]
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

They are written by `python -m tests.fixtures_source`, this page included. Do not edit them by hand. Their databases,
and those of `fixtures make`, have the tables that matter here, in statements of this project: a real gateway refuses
them as incomplete.

## expected.json

What has to be found: `findings` are all there may be, each with its rule, and where given its `severity`, `count`
and `agentId`. `distribution` (rows by status and kind of each agent), `agents` (era, how the store reads, its first
fault) and `gateway` are compared where they are given. `fixtures validate --update` rewrites these four.

What the machine is like: Git keeps no times, modes, owners or hard links, and no two machines are alike. So a fixture
is looked at as these keys say. Paths are below `state/`; they may be patterns with `*`, `?` and `[`.

| key | what it says | without it |
|---|---|---|
| `now` | the clock: ISO time or epoch ms | must be there |
| `stateDir` | where the gateway had this directory: absolute paths below it count as being inside | as it lies here |
| `mtimes` | path -> time of its last change | a day before `now` |
| `modes` | path -> octal mode | `0600`, directories `0700` |
| `owners` | path -> uid | 1000 |
| `links` | path -> number of hard links | 1 |
| `unreadable` | paths that may not be opened or listed | none |
| `stretch` | path -> `text` that is seen `times` over: a large file in a few KB | no file is stretched |
| `space` | `total`, `available` and `inodes` of the volume | half of 100 GB is free |
| `fileSystem` | its type, such as `nfs4` | `ext4` |
| `boot` | when the machine was booted | 30 days before `now` |
| `processes` | what runs: `pid`, `argv`, `startTime`, `uid`, `env` | nothing |
| `port` | whether something answers at the gateway's port: `closed`, `open`, `unknown` | `closed` |
| `env` | the environment that the config may name | empty |

A file called `.gitkeep` is not seen, so that an empty directory can be kept. The JSON Schema of the file is
gatewaydoctor/fixtures/validating/expected.schema.json.

## What is here

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
