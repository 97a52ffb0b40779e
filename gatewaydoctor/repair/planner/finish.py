"""A draft that is complete, as a plan: only what its acts concern, the space it needs, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gatewaydoctor.model.repair.plan import Copy, Input, Move, Plan, Rewrite, StoreSummary, Summary, Transact
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.summary import store_summary, summarise
from gatewaydoctor.repair.planner.forecast import forecast
from gatewaydoctor.repair.planner.retrying import still_retrying
from gatewaydoctor.repair.planner.start import starts
from gatewaydoctor.repair.vault.codec import encode, with_id
from gatewaydoctor.repair.vault.layout import spell
from gatewaydoctor.repair.writing.guard import identity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from gatewaydoctor.model.repair.plan import Act
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.options import Repair
    from gatewaydoctor.repair.drafting.rows import DatabaseDraft, StoreDraft


def finished(draft: Draft, names: Collection[Repair]) -> Plan:
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
        lock_stores=x.config.release.behaviour.takes_store_lock,
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
            yield from (number for number in (act.replaces, act.like) if number is not None)
            yield from (each.source for each in act.segments if isinstance(each, Copy))


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
            msgspec.structs.replace(each, source=number[each.source]) if isinstance(each, Copy) else each
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
    private = (act.size + sum(plan.fingerprints[number].size for number in act.copied) for act in databases)
    copied += max(private, default=0)
    needed = new + old + copied + 2 * len(encode(plan)) if plan.acts else 0
    old += sum(plan.fingerprints[act.replaces].size for act in databases if act.replaces is not None)
    return msgspec.structs.replace(
        plan, space_needed=needed, space_freed=old - new + sum(seen.size for seen in moved)
    )


def _before(draft: Draft) -> Summary:
    moved = [draft.fingerprints[act.source].size for act in draft.moves]
    stores = tuple(_seen(draft, store) for store in draft.stores if store.facts.sessions is not None)
    databases = tuple(_seen_rows(draft, database) for database in draft.databases)
    return Summary(stores=(*stores, *databases), files=len(moved), file_bytes=sum(moved))


def _seen(draft: Draft, store: StoreDraft) -> StoreSummary:
    assert store.facts.sessions is not None
    return summarise(store.facts.sessions, spell(draft.real(store.path), draft.state_dir), store.facts.agent_id)


def _seen_rows(draft: Draft, database: DatabaseDraft) -> StoreSummary:
    text = spell(draft.real(database.path), draft.state_dir)
    counts = database.sessions.counts
    return store_summary(text, database.agent_id, counts, database.facts.database.size, database=True)


def _after(draft: Draft) -> Summary:
    sizes = {act.target: act.size for act in draft.acts if isinstance(act, Rewrite)}
    stores = []
    for store in draft.stores:
        if store.path in draft.rebuilt:
            continue
        text = spell(draft.real(store.path), draft.state_dir)
        if text in sizes:
            counts = store.counts(draft.options.end_as)
            stores.append(store_summary(text, store.facts.agent_id, counts, sizes[text]))
            if stores[-1].readable != "yes":
                draft.caution(
                    "The store will be repaired but still too large for the gateway: trim makes it smaller."
                )
        elif store.facts.sessions is not None and not draft.leaves(store.path):
            stores.append(_seen(draft, store))
    stores += [*draft.rebuilt.values()]
    for database in draft.databases:
        if database.path in draft.rebuilt or draft.leaves(database.path):
            continue
        if database.opened and database.changed:
            text = spell(draft.real(database.path), draft.state_dir)
            counts = database.counts(draft.options.end_as)
            stores.append(store_summary(text, database.agent_id, counts, database.at_most, database=True))
            stores[-1] = msgspec.structs.replace(stores[-1], at_most=True)
        else:
            stores.append(_seen_rows(draft, database))
    return Summary(stores=tuple(stores))
