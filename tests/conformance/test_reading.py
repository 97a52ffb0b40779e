"""What reads and what reads as empty: our verdict against `openclaw sessions --json` on every damage.

All damages go into one directory, one agent each, so that a release has to be started only once.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.fieldtypes import Fate, fate_of
from gatewaydoctor.model.gateway.store import UNREADABLE_FROM_BYTES, Readable
from gatewaydoctor.state.place.release import policy_of
from gatewaydoctor.storage.files.sessions import read_sessions_file
from gatewaydoctor.system.fs import OsReadFs

from .install import cache_dir, command
from .pieces import FILES
from .record import told, told_all

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.conformance

SOUND = json.dumps(
    {f"agent:main:direct:{n}": {"sessionId": f"s-{n}", "updatedAt": 1775120400000 + n} for n in range(8)}, indent=2
).encode()
ENTRY = b'{"sessionId":"x","updatedAt":1775120400000}'

DAMAGES: dict[str, bytes] = {
    "sound": SOUND,
    "compact": json.dumps(json.loads(SOUND), separators=(",", ":")).encode(),
    "four-spaces": json.dumps(json.loads(SOUND), indent=4).encode(),
    "cut-first-byte": SOUND[:1],
    "cut-in-key": SOUND[:9],
    "cut-in-value": SOUND[: len(SOUND) // 2],
    "cut-last-brace": SOUND[:-1],
    "bom": b"\xef\xbb\xbf" + SOUND,
    "nul-tail": SOUND + bytes(64),
    "nul-head": bytes(64) + SOUND,
    "nul-middle": SOUND[:100] + bytes(20) + SOUND[120:],
    "binary": bytes(range(256)) * 4,
    "array": b"[" + ENTRY + b"]",
    "string": b'"text"',
    "number": b"12",
    "null": b"null",
    "empty": b"",
    "white": b" \n\t ",
    "two-documents": SOUND + b"\n" + SOUND,
    "trailing-comma": SOUND[:-2] + b",\n}",
    "trailing-white": SOUND + b"\n \t\r\n",
    "nan": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":NaN}}',
    "infinity": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":-Infinity}}',
    "raw-newline": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"label":"a\nb"}}',
    "raw-tab": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"label":"a\tb"}}',
    "form-feed": b'{"agent:main:direct:1":\x0c{"sessionId":"x","updatedAt":1}}',
    "delete-character": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"label":"a\x7fb"}}',
    "bad-escape": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"label":"\\x41"}}',
    "invalid-utf8": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"label":"\xc3("}}',
    "invalid-utf8-key": b'{"agent:main:direct:\xff":' + ENTRY + b"}",
    "lone-surrogate": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"label":"\\ud800"}}',
    "lone-surrogate-key": b'{"agent:main:direct:\\udc00":' + ENTRY + b"}",
    "big-integer": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"n":123456789012345678901234567890}}',
    "integer-of-5000": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"n":' + b"7" * 5000 + b"}}",
    "huge-exponent": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"n":1e400}}',
    "leading-zero": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":01}}',
    "duplicate-keys": b'{"agent:main:direct:1":' + ENTRY + b',"agent:main:direct:1":' + ENTRY + b"}",
    "null-entry": b'{"agent:main:direct:1":null,"agent:main:direct:2":' + ENTRY + b"}",
    "number-entry": b'{"agent:main:direct:1":7,"agent:main:direct:2":' + ENTRY + b"}",
    "array-entry": b'{"agent:main:direct:1":[],"agent:main:direct:2":' + ENTRY + b"}",
    "key-of-1mb": b'{"agent:main:direct:' + b"k" * 1_000_000 + b'":' + ENTRY + b"}",
    "nested-2500": b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"n":' + b"[" * 2500 + b"]" * 2500 + b"}}",
}


def ours(path: Path, release: str) -> tuple[bool, int]:
    """Whether the gateway reads it, and how many different keys it then has, without rows that it drops at load."""
    policy = policy_of(release)
    assert policy is not None
    fs = OsReadFs()
    with fs.open(path) as stream:
        found = read_sessions_file(stream, fs.stat(path).size, "main")
        if found.reading.readable is not Readable.YES:
            return False, 0
        rows = [entry for _, entry in found.rows()]
    dropped = {row.key for row in rows if any(fate_of(policy, odd) is Fate.DROPPED for odd in row.odd)}
    return True, len(set(found.table.all_keys()) - dropped)


def sessions(number: int) -> str:
    return f"{number} sessions"


def theirs(cli: list[str], state: Path, home: Path) -> dict[str, int]:
    """Sessions counted per agent by the release."""
    environment = {**os.environ, "HOME": str(home), "OPENCLAW_STATE_DIR": str(state)}
    arguments = ["sessions", "--json", "--all-agents"]
    done = subprocess.run([*cli, *arguments], env=environment, capture_output=True, check=False, timeout=300)
    text = done.stdout.decode()
    # Log lines may stand before and behind the document.
    document, _ = json.JSONDecoder().raw_decode(text, text.index("{\n"))
    counts: dict[str, int] = {}
    for session in document["sessions"]:
        counts[session["agentId"]] = counts.get(session["agentId"], 0) + 1
    return counts


@pytest.mark.parametrize("release", [*FILES, "2026.7.1"])
def test_the_release_agrees_on_what_is_readable(tmp_path: Path, release: str) -> None:
    cli = command(cache_dir(), release)
    if cli is None:
        pytest.skip(f"openclaw {release} is not installed: python tests/conformance/install.py")
    state = tmp_path / "state"
    expected = {}
    for name, data in DAMAGES.items():
        path = state / "agents" / name / "sessions" / "sessions.json"
        path.parent.mkdir(parents=True)
        # The release tells the agent of a session by its key alone.
        path.write_bytes(data.replace(b"agent:main:", f"agent:{name}:".encode()))
        expected[name] = ours(path, release)[1]
    listed = [{"id": name} for name in DAMAGES]
    (state / "openclaw.json").write_text(json.dumps({"agents": {"list": listed}}))
    counted = theirs(cli, state, tmp_path)
    assert told_all(
        (release, "reading", name, sessions(expected[name]), sessions(counted.get(name, 0)), "") for name in DAMAGES
    )


@pytest.mark.parametrize("letter", ["x", "é"])
@pytest.mark.parametrize(("over", "reads"), [(-1, True), (0, False)])
@pytest.mark.parametrize("release", ["2026.3.28"])
def test_the_release_agrees_on_the_largest_store(
    tmp_path: Path, release: str, letter: str, over: int, reads: bool
) -> None:
    cli = command(cache_dir(), release)
    if cli is None:
        pytest.skip(f"openclaw {release} is not installed: python tests/conformance/install.py")
    state = tmp_path / "state"
    path = state / "agents" / "main" / "sessions" / "sessions.json"
    path.parent.mkdir(parents=True)
    head, tail = b'{"agent:main:direct:1":{"sessionId":"x","updatedAt":1,"label":"', b'"}}'
    text = letter.encode() * (1 << 19)
    left = UNREADABLE_FROM_BYTES + over - len(head) - len(tail)
    with path.open("wb") as out:
        out.write(head)
        while left > len(text):
            out.write(text)
            left -= len(text)
        out.write(text[:left] + tail)
    (state / "openclaw.json").write_text("{}")
    assert ours(path, release) == (reads, int(reads))
    case = f"{UNREADABLE_FROM_BYTES + over:,} bytes of {letter!r}"
    counted = theirs(cli, state, tmp_path).get("main", 0)
    assert told(release, "reading", case, sessions(int(reads)), sessions(counted))
