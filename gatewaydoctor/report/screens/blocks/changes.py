"""What a plan changes or a run has changed, a line for what is done alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.fitting import Parted
from gatewaydoctor.report.screens.blocks.parts import View, grid, more
from gatewaydoctor.report.screens.blocks.starts import NAMED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from gatewaydoctor.model.repair.plan import Step

_FEWEST, _LEAST = 8, 3
"""So many changes are always shown, because people say yes to them, and with them the jobs that are disabled; the
latter where there is no room at all."""
_ID = len("00000000-0000-0000-0000-000000000000")


def changes(console: Console, steps: Sequence[Step], view: View, most: int | None = None) -> None:
    """What happens, a line for each job or step, at most so many; with -v every step by itself."""
    table = grid("change", "count", "size", left=1)
    rows = [(step,) for step in steps] if view.verbose else list(_alike(steps))
    most = most or max(view.rows or 0, _FEWEST if view.rows else _LEAST)
    shown = rows if view.rows is None else _first(rows, most)
    for group in shown:
        count, size = sum(step.count for step in group), sum(step.bytes for step in group)
        table.add_row(Parted(view.names.text(_change(group, view))), f"{count:,}", words.size(size) if size else "")
    console.print(table)
    more(console, len(shown), len(rows), "changes")


def in_brief(steps: Sequence[Step]) -> list[str]:
    """What each repair does, to how many things and of which size."""
    groups: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        groups.setdefault((step.repair, step.action), []).append(step)
    told = []
    for (repair, action), group in groups.items():
        size = sum(step.bytes for step in group)
        amount = f" ({words.size(size)})" if size else ""
        told.append(f"{repair}: {action} {sum(step.count for step in group):,}{amount}")
    return told


def _first(rows: Sequence[tuple[Step, ...]], most: int) -> Sequence[tuple[Step, ...]]:
    """So many of them, and those that disable a job, in their order."""
    return [group for at, group in enumerate(rows) if at < most or group[0].disables]


def _alike(steps: Sequence[Step]) -> Iterable[tuple[Step, ...]]:
    """Steps that remove runs of one job go together, and those that do the same in several stores or files."""
    groups: dict[tuple[str, ...], list[Step]] = {}
    for step in steps:
        job = _job(step)
        whose = step.target if step.disables else step.job_id or step.job_name or ""
        same = ("trim", job) if job else (step.repair, step.action, step.reason, whose)
        groups.setdefault(same, []).append(step)
    return map(tuple, groups.values())


def _job(step: Step) -> str:
    return step.job_id or step.job_name or "" if step.removes and step.repair == "trim" else ""


def _change(group: tuple[Step, ...], view: View) -> str:
    first = group[0]
    job = first.job_name or first.job_id
    if not _job(first) or view.verbose:
        owner = f" ({view.names.identifier(job, 'job')})" if job else ""
        if first.disables:
            return f"{first.repair}: disable {_first_names(first.sample, view)}"
        return f"{first.repair}: {first.action} {first.reason}{owner}"
    counts: Counter[str] = Counter()
    for step in group:
        counts[_sort(step.reason)] += step.count
    parts = ", ".join(f"{count:,} {sort}" for sort, count in counts.items())
    return f"remove runs of {_job_shown(first, view)} ({parts})"


def _job_shown(step: Step, view: View) -> str:
    """The name of a job, else its id: of a long one the first part, as -v has it whole."""
    if step.job_name:
        return view.names.identifier(step.job_name, "job")
    shown = view.names.identifier(step.job_id or "?", "job")
    first, joint, _ = shown.partition("-")
    return f"job {first}" if joint and len(shown) == _ID else shown


def _first_names(names: Sequence[str], view: View) -> str:
    shown = names if view.rows is None else names[:NAMED]
    left = len(names) - len(shown)
    return ", ".join(shown) + (f" and {left:,} more" if left else "")


def _sort(reason: str) -> str:
    """Why runs go, in a word or two."""
    if reason.startswith("stuck"):
        return "stuck"
    if reason.startswith("all but the newest"):
        return "extra"
    return reason.removeprefix("finished, ")
