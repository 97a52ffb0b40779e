"""Rows whose fields have types that each release takes in its own way, in a store that is sound JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.fieldtypes import (
    Fate,
    OddField,
    Shape,
    checkpoints_shape,
    fate_of,
    id_shape,
    number_of,
    shape_of,
    time_of,
)
from gatewaydoctor.model.gateway.release import Policy
from gatewaydoctor.model.outcome.finding import Severity
from tests.world import DAY, HOUR, NOW, StateDir, row, run_key

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.outcome.finding import Finding


def state_of(tmp_path: Path, release: str | None, **settings: object) -> StateDir:
    state = StateDir(tmp_path, release)
    state.maintenance(**({"mode": "enforce"} | settings))
    return state


def chat(number: int) -> str:
    return f"agent:main:telegram:direct:{number}"


def rows_with(field: str, *values: object) -> dict[str, object]:
    """A sound conversation, and one for each value of the field."""
    odd = {chat(100 + n): row(n + 2, age=HOUR) | {field: value} for n, value in enumerate(values)}
    return {"agent:main:main": row(1, age=HOUR), **odd}


def by_fate(state: StateDir) -> dict[str, Finding]:
    found = state.findings("store-invalid-entry")
    return {str(each.evidence.get("fate")): each for each in found}


def test_5_22_drops_a_conversation_whose_session_id_is_no_safe_text(tmp_path: Path) -> None:
    state = state_of(tmp_path, "2026.5.22")
    state.store(rows_with("sessionId", None, 5, True, [], {}, "", "  ", "../x", "a b", "x" * 256))
    (found,) = state.findings("store-invalid-entry")
    assert (found.severity, found.count, found.evidence["fate"]) == (Severity.ERROR, 10, "dropped")
    assert found.evidence["conversations"] == 10
    assert found.key == chat(100)
    assert "10 conversations" in found.message
    assert "drops them" in found.consequence


def test_5_22_takes_safe_text_and_no_id_at_all(tmp_path: Path) -> None:
    state = state_of(tmp_path, "2026.5.22")
    rows = rows_with("sessionId", "a:b", "a@b", "a" * 255, " padded ", "abc.jsonl")
    without = row(50, age=HOUR)
    del without["sessionId"]
    state.store(rows | {chat(200): without})
    assert not state.findings("store-invalid-entry")


@pytest.mark.parametrize(
    ("release", "values"),
    [
        ("2026.5.22", [None, "abc", str(NOW), "", [], {}, True, False, -1, 0, NOW // 1000]),
        ("2026.4.25", ["", "  ", [], [None], True, False, -1, 0, str(NOW - 60 * DAY), NOW // 1000]),
        ("2026.3.28", ["", "  ", [], [None], True, False, -1, 0, str(NOW - 60 * DAY), NOW // 1000]),
    ],
)
def test_an_updated_at_that_counts_as_old_is_told_with_its_conversations(
    release: str, values: list[object], tmp_path: Path
) -> None:
    state = state_of(tmp_path, release)
    state.store(rows_with("updatedAt", *values))
    (found,) = state.findings("store-invalid-entry")
    assert (found.severity, found.count, found.evidence["fate"]) == (Severity.ERROR, len(values), "pruned")
    assert found.evidence["conversations"] == len(values)
    assert not state.findings("store-prune-due")
    state.maintenance(mode="warn")
    assert not state.findings("store-invalid-entry")


def test_up_to_4_25_text_that_is_no_old_number_prunes_nothing(tmp_path: Path) -> None:
    state = state_of(tmp_path, "2026.4.25")
    state.store(rows_with("updatedAt", None, "abc", str(NOW), {}, [{}], "2026-11-29T10:00:00.000Z", 2**53 + 1))
    assert not state.findings("store-invalid-entry")


def test_a_number_no_double_can_hold(tmp_path: Path) -> None:
    text = json.dumps(rows_with("updatedAt", 7)).replace('"updatedAt": 7', '"updatedAt": 1e400')
    for release, count in (("2026.4.25", 0), ("2026.5.22", 1)):
        (tmp_path / release).mkdir()
        state = state_of(tmp_path / release, release)
        state.store(text.encode())
        assert len(state.findings("store-invalid-entry")) == count


def test_checkpoints_without_what_a_cleanup_reads_are_told(tmp_path: Path) -> None:
    state = state_of(tmp_path, "2026.5.22")
    broken: list[object] = [
        [{}],
        [None],
        5,
        "x",
        {},
        [{"preCompaction": None}],
        [{"preCompaction": {"sessionFile": 5}}],
    ]
    sound: list[object] = [[], None, "", [{"preCompaction": {}}], [{"preCompaction": {"sessionFile": "a.jsonl"}}]]
    state.store(rows_with("compactionCheckpoints", *broken, *sound))
    (found,) = state.findings("store-invalid-entry")
    assert (found.severity, found.count, found.evidence["fate"]) == (Severity.WARNING, len(broken), "cleanup-fails")
    assert "cleanup" in found.consequence


def test_one_account_id_stops_every_load_of_4_25(tmp_path: Path) -> None:
    state = state_of(tmp_path, "2026.4.25")
    context = {"channel": "telegram", "to": "1", "accountId": []}
    state.store({chat(1): row(1) | {"lastAccountId": 5}, chat(2): row(2) | {"deliveryContext": context}})
    found = state.findings("store-invalid-entry")
    assert [(each.severity, each.evidence["fate"]) for each in found] == [(Severity.ERROR, "load-fails")] * 2
    assert {each.evidence["field"] for each in found} == {"lastAccountId", "deliveryContext.accountId"}


def test_people_are_named_before_machines(tmp_path: Path) -> None:
    state = state_of(tmp_path, "2026.5.22")
    state.store({run_key("j", 1): row(1) | {"sessionId": None}, chat(9): row(2) | {"sessionId": 5}})
    (found,) = state.findings("store-invalid-entry")
    assert found.evidence["keys"] == [chat(9), run_key("j", 1)]
    assert found.evidence["conversations"] == 1
    state.store({run_key("j", 1): row(1) | {"sessionId": None}})
    assert state.only("store-invalid-entry").severity is Severity.WARNING


def test_a_release_nobody_knows_is_told_what_5_22_would_do(tmp_path: Path) -> None:
    state = state_of(tmp_path, None)
    state.store(rows_with("sessionId", None))
    found = state.only("store-invalid-entry")
    assert found.severity is Severity.WARNING
    assert "2026.5.22" in found.consequence


def test_what_an_enforced_save_removes_by_age(tmp_path: Path) -> None:
    state = state_of(tmp_path, "2026.5.22", pruneAfter="7d")
    old = 8 * DAY
    state.store(
        {
            chat(1): row(1, age=old),
            "agent:main:telegram:group:-100": row(2, age=old),
            "agent:main:slack:channel:c1:thread:17.5": row(3, age=old),
            run_key("j", 4): row(4, age=old),
            "agent:main:main": row(5, age=HOUR),
        }
    )
    found = state.only("store-prune-due")
    assert (found.severity, found.count) == (Severity.WARNING, 2)
    assert found.evidence["keys"] == [chat(1), run_key("j", 4)]
    state.release = "2026.4.25"
    state.maintenance(mode="enforce", pruneAfter="7d")
    assert state.only("store-prune-due").count == 4
    state.maintenance(mode="warn", pruneAfter="7d")
    assert not state.findings("store-prune-due")
    state.maintenance(mode="enforce", pruneAfter="7d")
    state.store({run_key("j", 4): row(4, age=old)})
    assert state.only("store-prune-due").severity is Severity.INFO


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, 0), (True, 1), ("", 0), (" 12 ", 12), ("0x10", 16), ([], 0), ([[7]], 7), ([None], 0), ("-1e3", -1000)],
)
def test_numbers_as_javascript_makes_them(value: object, number: float) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize("value", ["abc", "1_000", "inf", "nan", {}, [True], [1, 2], [{}], "0x", "12px", ["x"]])
def test_what_is_no_number_to_javascript(value: object) -> None:
    assert math.isnan(number_of(value))


def test_the_table_names_its_shapes() -> None:
    assert id_shape("a:b") is Shape.NAMELESS_TEXT
    assert shape_of(1e400) is Shape.INFINITE
    assert checkpoints_shape([{"preCompaction": {}}]) is Shape.LIST
    assert fate_of(Policy.V2026_5_22, OddField("sessionId", Shape.NULL)) is Fate.DROPPED
    assert fate_of(Policy.V2026_4_25, OddField("sessionId", Shape.NULL)) is None
    assert time_of(Policy.V2026_4_25, OddField("updatedAt", Shape.NULL, 0.0)) is None
    assert time_of(Policy.V2026_5_22, OddField("updatedAt", Shape.NULL, 0.0)) == 0
