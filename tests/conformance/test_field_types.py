"""The table of field types against the real releases: one row for each field and value, their own programs run over
it. Rows that make a release throw are tried alone."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.examine.sessions.rowfaults import RowFaultCollector
from gatewaydoctor.model.gateway.fieldtypes import Fate
from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.place.locate import locate
from gatewaydoctor.storage.files.sessions import read_sessions_file
from gatewaydoctor.system.fs import OsReadFs
from tests.conformance import install
from tests.conformance.pieces import FILES
from tests.conformance.record import told, told_all
from tests.world import DAY, HOUR, StateDir

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.examine.sessions.rowfaults import RowFault

pytestmark = pytest.mark.conformance

TYPES = [
    "null",
    "true",
    "false",
    "5",
    "-1",
    "0",
    "1.5",
    "1e400",
    "9007199254740993",
    '""',
    '"text"',
    '"  "',
    "[]",
    "{}",
]
TYPES += ["[{}]", "[null]", '["text"]', '{"a": null}']
FIELDS = {
    "sessionId": [
        '"../x"',
        '"a/b"',
        '".hidden"',
        '"a b"',
        '"a:b"',
        '"a@b"',
        '"s\\u00e9"',
        f'"{"a" * 256}"',
        '"a\\u0000b"',
    ],
    "updatedAt": [
        '"{old}"',
        '"{recent}"',
        "{old}",
        "-{old}",
        "{seconds}",
        '"2026-11-29T10:00:00.000Z"',
        "[5]",
        '"0x10"',
    ],
    "sessionFile": ['"x.jsonl"', '"/etc/passwd"'],
    "compactionCheckpoints": [
        '[{"preCompaction": {}}]',
        '[{"preCompaction": null}]',
        '[{"preCompaction": {"sessionFile": 5}}]',
    ],
    "modelOverride": [],
    "providerOverride": [],
    "lastAccountId": [],
    "model": [],
    "modelProvider": [],
    "spawnedBy": [],
    "channel": [],
    "deliveryContext": ['{"channel": "telegram", "to": "1", "accountId": []}'],
}
COMMANDS = {
    Fate.LOAD_FAILS: ("sessions", "cleanup", "--enforce", "--json"),
    Fate.SAVE_FAILS: ("sessions", "cleanup", "--enforce", "--json"),
    Fate.CLEANUP_FAILS: ("sessions", "cleanup", "--enforce", "--json"),
}
FAILING = (Fate.LOAD_FAILS, Fate.SAVE_FAILS, Fate.LIST_FAILS, Fate.CLEANUP_FAILS)
BY_THE_GATEWAY_ALONE = ("sessionFile", "spawnedBy", "channel", "entry")
"""Fields over which the running gateway fails to list sessions, and its command does not."""


@pytest.fixture(params=FILES)
def release(request: pytest.FixtureRequest) -> str:
    if install.command(install.cache_dir(), request.param) is None:
        pytest.skip(f"openclaw {request.param} is not installed: python tests/conformance/install.py")
    return str(request.param)


class Lab:
    """One state directory under one release, on the real clock."""

    def __init__(self, tmp_path: Path, release: str) -> None:
        self.release = release
        self.now = int(time.time() * 1000)
        self.state = StateDir(tmp_path, release)
        self.state.config({"session": {"maintenance": {"mode": "enforce", "maxEntries": 100_000}}})
        self.store = self.state.root / "agents/main/sessions/sessions.json"

    def rows(self) -> dict[str, str]:
        """Key -> the row's JSON text."""
        times = {"old": self.now - 60 * DAY, "recent": self.now - HOUR, "seconds": (self.now - HOUR) // 1000}
        found: dict[str, str] = {}
        for field, more in FIELDS.items():
            for value in (*TYPES, *more):
                for name, at in times.items():
                    value = value.replace(f"{{{name}}}", str(at))
                number = len(found)
                own = {"sessionId": f'"00000000-0000-4000-8000-{number:012d}"', "updatedAt": str(times["recent"])}
                fields = own | {field: value}
                body = ", ".join(f'"{name}": {text}' for name, text in fields.items())
                found[f"agent:main:telegram:direct:{field}-{number}"] = f"{{{body}}}"
        return found

    def lay(self, rows: dict[str, str]) -> None:
        text = ",\n  ".join(f"{json.dumps(key)}: {row}" for key, row in rows.items())
        self.state.store(f"{{\n  {text}\n}}".encode())
        # A cleanup looks into checkpoints only where there is a transcript to judge.
        self.state.transcript(1)

    def told(self) -> tuple[RowFault, ...]:
        fs = OsReadFs()
        place = locate(fs, {"HOME": str(self.state.root.parent)}, state_dir=str(self.state.root))
        config = load_config(fs, place, {})
        collector = RowFaultCollector(config.release, config.maintenance, self.now)
        with fs.open(self.store) as stream:
            for _, entry in read_sessions_file(stream, self.store.stat().st_size, "main").rows():
                collector.take(entry)
        return collector.result()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = install.command(install.cache_dir(), self.release)
        assert command is not None
        home = self.state.root.parent
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "NO_COLOR": "1"}
        env["OPENCLAW_STATE_DIR"] = str(self.state.root)
        return subprocess.run(
            [*command, *arguments], env=env, capture_output=True, text=True, timeout=180, check=False, cwd=home
        )


def keys(faults: Iterable[RowFault], *fates: Fate) -> set[str]:
    return {key for fault in faults if fault.fate in fates for key in fault.keys}


def test_a_cleanup_removes_exactly_the_rows_that_are_told(tmp_path: Path, release: str) -> None:
    lab = Lab(tmp_path, release)
    rows = lab.rows()
    lab.lay(rows)
    expected = lab.told()
    failing = keys(expected, *FAILING)
    sound = {key: row for key, row in rows.items() if key not in failing}
    lab.lay(sound)
    done = lab.run("sessions", "cleanup", "--enforce", "--json")
    assert done.returncode == 0, done.stderr[-500:]
    left: dict[str, Any] = json.loads(lab.store.read_bytes())
    goes = keys(expected, Fate.DROPPED, Fate.PRUNED)
    assert told_all(
        (release, "field_types", _case(key, row), _GONE[key in goes], _GONE[key not in left], "")
        for key, row in sound.items()
    )


_GONE = {True: "removed", False: "kept"}
_FAILS = {True: "fails", False: "works"}


def _case(key: str, row: str) -> str:
    """The field and its value, as JSON."""
    field = key.rpartition(":")[2].partition("-")[0]
    value = json.dumps(json.loads(row).get(field))
    return f"cleanup, {field}: {value[:40]}"


def test_rows_that_fail_fail_and_the_others_do_not(tmp_path: Path, release: str) -> None:
    lab = Lab(tmp_path, release)
    rows = lab.rows()
    lab.lay(rows)
    expected = lab.told()
    agreed = []
    for fault in expected:
        command = COMMANDS.get(fault.fate)
        if command is None and fault.fate is Fate.LIST_FAILS and fault.field not in BY_THE_GATEWAY_ALONE:
            command = ("sessions", "--json")
        if command is not None:
            lab.lay({fault.keys[0]: rows[fault.keys[0]]})
            # A sessionId is only asked for its file where rows without one shall go.
            more = ("--fix-missing",) if fault.field == "sessionId" and fault.fate is not Fate.LIST_FAILS else ()
            code = lab.run(*command, *more).returncode
            case = f"{' '.join((*command, *more))}, {fault.field}: {', '.join(sorted(fault.shapes))}"
            agreed.append(told(release, "field_types", case, _FAILS[True], _FAILS[code != 0]))
    failing = keys(expected, *FAILING)
    lab.lay({key: row for key, row in rows.items() if key not in failing})
    for command in (("sessions", "--json"), COMMANDS[Fate.SAVE_FAILS], (*COMMANDS[Fate.SAVE_FAILS], "--fix-missing")):
        code = lab.run(*command).returncode
        agreed.append(
            told(release, "field_types", f"{' '.join(command)}, all others", _FAILS[False], _FAILS[code != 0])
        )
    assert all(agreed)
