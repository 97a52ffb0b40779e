"""What 2026.9.6 was seen to make of cron jobs in its state database: one start with a row of each shape."""

from __future__ import annotations

from typing import Any

import pytest

from gatewaydoctor.model.gateway.cron import Fate
from gatewaydoctor.state.databases.acceptance import faults

SOUND: dict[str, Any] = {
    "id": "j",
    "agentId": "main",
    "name": "j",
    "enabled": True,
    "schedule": {"kind": "every", "everyMs": 86_400_000, "anchorMs": 1_796_021_435_544},
    "sessionTarget": "isolated",
    "payload": {"kind": "agentTurn", "message": "x"},
}
EVERY = 86_400_000
TURN = {"kind": "agentTurn", "message": "x"}
RUNS: list[dict[str, Any]] = [
    {},
    {"id": "other"},
    {"name": 5},
    {"enabled": 0},
    {"createdAtMs": "x"},
    {"schedule": {"kind": "at", "at": "2030-01-01"}},
    {"schedule": {"kind": "at", "at": "2020-01-01T00:00:00Z"}},
    {"schedule": {"kind": "at", "at": "1999999999999"}},
    {"schedule": {"kind": "cron", "expr": "0 30 4 * * *"}},
    {"schedule": {"kind": "cron", "expr": "@daily"}},
    {"schedule": {"kind": "cron", "expr": "30 4 * JAN MON"}},
    {"schedule": {"kind": "cron", "expr": "30 4 * * *", "tz": ""}},
    {"schedule": {"kind": "cron", "expr": "30 4 * * *", "tz": 5}},
    {"schedule": {"kind": "cron", "expr": "30 4 * * *", "tz": "+02:00"}},
    {"schedule": {"kind": "on-exit", "command": "true"}},
    {"schedule": {"kind": "stream", "command": ["true"]}},
    {"payload": {"kind": "systemEvent", "text": ""}},
    {"payload": {"kind": "command", "argv": ["true"]}},
    {"payload": {"kind": "script", "script": "1"}},
    {"payload": {"kind": "heartbeat"}},
    {"payload": TURN | {"model": 5, "timeoutSeconds": -5}},
    {"sessionTarget": None},
    {"sessionTarget": "weird"},
    {"sessionTarget": 5},
    {"sessionTarget": "session:abc"},
    {"sessionTarget": "session:", "enabled": False},
    {"agentId": 5, "enabled": False},
    {"sessionTarget": "session:", "enabled": "false"},
    {"wakeMode": 5},
    {"delivery": "announce"},
    {"delivery": {"mode": "weird"}},
    {"agentId": None},
    {"agentId": "ghost"},
    {"agentId": "../x"},
    {"state": [1]},
    {"trigger": {"script": "1"}},
]
ASIDE: list[object] = [
    None,
    5,
    "x",
    [SOUND],
    {},
    SOUND | {"id": 5},
    SOUND | {"id": "  "},
    SOUND | {"id": None, "jobId": "j"},
    SOUND | {"schedule": None},
    SOUND | {"schedule": []},
    SOUND | {"schedule": {}},
    SOUND | {"schedule": {"kind": "Every", "everyMs": EVERY}},
    SOUND | {"schedule": {"everyMs": EVERY}},
    SOUND | {"schedule": {"expr": "30 4 * * *"}},
    SOUND | {"schedule": {"kind": "every", "everyMs": "86400000"}},
    SOUND | {"schedule": {"kind": "every", "everyMs": -5}},
    SOUND | {"schedule": {"kind": "every", "everyMs": EVERY + 0.5}},
    SOUND | {"schedule": {"kind": "every", "everyMs": 10**18}},
    SOUND | {"schedule": {"kind": "every", "everyMs": float("inf")}},
    SOUND | {"schedule": {"kind": "every", "everyMs": True}},
    SOUND | {"schedule": {"kind": "every", "everyMs": EVERY, "anchorMs": "x"}},
    SOUND | {"schedule": {"kind": "every", "everyMs": EVERY, "anchorMs": None}},
    SOUND | {"schedule": {"kind": "at"}},
    SOUND | {"schedule": {"kind": "at", "at": "tomorrow"}},
    SOUND | {"schedule": {"kind": "at", "at": 1_999_999_999_999}},
    SOUND | {"schedule": {"kind": "at", "atMs": 1_999_999_999_999}},
    SOUND | {"schedule": {"kind": "at", "at": "2030-13-45T00:00:00Z"}},
    SOUND | {"schedule": {"kind": "cron", "expr": 5}},
    SOUND | {"schedule": {"kind": "cron", "cron": "30 4 * * *"}},
    SOUND | {"schedule": {"kind": "cron", "expr": "30 4 * * *", "staggerMs": -5}},
    SOUND | {"schedule": {"kind": "on-exit"}},
    SOUND | {"schedule": {"kind": "stream"}},
    SOUND | {"payload": None},
    SOUND | {"payload": "x"},
    SOUND | {"payload": {"kind": "AgentTurn", "message": "x"}},
    SOUND | {"payload": {"kind": "agentTurn", "message": "  "}},
    SOUND | {"payload": {"kind": "systemEvent", "text": 5}},
    SOUND | {"payload": {"kind": "command"}},
    SOUND | {"payload": {"kind": "script"}},
    SOUND | {"trigger": "x"},
    SOUND | {"trigger": {}},
]
STATES: list[tuple[object, bool]] = [
    ({}, True),
    ({"nextRunAtMs": 0}, True),
    ({"nextRunAtMs": 8_640_000_000_000_000}, True),
    ({"consecutiveErrors": "x", "lastRunStatus": "weird", "autoDisabled": "x"}, True),
    (None, False),
    ([1], False),
    ({"nextRunAtMs": -5}, False),
    ({"nextRunAtMs": 1.5}, False),
    ({"nextRunAtMs": None}, False),
    ({"nextRunAtMs": 8_640_000_000_000_001}, False),
    ({"streamLastExitAtMs": "soon"}, False),
    ({"autoDisabled": {"atMs": -5}}, False),
]


@pytest.mark.parametrize("change", RUNS)
def test_a_job_that_stays(change: dict[str, Any]) -> None:
    assert faults(SOUND | change, {}) == []


@pytest.mark.parametrize("job", ASIDE)
def test_a_job_that_is_set_aside(job: object) -> None:
    found = faults(job, {})
    assert found
    assert {each.fate for each in found} == {Fate.SET_ASIDE}


@pytest.mark.parametrize(("state", "stays"), STATES)
def test_the_state_of_a_job_can_have_it_set_aside(state: object, stays: bool) -> None:
    assert [each.fate for each in faults(SOUND, state)] == ([] if stays else [Fate.SET_ASIDE])


@pytest.mark.parametrize(
    "schedule",
    [
        "30 * * * *",
        {"kind": "cron", "expr": "61 * * * *"},
        {"kind": "cron", "expr": "0 0 31 2 *"},
        {"kind": "cron", "expr": "30 4 * * *", "tz": "Mars/X"},
    ],
)
def test_a_job_that_is_never_due(schedule: object) -> None:
    assert {each.fate for each in faults(SOUND | {"schedule": schedule}, {})} == {Fate.NEVER_RUNS}


@pytest.mark.parametrize("change", [{"agentId": 5}, {"sessionTarget": "session:"}, {"sessionTarget": "session: "}])
def test_one_job_that_stops_all(change: dict[str, Any]) -> None:
    assert [each.fate for each in faults(SOUND | change, {})] == [Fate.STOPS_CRON]
    assert {each.fate for each in faults(SOUND | change | {"payload": None}, {})} == {Fate.SET_ASIDE}
