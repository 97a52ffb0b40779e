"""Whether a forecast came true: each of its lines against what was in the directory before and after a start, and
what happened without a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .observed import Seen

SLACK_MS = 30_000
"""What a line may come late, on a busy machine."""
_REMOVES_ROWS = ("evicts", "reaps")
_MAY_REMOVE_ROWS = (*_REMOVES_ROWS, "sweeps")
_FIRES = ("fires", "catches-up", "notice")


@dataclass(frozen=True, slots=True)
class Start:
    """`told` are the events of the forecast as JSON, `asked` the calls of the model, `began` when it was started
    (epoch ms), `watched` for how long after it was up (ms)."""

    told: list[dict[str, Any]]
    before: Seen
    after: Seen
    asked: list[str]
    began: int
    watched: int

    def events(self, *kinds: str, will: bool = False, due: bool = False) -> list[dict[str, Any]]:
        """The events of these kinds; with `due` only those whose time has passed for certain."""
        return [
            event
            for event in self.told
            if event["kind"] in kinds
            and (not will or event["certainty"] == "will")
            and (not due or (event["atMs"] or 0) + SLACK_MS <= self.watched)
        ]

    def named(self, *kinds: str, will: bool = False, due: bool = False) -> set[str]:
        return {who for event in self.events(*kinds, will=will, due=due) for who in event["who"]}

    def counted(self, *kinds: str, will: bool = False) -> int:
        return sum(event["howMany"] for event in self.events(*kinds, will=will, due=will))


def differences(start: Start) -> list[str]:
    """What was told and did not happen, and what happened and was not told. Empty where the forecast came true."""
    return [
        *_jobs(start),
        *_rows(start),
        *_emptied(start),
        *_resumed(start),
        *_settled(start),
        *_runs(start),
        *_turns(start),
        *_files(start),
    ]


def _jobs(start: Start) -> Iterator[str]:
    before, after = start.before.jobs, start.after.jobs
    fired = {name for name, job in after.items() if name in before and _ran(job, start.began)}
    gone = {name for name in before if name not in after}
    for event in start.events("fires", will=True, due=True):
        late = sorted(set(event["who"]) - fired - gone)
        if late and ("within the hour" not in event["what"] or len(late) == event["howMany"]):
            yield f"did not fire: {late}"
    for name in sorted((fired | gone) - start.named(*_FIRES)):
        yield f"{'vanished' if name in gone else 'fired'} untold: {name}"
    marked = {name for name, job in before.items() if job["state"].get("runningAtMs")}
    still = {name for name in marked & set(after) if after[name]["state"].get("runningAtMs")} - fired
    if start.events("clears-marks") and still:
        yield f"still marked: {sorted(still)}"
    added = set(after) - set(before)
    for name in sorted(added - start.named("writes")):
        yield f"added untold: {name}"


def _ran(job: dict[str, Any], began: int) -> bool:
    state = job["state"]
    return max(state.get("lastRunAtMs") or 0, state.get("runningAtMs") or 0) > began


def _rows(start: Start) -> Iterator[str]:
    gone = set(start.before.rows) - set(start.after.rows)
    least, most = start.counted(*_REMOVES_ROWS, will=True), start.counted(*_MAY_REMOVE_ROWS)
    if start.events("evicts"):  # each run that began since pushes out one more, and its job row another
        most += 2 * sum(_ran(job, start.began) for job in start.after.jobs.values())
    if not least <= len(gone) <= most:
        yield f"{len(gone)} sessions went, told were {least} to {most}: {sorted(gone)[:5]}"


def _emptied(start: Start) -> Iterator[str]:
    """A store that was cut short has no rows until the gateway writes it, and then new ones."""
    overwrites = [event for event in start.events("empties", will=True, due=True) if event["atMs"]]
    if overwrites and not start.after.rows:
        yield "the damaged store was not overwritten"
    torn = not start.before.rows and any(name.endswith("sessions.json") for name in start.before.files)
    if torn and start.after.rows and not start.events("empties"):
        yield "a store was overwritten untold"


def _resumed(start: Start) -> Iterator[str]:
    """A conversation that was marked running or interrupted, and is no longer as it was, was resumed or failed."""
    marked = {key for key, row in start.before.rows.items() if row.get("status") == "running"}
    changed = {
        key
        for key in marked & set(start.after.rows)
        if (start.after.rows[key].get("status"), start.after.rows[key].get("updatedAt"))
        != (start.before.rows[key].get("status"), start.before.rows[key].get("updatedAt"))
    }
    sure = start.named("resumes", will=True, due=True)
    for key in sorted(sure - changed - (set(start.before.rows) - set(start.after.rows))):
        yield f"not resumed: {key}"
    for key in sorted(changed - start.named("resumes", "settles")):
        yield f"changed untold: {key} is {start.after.rows[key].get('status')}"


def _settled(start: Start) -> Iterator[str]:
    left = start.before.running & start.after.running
    told = sum(event["howMany"] for event in start.events("settles") if "marked running" in event["what"])
    told += start.counted("reaps")  # until they are removed
    resumed = start.named("resumes")
    if len(left - resumed) > told:
        yield f"{len(left - resumed)} sessions are still marked running, told were {told}: {sorted(left)[:5]}"
    sure = sum(event["howMany"] for event in start.events("settles", will=True) if "marked running" in event["what"])
    if len(left) < sure:
        yield f"{len(left)} sessions are still marked running, told were {sure}"


def _runs(start: Start) -> Iterator[str]:
    gone = start.before.runs - start.after.runs
    told = start.counted("sweeps", "settles", "announces", "resumes", "imports", "empties")
    if len(gone) > told:
        yield f"{len(gone)} subagent runs went, told were {told}: {sorted(gone)}"


def _turns(start: Start) -> Iterator[str]:
    told = sum(event["cost"]["turns"] for event in start.told)
    if len(start.asked) > told:
        yield f"{len(start.asked)} model turns, told were {told}"


_WRITTEN = ("openclaw.json", "restart-sentinel.json", "delivery-queue/", "cron/jobs.json", "subagents/")
"""Files of the operator's; what a gateway makes for itself is not told."""


def _files(start: Start) -> Iterator[str]:
    if start.before.config != start.after.config and not any(
        "openclaw.json" in event["what"] for event in start.told
    ):
        yield "openclaw.json was rewritten untold"
    gone = {name for name in start.before.files - start.after.files if name.startswith(_WRITTEN)}
    if "restart-sentinel.json" in gone and not start.events("notice"):
        yield "restart-sentinel.json went untold"
    messages = any(name.startswith("delivery-queue/") for name in gone)
    if messages and not start.events("sends", "gives-up", "imports", "writes"):
        yield "messages went untold"
    if "cron/jobs.json" in gone and not any("jobs.json" in event["what"] for event in start.told):
        yield "cron/jobs.json went untold"
    if "subagents/runs.json" in gone and not start.events("sweeps", "settles"):
        yield "subagents/runs.json went untold"
