"""undo --merge: where the gateway has written since a run, put back only what is missing. What comes out is a plan
like any other, so it is shown, kept, verified and can itself be undone."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gatewaydoctor.model.command import typed
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS
from gatewaydoctor.model.gateway.store import Layout
from gatewaydoctor.model.repair.plan import (
    Copy,
    Fingerprint,
    Move,
    Note,
    Plan,
    Rewrite,
    Step,
    Summary,
    Transact,
)
from gatewaydoctor.model.repair.receipt import BEFORE_ACTING
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.draft import SAMPLE
from gatewaydoctor.repair.drafting.summary import store_summary, summarise
from gatewaydoctor.repair.planner.start import merged
from gatewaydoctor.repair.run.acts import ActState, standing
from gatewaydoctor.repair.run.context import changed_by, later_run, load_run
from gatewaydoctor.repair.run.originals import whole_copy
from gatewaydoctor.repair.run.undo import over
from gatewaydoctor.repair.vault.catalog import check_idle
from gatewaydoctor.repair.vault.codec import encode, with_id
from gatewaydoctor.repair.vault.layout import begun_at, spell
from gatewaydoctor.repair.writing.errors import InputChanged, VaultDamaged
from gatewaydoctor.repair.writing.guard import database_of, lstat_or_none, target_of
from gatewaydoctor.repair.writing.stream import content_of
from gatewaydoctor.state.cron.cron import jobs_of_copy
from gatewaydoctor.storage.files.sessions import FileSessions, read_sessions_file
from gatewaydoctor.storage.files.splice import Row, splice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.repair.plan import StoreSummary
    from gatewaydoctor.model.repair.receipt import Kept
    from gatewaydoctor.repair.run.context import RunContext
    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.repair.writing.tools import Tools
    from gatewaydoctor.system.fs import FileStat

NAME = "undo-merge"


def merge_plan(run: RunInfo, tools: Tools, x: Examination | None = None) -> Plan:
    """Rows that the run removed and that are not in the store now; files that it took away and that are not there.
    Everything else stays as it is. With `x`, what the directory holds now, the plan tells the next start. Raises
    NoSuchRun for a run that was undone, InputChanged for a store that cannot be read whole or a database that a later
    run changed, VaultDamaged and OSError."""
    check_idle(run)
    if run.state.over:
        raise over(run)
    if run.state in BEFORE_ACTING and lstat_or_none(tools.fs, run.place.manifest) is None:
        return with_id(Plan(created_at=tools.clock(), state_dir=str(run.place.state_dir), repairs=(NAME,)))
    merger = _Merger(load_run(tools, run.place, as_it_stands=True))
    for number in range(len(merger.context.plan.acts)):
        merger.take(number)
    if merger.lost and not merger.acts and not run.pending:
        raise VaultDamaged(
            f"The vault's copy of {merger.lost[0]} has changed, and nothing else is missing.",
            f"For details: `{run.place.command('runs', 'verify')}`.",
        )
    plan = merger.plan()
    if x is None or plan.empty:
        return plan
    real = {run.place.at(path): rows for path, rows in merger.added.items()}
    added = {store.read.ref.path: real.get(tools.fs.realpath(store.read.ref.path), ()) for store in x.stores}
    copy = merger.back.get(tools.fs.realpath(x.config.cron.store.value))
    jobs = jobs_of_copy(tools.fs, copy, x.cron, x.config.release) if copy else None
    return with_id(msgspec.structs.replace(plan, plan_id="", start_after=merged(x, added, jobs)))


class _Merger:
    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.fs = context.tools.fs
        self.fingerprints: list[Fingerprint] = []
        self.acts: list[Rewrite] = []
        self.steps: list[Step] = []
        self.left: list[str] = []
        self.lost: list[str] = []
        self.homeless: list[str] = []
        self.merged: set[str] = set()
        self.aside: list[str] = []
        self.before: list[StoreSummary] = []
        self.after: list[StoreSummary] = []
        self.added: dict[str, list[Entry]] = {}
        self.back: dict[Path, Path] = {}
        self.stores = {store.path: store for store in context.plan.after.stores}

    def take(self, number: int) -> None:
        act, kept = self.context.plan.acts[number], self.context.manifest.items[number]
        how = standing(self.context, number)[0]
        if kept is None or how is ActState.BEFORE:
            return
        target = target_of(act, self.context.plan)
        whole = whole_copy(self.context, number, kept)
        if whole is None:
            self.lost.append(target)
        elif lstat_or_none(self.fs, self.context.target(number).parent) is None:
            self.homeless.append(target)
        elif how is ActState.CHANGED and self._is_away(target):
            self._bring_back(whole, kept)
        elif how is ActState.CHANGED and self._made_anew(target):
            main = database_of(target) or target
            if later := later_run(self.context, self.context.place.at(main)):
                raise changed_by(main, later)
            self._set_aside(whole, kept)
        elif isinstance(act, Move):
            if how is ActState.AFTER:
                self._bring_back(whole, kept)
            else:
                self.left.append(target)
        elif target in self.stores and isinstance(act, Rewrite):
            try:
                self._merge_store(whole, act, kept)
                self.merged.add(target)
            except (FileNotFoundError, InputChanged):
                # Gone, for an import may have taken it, or damaged: nothing is merged into it, and nothing made
                # again.
                self.left.append(target)
        elif how is ActState.CHANGED:
            self.left.append(target)
        else:
            self._bring_back(whole, kept)

    def _is_away(self, target: str) -> bool:
        """Whether it is of a database that the run took away, and nothing is in the place of that and its logs."""
        main = database_of(target) or target
        group = [n for n, act in enumerate(self.context.plan.acts) if _is_of(target_of(act, self.context.plan), main)]
        edited = any(isinstance(self.context.plan.acts[number], Transact) for number in group)
        return edited and not any(lstat_or_none(self.fs, self.context.target(number)) for number in group)

    def _made_anew(self, target: str) -> bool:
        """Whether it is of a database that is neither what the run took away nor what it was to put there: a start
        made it where it found none, or a later run."""
        main = database_of(target) or target
        for number, act in enumerate(self.context.plan.acts):
            stat, kept = lstat_or_none(self.fs, self.context.target(number)), self.context.manifest.items[number]
            new = self.context.staged.get(number)
            if isinstance(act, Transact) and act.target == main and stat and kept and new and new.ino:
                return (stat.dev, stat.ino) not in {(kept.dev, kept.ino), (new.dev, new.ino)}
        return False

    def _set_aside(self, whole: Path, kept: Kept) -> None:
        """Next to the database that is there, as a recovery of the gateway leaves one: what that lacks can be taken
        from it."""
        source = self._stored(whole, kept)
        size = self.fingerprints[source].size
        target = f"{kept.path}.corrupt-{begun_at(self.context.place.run_id)}"
        if lstat_or_none(self.fs, self.context.place.at(target)) is not None:
            return
        segments = (Copy(source, 0, size),) if size else ()
        self.acts.append(
            Rewrite(target=target, segments=segments, size=size, replaces=None, like=source, keep_mtime=True)
        )
        reason = f"{Path(kept.path).name} next to the one that a start made since"
        self._step("put", target, reason, [Path(target).name], size)
        self.aside.append(target)

    def _stored(self, whole: Path, kept: Kept) -> int:
        """The original's copy as a source, dressed as the original was."""
        sha256 = content_of(self.fs, whole).sha256 if kept.moved else kept.sha256
        return self._fingerprint(whole, sha256, self.fs.lstat(whole), mode=kept.mode, uid=kept.uid, gid=kept.gid)

    def _fingerprint(self, path: Path, sha256: str | None, stat: FileStat, **attributes: int) -> int:
        own = {"mode": stat.mode, "uid": stat.uid, "gid": stat.gid} | attributes
        self.fingerprints.append(
            Fingerprint(
                path=spell(path, self.context.place.state_dir),
                dev=stat.dev,
                ino=stat.ino,
                size=stat.size,
                mtime_ns=stat.mtime_ns,
                nlink=stat.nlink,
                sha256=sha256,
                **own,
            )
        )
        return len(self.fingerprints) - 1

    def _bring_back(self, whole: Path, kept: Kept) -> None:
        """The file as it was, in its empty place or over what the run put there."""
        path = self.context.place.at(kept.path)
        source = self._stored(whole, kept)
        size = self.fingerprints[source].size
        stat = lstat_or_none(self.fs, path)
        replaces = None if stat is None else self._fingerprint(path, content_of(self.fs, path).sha256, stat)
        self.acts.append(
            Rewrite(
                target=kept.path,
                segments=(Copy(source, 0, size),),
                size=size,
                replaces=replaces,
                like=source,
                keep_mtime=True,
            )
        )
        self.back[path] = whole
        name = Path(kept.path).name
        self._step("put back", kept.path, f"{name} as it was before the run", [name], size)

    def _merge_store(self, whole: Path, act: Rewrite, kept: Kept) -> None:
        store = self.stores[kept.path]
        old = self._read(whole, kept.path)
        path = self.context.place.at(kept.path)
        now = self._read(path, kept.path)
        known = {key.lower() for key in now.table.all_keys()}
        missing = [entry for entry in _dropped(old, act) if entry.key.lower() not in known]
        if not missing:
            return
        self.added[kept.path] = missing
        current = self._fingerprint(path, now.reading.sha256, self.fs.lstat(path))
        source = self._stored(whole, kept)
        canonical = {
            number for number, each in ((current, now), (source, old)) if each.reading.layout is Layout.CANONICAL
        }
        rows = (*_rows(current, now.table), *_rows(source, missing))
        segments, size = splice(rows, canonical)
        self.acts.append(Rewrite(target=kept.path, segments=segments, size=size, replaces=current, like=current))
        last = {entry.key: entry for entry in missing}
        counts = now.counts + Counter((entry.kind, entry.status) for entry in last.values())
        self.before.append(summarise(now, kept.path, store.agent_id))
        self.after.append(store_summary(kept.path, store.agent_id, counts, size))
        people = sum(entry.kind not in MACHINE_KINDS for entry in missing)
        keys, total = [entry.key for entry in missing], sum(entry.bytes for entry in missing)
        self._step("add back", kept.path, "rows that the run removed and the store now lacks", keys, total, people)

    def _read(self, path: Path, name: str) -> FileSessions:
        with self.fs.open(path) as stream:
            sessions = read_sessions_file(stream, self.fs.stat(path).size, self.context.plan.main_key)
        if sessions.reading.fault is not None:
            raise InputChanged(
                f"{name} is damaged now or was before the run: its sessions cannot be merged.",
                "Run `gatewaydoctor scan`.",
            )
        return sessions

    def _step(self, action: str, target: str, reason: str, names: list[str], size: int, people: int = 0) -> None:
        self.steps.append(
            Step(
                repair=NAME,
                action=action,
                target=target,
                reason=reason,
                bytes=size,
                count=len(names),
                conversations=people,
                sample=tuple(names[:SAMPLE]),
            )
        )

    def plan(self) -> Plan:
        new = sum(act.size for act in self.acts)
        replaced = sum(self.fingerprints[act.replaces].size for act in self.acts if act.replaces is not None)
        made = Plan(
            created_at=self.context.tools.clock(),
            state_dir=str(self.context.place.state_dir),
            repairs=(NAME,),
            fingerprints=tuple(self.fingerprints),
            acts=tuple(self._acts()),
            steps=tuple(self.steps),
            before=Summary(stores=tuple(self.before)),
            after=Summary(stores=tuple(self.after)),
            space_freed=replaced - new,
            cautions=tuple(self._cautions()),
            main_key=self.context.plan.main_key,
            lock_stores=self.context.plan.lock_stores,
            undoes=self.context.place.run_id,
        )
        return with_id(msgspec.structs.replace(made, space_needed=new + replaced + 2 * len(encode(made))))

    def _acts(self) -> list[Rewrite]:
        """A database before its log: at no time is a log next to one that it does not belong to."""
        return sorted(self.acts, key=lambda act: database_of(act.target) is not None)

    def _cautions(self) -> Iterator[Note]:
        # Rows that the store still has keep what the run changed in them. Other files come back whole or not at all.
        edited = [step for step in self.context.plan.steps if step.target in self.merged and not step.removes]
        if edited:
            what = "; ".join(f"{each.repair}: {each.action} {each.reason} ({each.count:,})" for each in edited)
            yield Note(text=f"A merge adds what is missing and undoes no edit; these stay: {what}.")
        if self.aside:
            text = "A start made a database where the run had taken one away. To add what it lacks from that one:"
            yield Note(text=text, names=tuple(self.aside[:SAMPLE]), command=str(typed("repair", "salvage")))
        for names, one, several in (
            (
                self.left,
                "file has changed since the run, or replaced another one; kept as is",
                "files have changed since the run, or replaced others; kept as they are",
            ),
            (
                self.lost,
                "original has changed in the vault and will not be restored",
                "originals are no longer in the vault as they were, and do not come back",
            ),
            (
                self.homeless,
                "file cannot be restored: its directory is missing; create it first",
                "files cannot come back, for their directory is gone: make it again first",
            ),
        ):
            if names:
                yield Note(text=f"{plural(len(names), one, several)}.", names=tuple(names[:SAMPLE]))


def _is_of(target: str, main: str) -> bool:
    return main in (target, database_of(target))


def _dropped(old: FileSessions, act: Rewrite) -> Iterator[Entry]:
    """Rows of the old store that the new one copied no byte of."""
    return (entry for entry, stays in rows_of(old, act) if not stays)


def rows_of(old: FileSessions, act: Rewrite) -> Iterator[tuple[Entry, bool]]:
    """Every row of the old store, and whether the new one holds it."""
    own = (each for each in act.segments if isinstance(each, Copy) and each.source == act.replaces)
    ranges = sorted((each.start, each.end) for each in own)
    starts = [start for start, _ in ranges]
    for entry in old.table:
        place = bisect_right(starts, entry.start) - 1
        yield entry, not (place < 0 or ranges[place][1] <= entry.start)


def _rows(number: int, entries: Iterable[Entry]) -> list[Row]:
    return [Row(number, entry.start, entry.value_start, entry.end) for entry in entries]
