from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.examine.databases.legacyfiles import legacy_files
from gatewaydoctor.model.database.legacy import TAKEN_OVER, LegacyFault, LegacyForm
from gatewaydoctor.system.fs import OsReadFs

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.database.legacy import FoundLegacyFile, LegacyFile


def found(state_dir: Path) -> tuple[list[FoundLegacyFile], list[tuple[str, str]]]:
    skipped: list[tuple[str, str]] = []
    return list(legacy_files(OsReadFs(), state_dir, skipped)), skipped


def put(state_dir: Path, name: str, data: bytes) -> Path:
    path = state_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


CUT = {
    LegacyForm.JSON: LegacyFault.NOT_JSON,
    LegacyForm.OBJECT: LegacyFault.NOT_JSON,
    LegacyForm.LINES: LegacyFault.BAD_LINE,
    LegacyForm.DATABASE: LegacyFault.NOT_A_DATABASE,
    LegacyForm.CREDENTIALS: LegacyFault.NOT_JSON,
}


@pytest.mark.parametrize("known", TAKEN_OVER, ids=lambda known: known.pattern)
def test_each_file_that_a_start_takes_over_is_read(tmp_path: Path, known: LegacyFile) -> None:
    path = put(tmp_path, known.pattern.replace("*", "telegram"), b'{"version": 1, "x')
    (damaged,), skipped = found(tmp_path)
    assert (damaged.path, damaged.fault, damaged.bytes, skipped) == (path, CUT[known.form], 17, [])


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("update-check.json", b"", LegacyFault.EMPTY),
        ("update-check.json", b"[1]", None),
        ("exec-approvals.json", b"[1]", LegacyFault.NOT_AN_OBJECT),
        ("exec-approvals.json", b"null", LegacyFault.NOT_AN_OBJECT),
        ("agents/main/agent/auth-profiles.json", b'{"profiles": {}}', LegacyFault.LEFT),
        ("agents/second/agent/auth-profiles.json", b'{"profiles": {}}', None),
        ("logs/config-audit.jsonl", b"", None),
        ("logs/config-audit.jsonl", b'{"a": 1}\n\n \n{"b": 2}', None),
        ("tasks/runs.sqlite", b"", None),
        ("tasks/runs.sqlite", b"SQLite format 3\0" + b"\0" * 100, None),
        ("tasks/runs.sqlite", b"SQLite", LegacyFault.NOT_A_DATABASE),
    ],
)
def test_what_a_file_has_to_hold(tmp_path: Path, name: str, data: bytes, fault: LegacyFault | None) -> None:
    put(tmp_path, name, data)
    assert [each.fault for each in found(tmp_path)[0]] == ([] if fault is None else [fault])


def test_the_first_line_that_is_not_json_is_told(tmp_path: Path) -> None:
    put(tmp_path, "logs/config-audit.jsonl", b'{"a": 1}\n{"b": 2}\n{"c"')
    (damaged,), _ = found(tmp_path)
    assert (damaged.fault, damaged.offset, damaged.bytes) == (LegacyFault.BAD_LINE, 18, 22)


@pytest.mark.parametrize("name", ["exec-approvals.json", "logs/config-audit.jsonl"])
def test_what_is_too_large_is_not_called_sound(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewaydoctor.examine.databases.legacyfiles._LARGEST", 8)
    path = put(tmp_path, name, b'{"a": "long enough"}')
    assert found(tmp_path) == ([], [(str(path), "it is too large to be read")])


@pytest.mark.parametrize(
    "data", [b"{}", b' {"a": "\\ud800"}\n', b'{"a": 1e400, "b": "\xff"}', b"{" + b'"a":{' * 9 + b"}" * 10]
)
def test_what_the_gateway_can_parse_is_sound(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "exec-approvals.json", data)
    assert found(tmp_path) == ([], [])


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf{}", b"{'a': 1}", b"{} {}", b"\0" * 64, b"{} // approved"])
def test_what_it_cannot_is_damaged(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "exec-approvals.json", data)
    assert [each.fault for each in found(tmp_path)[0]] == [LegacyFault.NOT_JSON]


def test_every_channel_has_a_file_and_other_names_have_none(tmp_path: Path) -> None:
    for name in (
        "telegram-pairing.json",
        "matrix-pairing.json",
        "telegram-pairing.json.migrated",
        "pairing.json.bak",
    ):
        put(tmp_path, f"credentials/{name}", b"{")
    names = [each.path.name for each in found(tmp_path)[0]]
    assert names == ["matrix-pairing.json", "telegram-pairing.json"]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "update-check.json").mkdir()
    (tmp_path / "exec-approvals.json").symlink_to("nowhere")
    damaged, skipped = found(tmp_path)
    assert (damaged, [path for path, _ in skipped]) == ([], [str(tmp_path / "update-check.json")])


@pytest.mark.parametrize(
    "known", [each for each in TAKEN_OVER if "/" in each.pattern], ids=lambda known: known.pattern
)
def test_there_is_none_where_a_file_is_in_place_of_the_directory(tmp_path: Path, known: LegacyFile) -> None:
    put(tmp_path, known.pattern.partition("/")[0], b"no directory here")
    assert found(tmp_path) == ([], [])
