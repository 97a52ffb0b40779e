"""build_plan(): from what was examined to a plan. Pure but for reading: nothing here writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.examine.inputs import identities
from gatewaydoctor.model.command import typed
from gatewaydoctor.model.database.health import Quarantined
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.repair.plan import Plan, Refusal
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.databases import open_databases, without_log, write_databases
from gatewaydoctor.repair.drafting.draft import Draft
from gatewaydoctor.repair.drafting.named import say_unused
from gatewaydoctor.repair.drafting.options import REPAIRS, Repair
from gatewaydoctor.repair.drafting.shrink_need import is_heavy
from gatewaydoctor.repair.planner.finish import finished
from gatewaydoctor.repair.planner.retrying import disable_retrying, say_elsewhere
from gatewaydoctor.repair.repairs.cron import cron
from gatewaydoctor.repair.repairs.files import locks, orphans, space, temps, transcripts
from gatewaydoctor.repair.repairs.registry import queues, subagents
from gatewaydoctor.repair.repairs.sessions import expire, missing, parking, paths, slim, trim, unparking
from gatewaydoctor.repair.repairs.stores import databases, imports, leftover, salvage
from gatewaydoctor.repair.vault.layout import spell
from gatewaydoctor.repair.writing.errors import InputChanged, OutOfReach
from gatewaydoctor.repair.writing.guard import identity
from gatewaydoctor.storage.files.splice import splice

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.world import Progress
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.repair.drafting.options import Options
    from gatewaydoctor.system.fs import ReadFs

PLANNERS: dict[Repair, Callable[..., None]] = {
    Repair.SALVAGE: salvage.plan,
    Repair.TRIM: trim.plan,
    Repair.PARK: parking.plan,
    Repair.UNPARK: unparking.plan,
    Repair.MISSING: missing.plan,
    Repair.PATHS: paths.plan,
    Repair.EXPIRE: expire.plan,
    Repair.SLIM: slim.plan,
    Repair.ORPHANS: orphans.plan,
    Repair.TRANSCRIPTS: transcripts.plan,
    Repair.LOCKS: locks.plan,
    Repair.TEMPS: temps.plan,
    Repair.CRON: cron.plan,
    Repair.SUBAGENTS: subagents.plan,
    Repair.LEFTOVER: leftover.plan,
    Repair.LOGS: databases.plan_logs,
    Repair.QUARANTINE: databases.plan_quarantine,
    Repair.SCHEMA: databases.plan_schema,
    Repair.JOBS: databases.plan_jobs,
    Repair.COMPACT: databases.plan_compact,
    Repair.IMPORT: imports.plan,
    Repair.QUEUES: queues.plan,
    Repair.SPACE: space.plan,
}
"""In the order in which a plan takes them up: what an earlier one takes away, a later one does not repair."""

_EDIT_ROWS = frozenset(repair for repair, spec in REPAIRS.items() if spec.edits_rows)


def build_plan(
    x: Examination,
    findings: Iterable[Finding],
    names: Collection[Repair],
    options: Options,
    fs: ReadFs,
    progress: Progress,
) -> Plan:
    """The plan for these repairs, or for everything recommended where none is named. `findings` are those of `x`.
    What cannot be done is among the plan's refusals. Raises OSError where a file that was examined cannot be read any
    more, and InputChanged where something changed since it was examined."""
    _check_settled(x, fs)
    draft = Draft(x, fs, options, findings, progress)
    try:
        if refused := _newer_schema(draft):
            draft.refusals.append(refused)
        else:
            _plan(draft, frozenset(names))
            _write_stores(draft)
            write_databases(draft)
            leftover.follow(draft)
            _say_lost_logs(draft)
            _say_again(draft, names)
            say_unused(draft)
        plan = finished(draft, names)
    except Exception as error:
        # Bytes that moved under the plan make no sense, in any way.
        _check_settled(x, fs)
        if isinstance(error, FileNotFoundError):
            raise _moved(x, error.filename or "A file", "is gone") from error
        raise
    finally:
        draft.close()
    _check_settled(x, fs)
    return plan


def _check_settled(x: Examination, fs: ReadFs) -> None:
    """Raises InputChanged where something that the plan is judged by is not what was examined."""
    if x.unsettled:
        raise _moved(x, min(x.unsettled), "changed")
    now = identities(fs, x.inputs)
    for path, seen in x.inputs.items():
        if path in now and identity(now[path]) != identity(seen):
            how = "has appeared" if seen is None else "is gone" if now[path] is None else "changed"
            raise _moved(x, path, how)


def _moved(x: Examination, path: Path | str, how: str) -> InputChanged:
    running = x.gateway.liveness is Liveness.LIVE
    hint = "Stop the gateway, then" if running else "Stop what writes there (fuser and lsof name it), then"
    return InputChanged(f"{path} {how} while the plan was made.", f"{hint} run the same command again.")


def _say_lost_logs(draft: Draft) -> None:
    """Of databases whose last commits are lost: their age shows it until they are made again."""
    lost = [each.path for each in draft.x.health.databases if each.log_lost]
    made = [path for path in lost if draft.taken(path)]
    if made:
        files = plural(len(made), "database")
        draft.caution(
            f"What the log of {files} held is lost. Look for the -wal before this is applied: afterwards no file "
            "shows that commits are missing.",
            map(str, made),
        )
    elif lost:
        files = plural(
            len(lost),
            "database is left as it is, because what its log",
            "databases are left as they are, because what their logs",
        )
        draft.caution(f"{files} held is lost: put the -wal back, or name a repair to go on without.", map(str, lost))


def _say_again(draft: Draft, names: Collection[Repair]) -> None:
    """Rows of a database are repaired, and compared with a sessions.json, once they are in the new one."""
    why = sorted({reason for path in draft.rebuilt for reason in _waiting(draft, path)})
    if any(without_log(draft)):
        why.append("the rows can be read once the log is repaired")
    if draft.x.health.beside_foreign_logs:
        why.append("rows are compared once the foreign log is gone")
    if not names and why:
        draft.caution(
            f"More repairs may follow: {', and '.join(why)}. See them then:",
            todo=typed("repair"),
        )


def _waiting(draft: Draft, path: Path) -> Iterator[str]:
    """What a plan for the database that is made may take up and this one does not."""
    new = draft.rebuilt[path]
    if running := new.status.get(Status.RUNNING.value, 0):
        yield f"{plural(running, 'rebuilt session is', 'rebuilt sessions are')} marked running"
    if is_heavy(new.bytes) or new.entries > draft.x.config.maintenance.max_entries.value:
        yield f"it has {plural(new.entries, 'session')}"
    if any(each.agent_id == new.agent_id and each.entries for each in draft.x.health.leftovers):
        yield "a sessions.json is left next to the database"
    checked = (each for each in draft.x.health.databases if each.path == path)
    if any(isinstance(problem, Quarantined) for each in checked for problem in each.problems):
        yield "it is quarantined"


def _newer_schema(draft: Draft) -> Refusal | None:
    newer = [database for database in draft.x.eras.databases if database.newer_schema]
    if not newer:
        return None
    return Refusal(
        repair="all",
        target=spell(draft.real(newer[0].path), draft.state_dir),
        reason="A newer gateway release has written here, with a schema this gatewaydoctor does not "
        "know. Nothing was changed.",
        hint="Use a newer gatewaydoctor.",
    )


def _plan(draft: Draft, names: frozenset[Repair]) -> None:
    for repair, planner in PLANNERS.items():
        if repair is Repair.TRIM:
            _open_stores(draft, names)
            open_databases(draft, min(_EDIT_ROWS & names, default=Repair.TRIM), named=bool(_EDIT_ROWS & names))
        if repair in names or (not names and REPAIRS[repair].recommended):
            planner(draft, named=repair in names)
    if draft.options.disable_retrying:
        disable_retrying(draft, also_cron=Repair.CRON in names)
    if draft.steps:
        say_elsewhere(draft)


def _damaged(*, salvaged: bool) -> OutOfReach:
    if salvaged:
        return OutOfReach("Salvage found nothing in the store to recover.", "Look for a copy in the backups.")
    return OutOfReach(
        "The store is damaged, so not all of its sessions are known.", "Run salvage too: add it to the command."
    )


def _open_stores(draft: Draft, names: frozenset[Repair]) -> None:
    """Take up the rows of every store that is whole. What salvage has rebuilt is open already."""
    asked = sorted(_EDIT_ROWS & names) or [Repair.TRIM]
    for store in draft.stores:
        read = store.facts.read
        if store.opened or read.sessions is None or read.stat is None:
            continue
        if not read.whole:
            if _EDIT_ROWS & names:
                reason = _damaged(salvaged=Repair.SALVAGE in names)
                draft.refuse(asked[0], store.path, reason)
            continue
        try:
            store.open(draft.fingerprint(store.path, read.sessions.reading.sha256, read.stat))
        except (OutOfReach, OSError) as error:
            draft.refuse(asked[0], store.path, error)


def _write_stores(draft: Draft) -> None:
    for store in draft.stores:
        if not store.opened or not store.changed:
            continue
        if store.rebuilt:
            # Which copies there are decided too.
            draft.depends_on(store.path.parent)
        canonical = {source.number for source in store.sources if source.canonical}
        segments, size = splice(store.rows(draft.read), canonical)
        text = spell(draft.real(store.path), draft.state_dir)
        own = next((n for n, seen in enumerate(draft.fingerprints) if seen.path == text), None)
        if own is None:
            draft.create(store.path, segments, size, like=store.sources[0].number)
        else:
            draft.rewrite(own, segments, size)
