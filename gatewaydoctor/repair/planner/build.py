"""build_plan(): from what was examined to a plan. Pure but for reading: nothing here writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gatewaydoctor.examine.inputs import identities
from gatewaydoctor.model.gateway.config import Policy
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.repair.plan import Input, Move, Plan, Refusal, Rewrite, StoreSummary, Summary, Transact
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.databases import open_databases, write_databases
from gatewaydoctor.repair.drafting.draft import Draft
from gatewaydoctor.repair.drafting.named import say_unused
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.drafting.summary import store_summary, summarise
from gatewaydoctor.repair.planner.forecast import forecast
from gatewaydoctor.repair.planner.retrying import disable_retrying, still_retrying
from gatewaydoctor.repair.planner.start import starts
from gatewaydoctor.repair.repairs import (
    databases,
    expire,
    leftover,
    locks,
    missing,
    orphans,
    paths,
    queues,
    salvage,
    slim,
    subagents,
    temps,
    transcripts,
    trim,
)
from gatewaydoctor.repair.repairs.cron import cron
from gatewaydoctor.repair.vault.codec import encode, with_id
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
    from gatewaydoctor.model.repair.plan import Act
    from gatewaydoctor.repair.drafting.options import Options
    from gatewaydoctor.repair.drafting.rows import DatabaseDraft, StoreDraft
    from gatewaydoctor.system.fs import ReadFs

PLANNERS: dict[Repair, Callable[..., None]] = {
    Repair.SALVAGE: salvage.plan,
    Repair.TRIM: trim.plan,
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
    Repair.QUEUES: queues.plan,
}
"""In the order in which a plan takes them up: what an earlier one takes away, a later one does not repair."""

_ON_REQUEST = frozenset(
    {Repair.PATHS, Repair.ORPHANS, Repair.LOCKS, Repair.CRON, Repair.JOBS, Repair.COMPACT, Repair.QUEUES}
)
RECOMMENDED = tuple(repair for repair in Repair if repair not in _ON_REQUEST)
"""What a plan without names examines. Each adds something only where a finding calls for it."""

_ROWS = frozenset({Repair.TRIM, Repair.MISSING, Repair.PATHS, Repair.EXPIRE, Repair.SLIM})


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
            _say_again(draft, names)
            say_unused(draft)
        plan = _finished(draft, names)
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


def _say_again(draft: Draft, names: Collection[Repair]) -> None:
    """Repairs by rows, and of the transcripts that rows name, wait until a store is whole."""
    if not names and (draft.rebuilt or any(store.rebuilt for store in draft.stores)):
        draft.caution(
            "Repairs that depend on the rows of a rebuilt store are planned after this one. Run again then:",
            command="gatewaydoctor repair",
        )


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
            open_databases(draft, min(_ROWS & names, default=Repair.TRIM), named=bool(_ROWS & names))
        if repair in names or (not names and repair in RECOMMENDED):
            planner(draft, named=repair in names)
    if draft.options.disable_retrying:
        disable_retrying(draft, also_cron=Repair.CRON in names)


def _damaged(*, salvaged: bool) -> OutOfReach:
    if salvaged:
        return OutOfReach("Salvage found nothing in the store to recover.", "Look for a copy in the backups.")
    return OutOfReach(
        "The store is damaged, so not all of its sessions are known.", "Run salvage too: add it to the command."
    )


def _open_stores(draft: Draft, names: frozenset[Repair]) -> None:
    """Take up the rows of every store that is whole. What salvage has rebuilt is open already."""
    asked = sorted(_ROWS & names) or [Repair.TRIM]
    for store in draft.stores:
        read = store.facts.read
        if store.opened or read.survey is None or read.stat is None:
            continue
        if not read.whole:
            if _ROWS & names:
                reason = _damaged(salvaged=Repair.SALVAGE in names)
                draft.refuse(asked[0], store.path, reason)
            continue
        try:
            store.open(draft.fingerprint(store.path, read.survey.verdict.sha256, read.stat))
        except (OutOfReach, OSError) as error:
            draft.refuse(asked[0], store.path, error)


def _write_stores(draft: Draft) -> None:
    for store in draft.stores:
        if not store.opened or not store.changed:
            continue
        if store.rebuilt:
            # Which copies there are decided too.
            draft.judge_by(store.path.parent)
        canonical = {source.number for source in store.sources if source.canonical}
        segments, size = splice(store.rows(draft.read), canonical)
        text = spell(draft.real(store.path), draft.state_dir)
        own = next((n for n, seen in enumerate(draft.fingerprints) if seen.path == text), None)
        if own is None:
            draft.create(store.path, segments, size, like=store.sources[0].number)
        else:
            draft.rewrite(own, segments, size)


def _finished(draft: Draft, names: Collection[Repair]) -> Plan:
    x = draft.x
    # New content first: nothing that a row still names goes before the row does.
    acts = (*draft.acts, *draft.moves)
    used = {number for act in acts for number in _concerned(act)}
    _say_links(draft, acts)
    start_before, start_after = starts(draft) if acts else ((), ())
    plan = Plan(
        created_at=x.now,
        state_dir=str(draft.state_dir),
        repairs=tuple(sorted(names)) or tuple(dict.fromkeys(step.repair for step in draft.steps)),
        options=draft.options.words(),
        fingerprints=tuple(draft.fingerprints),
        inputs=draft.inputs(),
        acts=acts,
        steps=tuple(draft.steps),
        before=_before(draft),
        after=_after(draft),
        refusals=tuple(draft.refusals),
        cautions=tuple(draft.cautions),
        forecast=forecast(draft) if acts else (),
        retrying=still_retrying(draft),
        start_before=start_before,
        start_after=start_after,
        main_key=x.config.main_key.value,
        # From 2026.5.2 on a gateway takes no such lock and ignores one that is there (docs/gateway.md section 6).
        torn=draft.torn,
        lock_stores=x.config.release.policy in (Policy.V2026_3_28, Policy.V2026_4_25, None),
    )
    return with_id(_with_space(_compact(plan, sorted(used))))


def _concerned(act: Act) -> Iterator[int]:
    """Fingerprints that an act concerns."""
    match act:
        case Move(source=source):
            yield source
        case Transact(sources=sources):
            yield from (*act.concerned, *sources)
        case Rewrite():
            numbers = (act.replaces, act.like, *(getattr(each, "source", None) for each in act.segments))
            yield from (number for number in numbers if number is not None)


def _say_links(draft: Draft, acts: Iterable[Act]) -> None:
    """Files with another name do not come back as they were: undo makes a file, not a link."""
    numbers = (act.source if isinstance(act, Move) else act.replaces for act in acts)
    linked = [seen.path for n in numbers if n is not None and (seen := draft.fingerprints[n]).nlink > 1]
    if linked:
        files = plural(len(linked), "file of this plan has", "files of this plan have")
        draft.caution(
            f"{files} another name (hard link). The other name keeps the old content, and undo "
            "restores a separate file, not a link.",
            linked,
        )


def _compact(plan: Plan, used: list[int]) -> Plan:
    """The plan with those files that no act concerns among its inputs: an apply need not read them again."""
    number = {old: new for new, old in enumerate(used)}

    def renumbered(act: Act) -> Act:
        if isinstance(act, Move):
            return Move(source=number[act.source])
        if isinstance(act, Transact):
            log, sources = (tuple(number[each] for each in those) for those in (act.log, act.sources))
            replaces = None if act.replaces is None else number[act.replaces]
            return msgspec.structs.replace(act, replaces=replaces, log=log, sources=sources)
        segments = tuple(
            msgspec.structs.replace(each, source=number[each.source]) if hasattr(each, "source") else each
            for each in act.segments
        )
        return msgspec.structs.replace(
            act,
            segments=segments,
            replaces=None if act.replaces is None else number[act.replaces],
            like=None if act.like is None else number[act.like],
        )

    judged = (
        Input(path=seen.path, seen=identity(seen)) for at, seen in enumerate(plan.fingerprints) if at not in number
    )
    return msgspec.structs.replace(
        plan,
        inputs=(*judged, *plan.inputs),
        fingerprints=tuple(plan.fingerprints[old] for old in used),
        acts=tuple(renumbered(act) for act in plan.acts),
    )


def _with_space(plan: Plan) -> Plan:
    """Bytes an apply may need at once, with the vault inside the state directory, and bytes less afterwards outside
    of the vault."""
    new = sum(act.size for act in plan.acts if not isinstance(act, Move))
    replaced = [act.replaces for act in plan.acts if isinstance(act, Rewrite) and act.replaces is not None]
    databases = [act for act in plan.acts if isinstance(act, Transact)]
    old = sum(plan.fingerprints[number].size for number in replaced)
    moved = [plan.fingerprints[act.source] for act in plan.acts if isinstance(act, Move)]
    # A database is copied to be worked on, and its original moves to the vault.
    copied = sum(seen.size for seen in moved if seen.nlink > 1)
    private = (act.size + sum(plan.fingerprints[number].size for number in act.concerned) for act in databases)
    copied += max(private, default=0)
    needed = new + old + copied + 2 * len(encode(plan)) if plan.acts else 0
    old += sum(plan.fingerprints[act.replaces].size for act in databases if act.replaces is not None)
    return msgspec.structs.replace(
        plan, space_needed=needed, space_freed=old - new + sum(seen.size for seen in moved)
    )


def _before(draft: Draft) -> Summary:
    moved = [draft.fingerprints[act.source].size for act in draft.moves]
    stores = tuple(_seen(draft, store) for store in draft.stores if store.facts.survey is not None)
    databases = tuple(_seen_rows(draft, database) for database in draft.databases)
    return Summary(stores=(*stores, *databases), files=len(moved), file_bytes=sum(moved))


def _seen(draft: Draft, store: StoreDraft) -> StoreSummary:
    assert store.facts.survey is not None
    return summarise(store.facts.survey, spell(draft.real(store.path), draft.state_dir), store.facts.agent_id)


def _seen_rows(draft: Draft, database: DatabaseDraft) -> StoreSummary:
    text = spell(draft.real(database.path), draft.state_dir)
    counts = database.sessions.counts
    return store_summary(text, database.agent_id, counts, database.facts.database.size, database=True)


def _after(draft: Draft) -> Summary:
    sizes = {act.target: act.size for act in draft.acts if isinstance(act, Rewrite)}
    stores = []
    for store in draft.stores:
        text = spell(draft.real(store.path), draft.state_dir)
        if text in sizes:
            counts = store.counts(draft.options.end_as)
            stores.append(store_summary(text, store.facts.agent_id, counts, sizes[text]))
            if stores[-1].readable != "yes":
                draft.caution(
                    "The store will be repaired but still too large for the gateway: trim makes it smaller."
                )
        elif store.facts.survey is not None:
            stores.append(_seen(draft, store))
    stores += [*draft.rebuilt.values()]
    for database in draft.databases:
        if database.path in draft.rebuilt:
            continue
        if database.opened and database.changed:
            text = spell(draft.real(database.path), draft.state_dir)
            counts = database.counts(draft.options.end_as)
            stores.append(store_summary(text, database.agent_id, counts, database.at_most, database=True))
            stores[-1] = msgspec.structs.replace(stores[-1], at_most=True)
        else:
            stores.append(_seen_rows(draft, database))
    return Summary(stores=tuple(stores))
