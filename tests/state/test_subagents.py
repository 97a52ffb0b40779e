from __future__ import annotations

import io
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.subagents import RegistryRead, SubagentRegistry, SubagentRun, SubagentState
from gatewaydoctor.state.registry.subagents import read_subagents
from gatewaydoctor.storage.jsontext.gateway_json import Cleaned
from gatewaydoctor.system.fs import OsReadFs

if TYPE_CHECKING:
    from pathlib import Path

AT = 1_774_001_472_345


def run(run_id: str, **more: object) -> dict[str, object]:
    return {
        "runId": run_id,
        "childSessionKey": f"agent:main:subagent:{run_id}",
        "requesterSessionKey": "agent:main:main",
        "cleanup": "delete",
        "spawnMode": "run",
        "createdAt": AT,
        "endedAt": AT + 5,
        "archiveAtMs": AT + 3_600_000,
    } | more


def read(
    tmp_path: Path, document: object, known: set[str] | None = None, listed: int | None = 1000
) -> SubagentRegistry:
    path = tmp_path / "runs.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document, indent=2).encode())
    return read_subagents(OsReadFs(), path, lambda key: known is None or key in known, listed)


RUNS = {
    "a": run("a"),
    "b": run("b", spawnMode="session", archiveAtMs=None, createdAt=AT - 7, attachmentsDir="/x"),
    "c": run("c", cleanup="keep", archiveAtMs=None, cleanupCompletedAt=AT + 9, createdAt=AT + 9),
    "d": run("d", endedAt=None),
    "e": run("e", archiveAtMs=None),
    "f": "not a run",
    "g": {"childSessionKey": "x"},
}


def test_runs_are_counted(tmp_path: Path) -> None:
    known = {f"agent:main:subagent:{run_id}" for run_id in "abce"}
    found = read(tmp_path, {"version": 2, "runs": RUNS}, known)
    assert (found.read, found.version, found.reason) == (RegistryRead.OK, 2, None)
    assert (found.runs, found.invalid) == (5, 2)
    assert found.by_spawn_mode == {"run": 4, "session": 1}
    assert found.by_cleanup == {"delete": 4, "keep": 1}
    assert found.by_state == {SubagentState.ENDED: 4, SubagentState.RUNNING: 1}
    assert (found.never_archived, found.orphaned, found.unended_orphans, found.with_attachments) == (2, 1, 1, 1)
    assert (found.oldest, found.newest) == (AT - 7, AT + 9)
    assert [row.run_id for row in found.rows] == ["b", "c", "d"]
    assert found.rows[1] == SubagentRun(
        "c", "agent:main:subagent:c", "agent:main:main", "run", "keep", SubagentState.ENDED,
        AT + 9, AT + 5, None, AT + 9, True, False,
    )  # fmt: skip


def test_the_version_may_come_last(tmp_path: Path) -> None:
    assert read(tmp_path, {"runs": RUNS, "version": 1}).version == 1


def test_rows_are_capped_and_counts_are_not(tmp_path: Path) -> None:
    document = {"version": 2, "runs": {str(number): run(str(number), endedAt=None) for number in range(20)}}
    assert (len(read(tmp_path, document, listed=3).rows), read(tmp_path, document, listed=3).notable) == (3, 20)
    assert len(read(tmp_path, document, listed=None).rows) == 20


GOOD = json.dumps({"version": 2, "runs": RUNS}).encode()


@pytest.mark.parametrize(
    ("document", "reason", "fault_at"),
    [
        (b"", "the file ends before the document does at byte 0", 0),
        (GOOD[:400], "the file ends before the document does at byte 400", 400),
        (GOOD + b"\0\0", f"NUL bytes instead of JSON at byte {len(GOOD):,}", len(GOOD)),
        (GOOD + GOOD, None, len(GOOD)),
        (b"\xef\xbb\xbf" + GOOD, None, 0),
        (GOOD.replace(b'"run"', b"NaN"), None, GOOD.index(b'"run"')),
        (b"[]", "it holds no runs", None),
        (b"null", "it holds no runs", None),
        (b'{"version":2}', "it holds no runs", None),
        (b'{"version":2,"runs":[1]}', "runs is not an object", None),
        (b'{"version":3,"runs":{}}', "its version is not 1 or 2", None),
        (b'{"version":"2","runs":{}}', "its version is not 1 or 2", None),
        (b'{"runs":{}}', "its version is not 1 or 2", None),
    ],
)
def test_what_the_gateway_takes_for_empty(
    tmp_path: Path, document: bytes, reason: str | None, fault_at: int | None
) -> None:
    found = read(tmp_path, document)
    assert found.read is RegistryRead.GATEWAY_EMPTY
    assert found.fault_at == fault_at
    assert found.reason
    assert reason is None or found.reason == reason


def test_runs_before_the_fault_are_counted(tmp_path: Path) -> None:
    document = json.dumps({"version": 2, "runs": RUNS}).encode()
    found = read(tmp_path, document[: document.index(b'"d"') + 3])
    assert (found.read, found.runs, found.version) == (RegistryRead.GATEWAY_EMPTY, 3, 2)


def test_text_that_is_no_utf8_is_read_with_replacements(tmp_path: Path) -> None:
    document = json.dumps({"version": 2, "runs": {"a": run("a", task="T" * 3_000_000), "b": run("b")}}).encode()
    found = read(tmp_path, document.replace(b"T" * 3_000_000, b"T\xff" * 1_500_000))
    assert (found.read, found.runs) == (RegistryRead.OK, 2)


@pytest.mark.parametrize("size", [5, 64, 1024])
def test_halves_of_surrogate_pairs_are_read_with_replacements(tmp_path: Path, size: int) -> None:
    text = r"low \udc80, high \ud800x, pair \ud83d\ude00, escaped \\udc80 \\\udfff" * 30
    document = b'{"version":2,"runs":{"a":{"runId":"a","task":"%s"}}}' % text.encode()
    assert read(tmp_path, document).runs == 1
    stream = Cleaned(io.BytesIO(document))
    cleaned = b"".join(iter(lambda: stream.read(size), b""))
    sound = text.replace(r"low \udc80", r"low \ufffd").replace(r"\ud800", r"\ufffd").replace(r"\\\udfff", r"\\\ufffd")
    assert cleaned == document.replace(text.encode(), sound.encode())


def test_numbers_of_any_spelling(tmp_path: Path) -> None:
    row = b'{"runId":"a","createdAt":1.5e3,"endedAt":1e400,"archiveAtMs":12345678901234567890123}'
    found = read(tmp_path, b'{"version":2.0,"runs":{"a":%s}}' % row)
    assert (found.read, found.version, found.oldest) == (RegistryRead.OK, 2, 1500)
    assert found.by_state == {SubagentState.RUNNING: 1}


def test_a_registry_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    assert read_subagents(OsReadFs(), tmp_path / "runs.json", bool).read is RegistryRead.MISSING
    (tmp_path / "file").touch()
    assert read_subagents(OsReadFs(), tmp_path / "file" / "runs.json", bool).read is RegistryRead.MISSING
    found = read_subagents(OsReadFs(), tmp_path, bool)
    assert (found.read, found.reason) == (RegistryRead.UNREADABLE, "Is a directory")


@pytest.mark.parametrize("text", ["x", "ä", "\N{GRINNING FACE}"])
def test_a_registry_the_gateways_runtime_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    document = json.dumps({"version": 2, "runs": {"a": run("a", task=text * 2_000_000)}}, ensure_ascii=False).encode()
    for limit, expected in ((len(document) + 1, RegistryRead.OK), (len(document), RegistryRead.GATEWAY_EMPTY)):
        monkeypatch.setattr("gatewaydoctor.state.registry.subagents.UNREADABLE_FROM_BYTES", limit)
        assert read(tmp_path, document).read is expected
    assert read(tmp_path, document).reason == "too large for the gateway's runtime to read"


def test_memory_does_not_grow_with_the_registry(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    peaks = []
    for count in (200, 4000):
        runs = {str(number): run(str(number), frozenResultText="x" * 10_000) for number in range(count)}
        path.write_text(json.dumps({"version": 2, "runs": runs}, indent=2))
        del runs
        tracemalloc.start()
        read_subagents(OsReadFs(), path, lambda _: True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_an_endless_number_ends_nothing(tmp_path: Path) -> None:
    document = b'{"version": 2, "runs": {"a": {"createdAt": %s}}}' % (b"7" * 5000)
    assert read(tmp_path, document).read is RegistryRead.UNREADABLE
