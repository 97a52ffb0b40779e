"""Cron jobs in the state database of every odd shape, one of them at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .damages import STATE, damage, settle, sql

if TYPE_CHECKING:
    from pathlib import Path


def _changed(state: Path, change: dict[str, Any], more: str = "") -> None:
    """One of the three jobs, with these fields in its definition."""
    patch = json.dumps(change)
    sql(
        state / STATE,
        f"UPDATE cron_jobs SET job_json = json_patch(job_json, ?){more} WHERE name = 'job 1'",
        values=(patch,),
    )
    settle(state / STATE)


def _state(state: Path, text: str) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET state_json = ? WHERE name = 'job 1'", values=(text,))
    settle(state / STATE)


@damage()
def agent_number_job(state: Path) -> None:
    _changed(state, {"agentId": 5})


@damage()
def session_target_empty_job(state: Path) -> None:
    _changed(state, {"sessionTarget": "session:"})


@damage()
def session_target_empty_and_disabled_job(state: Path) -> None:
    _changed(state, {"sessionTarget": "session:", "enabled": False}, ", enabled = 0")


@damage()
def agent_number_and_disabled_job(state: Path) -> None:
    _changed(state, {"agentId": 5, "enabled": False}, ", enabled = 0")


@damage()
def agent_number_and_no_payload_job(state: Path) -> None:
    _changed(state, {"agentId": 5, "payload": None})


@damage()
def column_says_disabled_job(state: Path) -> None:
    sql(state / STATE, "UPDATE cron_jobs SET enabled = 0 WHERE name = 'job 1'")


@damage()
def next_run_negative_job(state: Path) -> None:
    _state(state, '{"nextRunAtMs": -5}')


@damage()
def next_run_null_job(state: Path) -> None:
    _state(state, '{"nextRunAtMs": null}')


@damage()
def anchor_of_half_a_millisecond_job(state: Path) -> None:
    _changed(state, {"schedule": {"anchorMs": 0.5}})


@damage()
def message_of_blanks_job(state: Path) -> None:
    _changed(state, {"payload": {"message": "  "}})


@damage()
def trigger_of_text_job(state: Path) -> None:
    _changed(state, {"trigger": "x"})


@damage()
def schedule_of_text_job(state: Path) -> None:
    _changed(state, {"schedule": "30 4 * * *"})


@damage()
def odd_but_taken_job(state: Path) -> None:
    _changed(state, {"name": 5, "sessionTarget": "weird", "wakeMode": 5, "delivery": "x", "description": 5})


@damage()
def stopping_job_where_cron_is_disabled(state: Path) -> None:
    _changed(state, {"agentId": 5})
    path = state / "openclaw.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cron": {"enabled": False}}))
