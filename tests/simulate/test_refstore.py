"""The reference store release by release: what a load reads, and what a save keeps, archives, rotates and writes."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.simulate.refstore import POLICIES, Mode, ReferenceStore, resolve_maintenance
from gatewaydoctor.simulate.refstore.files import archived_at
from gatewaydoctor.simulate.refstore.js import GatewayTypeError

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_780_000_000_000
DAY = 86_400_000
OLDEST, MIDDLE, NEWEST = POLICIES
ENFORCE = {"mode": "enforce"}


def store_in(folder: Path, release: str, **settings: Any) -> ReferenceStore:
    policy = POLICIES[release]
    return ReferenceStore(folder / "sessions.json", policy, resolve_maintenance(policy, settings), lambda: NOW)


def write(folder: Path, rows: dict[str, Any] | str | bytes) -> None:
    data = rows if isinstance(rows, (str, bytes)) else json.dumps(rows, indent=2)
    (folder / "sessions.json").write_bytes(data if isinstance(data, bytes) else data.encode())


def rows_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "sessions.json").read_bytes())
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def row(number: int, age_days: float = 0.0, **fields: Any) -> dict[str, Any]:
    return {"sessionId": f"id-{number}", "updatedAt": NOW - int(age_days * DAY) - number, **fields}


@pytest.mark.parametrize("release", POLICIES)
@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xef\xbb\xbf{}", b'{"a":NaN}', b'{"a":"\t"}', b"{} {}", b'{"a":1,}'],
)
def test_an_unreadable_file_loads_as_empty_and_is_overwritten(release: str, data: bytes, tmp_path: Path) -> None:
    write(tmp_path, data)
    assert store_in(tmp_path, release).load() == {}
    store_in(tmp_path, release).cleanup(enforce=True)
    assert (tmp_path / "sessions.json").read_bytes() == b"{}"


@pytest.mark.parametrize("release", POLICIES)
def test_invalid_utf8_is_read_with_replacement_characters(release: str, tmp_path: Path) -> None:
    write(tmp_path, b'{"k":{"sessionId":"a","label":"\xff"}}')
    assert store_in(tmp_path, release).load()["k"]["label"] == "\ufffd"


@pytest.mark.parametrize("release", POLICIES)
def test_prune_takes_old_rows_and_spares_rows_without_a_time(release: str, tmp_path: Path) -> None:
    write(tmp_path, {"old": row(1, 31), "new": row(2, 29), "none": {"sessionId": "id-3"}})
    report = store_in(tmp_path, release).cleanup(enforce=True)
    assert report.pruned == ("old",)
    assert set(rows_in(tmp_path)) == {"new", "none"}


@pytest.mark.parametrize("release", [OLDEST, NEWEST])
def test_cap_keeps_the_newest_and_ties_keep_file_order(release: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        {"none": {"sessionId": "x"}, **{f"k{n}": {"sessionId": f"i{n}", "updatedAt": NOW} for n in range(4)}},
    )
    report = store_in(tmp_path, release, maxEntries=2).cleanup(enforce=True)
    assert list(rows_in(tmp_path)) == ["k0", "k1"]
    assert report.capped == ("k2", "k3", "none")


def test_only_the_middle_release_caps_on_load_and_archives_nothing_then(tmp_path: Path) -> None:
    write(tmp_path, {f"k{n}": row(n) for n in range(4)})
    (tmp_path / "id-3.jsonl").touch()
    assert len(store_in(tmp_path, OLDEST, maxEntries=2, **ENFORCE).load()) == 4
    assert len(store_in(tmp_path, MIDDLE, maxEntries=2).load()) == 2
    assert len(store_in(tmp_path, NEWEST, maxEntries=2).load()) == 4
    store_in(tmp_path, MIDDLE, maxEntries=2).update(lambda store: None)
    assert len(rows_in(tmp_path)) == 2
    assert (tmp_path / "id-3.jsonl").exists()


def test_warn_mode_keeps_everything(tmp_path: Path) -> None:
    write(tmp_path, {f"k{n}": row(n, 40) for n in range(600)})
    store = store_in(tmp_path, OLDEST)
    assert store.maintenance.mode is Mode.WARN
    store.update(lambda rows: rows.update(new=row(1)))
    assert len(rows_in(tmp_path)) == 601


def test_the_newest_release_waits_for_some_slack_before_it_caps(tmp_path: Path) -> None:
    write(tmp_path, {f"k{n}": row(n) for n in range(74)})
    store = store_in(tmp_path, NEWEST, maxEntries=50)
    assert store.update(lambda rows: None).capped == ()
    report = store.update(lambda rows: rows.update(one=row(999)))
    assert len(report.capped) == 25
    assert len(rows_in(tmp_path)) == 50


def test_groups_and_threads_are_protected_by_the_newest_release_only(tmp_path: Path) -> None:
    keys = [
        "agent:main:telegram:group:1",
        "agent:main:slack:channel:2:thread:3",
        "agent:main:main",
        "agent:main:direct:4",
    ]
    old = {key: row(n, 60) for n, key in enumerate(keys)} | {"agent:main:cron:x:run:y:thread:z": row(9, 60)}
    for release, kept in ((OLDEST, []), (MIDDLE, []), (NEWEST, keys[:2])):
        write(tmp_path, old)
        store_in(tmp_path, release).cleanup(enforce=True)
        assert list(rows_in(tmp_path)) == kept


def test_the_row_being_saved_is_protected_since_4_25(tmp_path: Path) -> None:
    for release, kept in ((OLDEST, False), (MIDDLE, True), (NEWEST, True)):
        write(tmp_path, {f"k{n}": row(n) for n in range(3)})
        store = store_in(tmp_path, release, maxEntries=2, **ENFORCE)
        store.update(lambda rows: rows.update(active=row(500)), active_key="active")
        assert ("active" in rows_in(tmp_path)) is kept


@pytest.mark.parametrize("release", POLICIES)
def test_transcripts_of_removed_rows_are_archived_unless_still_named(release: str, tmp_path: Path) -> None:
    write(tmp_path, {"a": row(1, 60), "b": row(2, 60), "c": {**row(2), "updatedAt": NOW}})
    for number in (1, 2, 3):
        (tmp_path / f"id-{number}.jsonl").write_text("x")
    store_in(tmp_path, release).cleanup(enforce=True)
    assert [name for name in names(tmp_path) if ".jsonl" in name] == [
        "id-1.jsonl.deleted.2026-05-28T20-26-40.000Z",
        "id-2.jsonl",
        "id-3.jsonl",
    ]


def test_archives_are_deleted_by_the_age_in_their_name(tmp_path: Path) -> None:
    write(tmp_path, {})
    for name in (
        "a.jsonl.deleted.2026-04-01T00-00-00.000Z",
        "a.jsonl.deleted.2026-05-20T00-00-00Z",
        "a.jsonl.reset.2026-05-20T00-00-00Z",
    ):
        (tmp_path / name).touch()
    report = store_in(tmp_path, OLDEST, resetArchiveRetention="2d", **ENFORCE).update(lambda rows: None)
    assert sorted(path.rpartition("/")[2] for path in report.deleted) == [
        "a.jsonl.deleted.2026-04-01T00-00-00.000Z",
        "a.jsonl.reset.2026-05-20T00-00-00Z",
    ]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("a.jsonl.deleted.2026-02-30T00-00-00Z", "2026-03-02"),
        ("a.deleted.2026-01-01T00-00-00Z.deleted.2026-02-01T00-00-00.000Z", "2026-02-01"),
    ],
)
def test_the_last_marker_counts_and_days_roll_over(name: str, day: str) -> None:
    from datetime import UTC, datetime

    assert archived_at(name, "deleted") == datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize(
    "name", ["a.deleted.2026-13-01T00-00-00Z", "a.deleted.2026-01-01T25-00-00Z", "a.deleted.now", "a.jsonl"]
)
def test_names_that_are_no_archive(name: str) -> None:
    assert archived_at(name, "deleted") is None


def test_rotation_renames_copies_or_does_nothing(tmp_path: Path) -> None:
    backups = {}
    for release in POLICIES:
        folder = tmp_path / release
        folder.mkdir()
        write(folder, {"a": row(1)})
        for stamp in "1234":
            (folder / f"sessions.json.bak.170000000000{stamp}").touch()
        store = store_in(folder, release, rotateBytes=10, **ENFORCE)
        backups[release] = store.update(lambda rows: rows.update(b=row(2))).rotated_to
        assert set(rows_in(folder)) == {"a", "b"}
        left = [name.rpartition(".")[2] for name in names(folder) if ".bak." in name]
        old = [f"170000000000{number}" for number in range(1, 5)]
        assert left == (old if release == NEWEST else [*old[2:], str(NOW)])
    assert [bool(backup) for backup in backups.values()] == [True, True, False]


def test_the_first_release_loses_its_store_when_nothing_changed_after_a_rotation(tmp_path: Path) -> None:
    write(tmp_path, {"a": row(1)})
    store_in(tmp_path, OLDEST, rotateBytes=10, **ENFORCE).update(lambda rows: None)
    assert not (tmp_path / "sessions.json").exists()
    assert store_in(tmp_path, OLDEST).load() == {}


def test_the_disk_budget_takes_files_first_and_rows_then(tmp_path: Path) -> None:
    write(tmp_path, {f"k{n}": row(n, n) for n in range(4)})
    for number, name in enumerate(("orphan.jsonl", "id-3.jsonl", "id-0.jsonl", "x.jsonl.bak.2026-05-20T00-00-00Z")):
        (tmp_path / name).write_bytes(b"x" * 1000)
        os.utime(tmp_path / name, (number, number))
    report = store_in(tmp_path, NEWEST, maxDiskBytes=3000, highWaterBytes=1400).cleanup(enforce=True)
    assert report.budget is not None
    assert [path.rpartition("/")[2] for path in report.budget.removed_files] == [
        "orphan.jsonl", "x.jsonl.bak.2026-05-20T00-00-00Z", "id-3.jsonl",
    ]  # fmt: skip
    assert report.budget.removed_keys == ("k3",)
    assert set(rows_in(tmp_path)) == {"k0", "k1", "k2"}


@pytest.mark.parametrize("release", POLICIES)
def test_an_unchanged_store_is_not_written(release: str, tmp_path: Path) -> None:
    write(tmp_path, {"agent:main:main": row(1)})
    before = (tmp_path / "sessions.json").stat().st_mtime_ns
    assert store_in(tmp_path, release).cleanup(enforce=True).written is None
    assert (tmp_path / "sessions.json").stat().st_mtime_ns == before


@pytest.mark.parametrize("release", POLICIES)
def test_a_written_store_is_private_and_leaves_no_temporary_file_or_lock(release: str, tmp_path: Path) -> None:
    report = store_in(tmp_path, release).update(lambda rows: rows.update(a=row(1)))
    path = tmp_path / "sessions.json"
    assert names(tmp_path) == ["sessions.json"]
    assert report.written == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_old_field_names_are_renamed_on_load(tmp_path: Path) -> None:
    write(tmp_path, {"a": {**row(1), "provider": "slack", "lastProvider": "slack", "room": "#x"}})
    loaded = store_in(tmp_path, OLDEST).load()["a"]
    assert {"channel": "slack", "lastChannel": "slack", "groupChannel": "#x"}.items() <= loaded.items()
    assert not {"provider", "lastProvider", "room"} & loaded.keys()


def test_the_newest_release_drops_rows_it_cannot_use_and_slims_the_others(tmp_path: Path) -> None:
    rows = {
        "null": None,
        "text": "x",
        "unsafe": {"sessionId": "../up"},
        "bad-time": {"sessionId": "a", "updatedAt": "x"},
    }
    rows["fat"] = row(1, skillsSnapshot={"prompt": "p", "resolvedSkills": [1]})
    write(tmp_path, rows)
    loaded = store_in(tmp_path, NEWEST).load()
    assert list(loaded) == ["bad-time", "fat"]
    assert loaded["bad-time"]["updatedAt"] == 0
    assert loaded["fat"]["skillsSnapshot"] == {"prompt": "p"}
    assert len(store_in(tmp_path, OLDEST).load()) == 5


def test_rows_that_make_a_release_throw_leave_the_file_alone(tmp_path: Path) -> None:
    write(tmp_path, {"a": {**row(1, 60), "model": 5}})
    before = (tmp_path / "sessions.json").read_bytes()
    with pytest.raises(GatewayTypeError):
        store_in(tmp_path, OLDEST).cleanup(enforce=True)
    assert (tmp_path / "sessions.json").read_bytes() == before
    store_in(tmp_path, NEWEST).cleanup(enforce=True)
    assert rows_in(tmp_path) == {}


@pytest.mark.parametrize("release", POLICIES)
def test_settings_are_read_as_the_release_reads_them(release: str) -> None:
    policy = POLICIES[release]
    assert resolve_maintenance(policy).prune_after_ms == 30 * DAY
    given = resolve_maintenance(
        policy, {"pruneAfter": "1d12h", "maxDiskBytes": "1.5kb", "resetArchiveRetention": False, "rotateBytes": "x"}
    )
    assert given.prune_after_ms == 36 * 3_600_000
    assert (given.max_disk_bytes, given.high_water_bytes) == (1536, 1228)
    assert given.reset_archive_retention_ms is None
    assert given.rotate_bytes == policy.rotate_bytes
    assert resolve_maintenance(policy, {"pruneDays": 7}).prune_after_ms == 7 * DAY
    assert resolve_maintenance(policy, {"pruneAfter": "soon"}).prune_after_ms == 30 * DAY
    assert resolve_maintenance(policy, {"maxDiskBytes": 100, "highWaterBytes": 500}).high_water_bytes == 100
