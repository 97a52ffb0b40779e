"""The append-only store: what is on disk is always a whole number of changes, whatever happens when."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gatewaydoctor.simulate.wallclock.appendlog import MIN_COMPACTION, AppendLog, DamagedLog
from tests.examples import examples

if TYPE_CHECKING:
    from pathlib import Path


def contents(log: AppendLog) -> dict[str, Any]:
    return dict(log.rows())


def changes(path: Path) -> list[dict[str, Any]]:
    """Make five changes; the contents after each, the empty log first."""
    states: list[dict[str, Any]] = []
    with AppendLog(path, max_entries=3) as log:
        states.append(contents(log))
        for number in range(4):
            log.put({f"k{number}": {"updatedAt": number, "text": "é😀\n" * number}, "shared": {"updatedAt": number}})
            states.append(contents(log))
        log.drop(["shared", "unknown"])
        states.append(contents(log))
    return states


def test_rows_survive_reopening(tmp_path: Path) -> None:
    states = changes(tmp_path / "log")
    with AppendLog(tmp_path / "log", max_entries=3) as log:
        assert contents(log) == states[-1]
        assert len(log) == len(states[-1])
        with pytest.raises(KeyError):
            log.get("shared")


def test_the_oldest_rows_go_first_and_in_the_same_change(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "log", max_entries=2) as log:
        log.put({"a": {"updatedAt": 2}, "b": {"updatedAt": 1}})
        assert log.put({"c": {"updatedAt": 3}}) == ("b",)
        assert log.put({"timeless": {"x": 1}}) == ("timeless",)
        assert set(log.keys()) == {"a", "c"}
    assert (tmp_path / "log").read_bytes().count(b"\n") == 3


def test_a_file_cut_anywhere_opens_with_the_whole_changes_before_the_cut(tmp_path: Path) -> None:
    states = changes(tmp_path / "log")
    data = (tmp_path / "log").read_bytes()
    ends = [0, *(at + 1 for at, byte in enumerate(data) if byte == ord("\n"))]
    for cut in range(len(data) + 1):
        path = tmp_path / "cut"
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends) - 1
        with AppendLog(path, max_entries=3) as log:
            assert contents(log) == states[whole], cut
            log.put({"next": {"updatedAt": 99}})
        with AppendLog(path) as log:
            assert log.get("next") == {"updatedAt": 99}


def test_a_last_line_of_other_bytes_is_cut(tmp_path: Path) -> None:
    states = changes(tmp_path / "log")
    sound = (tmp_path / "log").read_bytes()
    for junk in (b"\0" * 500, b"\n", b"0bad {}\n", b"\xff\xfe"):
        (tmp_path / "log").write_bytes(sound + junk)
        with AppendLog(tmp_path / "log") as log:
            assert contents(log) == states[-1]
        assert (tmp_path / "log").read_bytes() == sound


def test_damage_before_the_last_line_is_refused_and_left_alone(tmp_path: Path) -> None:
    changes(tmp_path / "log")
    data = bytearray((tmp_path / "log").read_bytes())
    data[30] ^= 1
    (tmp_path / "log").write_bytes(data)
    with pytest.raises(DamagedLog):
        AppendLog(tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == data


def test_history_is_dropped_when_it_outweighs_the_rows(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "log") as log:
        for number in range(100):
            log.put({"only": {"updatedAt": number, "text": "x" * 4000}})
        assert log.compactions > 0
        assert contents(log) == {"only": {"updatedAt": 99, "text": "x" * 4000}}
        assert log.bytes_written < 3 * 100 * 4100
    assert (tmp_path / "log").stat().st_size <= MIN_COMPACTION
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


def test_a_crash_while_compacting_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = changes(tmp_path / "log")
    sound = (tmp_path / "log").read_bytes()

    def stop(*_: object) -> None:
        raise OSError("power cut")

    for step in ("fsync", "replace"):
        with AppendLog(tmp_path / "log") as log:
            with monkeypatch.context() as patch:
                patch.setattr(os, step, stop)
                with pytest.raises(OSError, match="power cut"):
                    log.compact()
            assert (tmp_path / "log").read_bytes() == sound
        with AppendLog(tmp_path / "log") as log:
            assert contents(log) == states[-1]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]


def test_a_change_that_cannot_be_synced_did_not_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = changes(tmp_path / "log")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with AppendLog(tmp_path / "log") as log:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space"):
                log.put({"lost": {"updatedAt": 5}})
        log.put({"kept": {"updatedAt": 6}})
    with AppendLog(tmp_path / "log") as log:
        assert contents(log) == states[-1] | {"kept": {"updatedAt": 6}}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
operations = st.lists(
    st.one_of(
        st.dictionaries(st.text(max_size=3), values, min_size=1, max_size=3),
        st.lists(st.text(max_size=3), min_size=1, max_size=2),
        st.just("compact"),
        st.just("reopen"),
    ),
    max_size=15,
)


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations)
def test_it_holds_what_a_dict_would_hold(tmp_path: Path, steps: list[Any]) -> None:
    folder = tmp_path / "case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    log, expected = AppendLog(folder / "log"), dict[str, Any]()
    for step in steps:
        match step:
            case dict():
                log.put(step)
                expected |= json.loads(json.dumps(step))
            case list():
                log.drop(step)
                expected = {key: value for key, value in expected.items() if key not in step}
            case "compact":
                log.compact()
            case _:
                log.close()
                log = AppendLog(folder / "log")
        assert contents(log) == expected
    log.close()
