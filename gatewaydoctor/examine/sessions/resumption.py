"""Which sessions the next start resumes, with model turns (docs/gateway.md sections 3 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.gateway.release import Resumes

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.entry import Entry

STALE_MS = 1_800_000
"""Age from which the gateway takes any transcript lock for stale (docs/gateway.md section 6)."""

_LEFT_OUT = frozenset({Kind.SUBAGENT, Kind.ACP, Kind.CRON_BASE, Kind.CRON_RUN})
_LOCK = ".jsonl.lock"


class Resumption:
    """What the release of a directory resumes; one that is not known counts as any. `gone` are lock files that will
    not be there any more. `children` are the keys, in lower case, that the subagent registry makes it resume."""

    def __init__(self, x: Examination, gone: Collection[Path] = ()) -> None:
        self._resumes = x.config.release.behaviour.resumes
        runs = x.subagents
        nothing = self._resumes is Resumes.NOTHING
        self.children = runs.open_children if nothing else runs.open_children | runs.timed_out_children
        self._locked = {
            (lock.path.parent, lock.path.name.removesuffix(_LOCK))
            for lock in x.locks
            if lock.path.name.endswith(_LOCK)
            and lock.path not in gone
            and (lock.liveness is Liveness.DEAD or (lock.age or 0) > STALE_MS)
        }

    @property
    def idle(self) -> bool:
        """Whether no row at all can be resumed."""
        return self._resumes is Resumes.NOTHING and not self.children

    def takes_up(self, entry: Entry, directory: Path) -> bool:
        """Whether the start resumes the entry of a store in `directory`, as it is there."""
        if self.takes_up_child(entry):
            return True
        if self._resumes is Resumes.NOTHING or entry.status is not Status.RUNNING:
            return False
        if entry.kind in _LEFT_OUT or entry.spawned:
            return False
        return (
            self._resumes is Resumes.RUNNING
            or entry.aborted_last_run
            or (directory, entry.session_id) in self._locked
        )

    def takes_up_child(self, entry: Entry) -> bool:
        """Whether it is resumed for its run in the subagent registry: the status is not asked for, nor the kind."""
        return entry.aborted_last_run and entry.key.lower() in self.children
