"""What a salvage of databases tells: what comes back, from where, and what is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from gatewaydoctor.examine.databases.inventory import EVENTS, Inventory
from gatewaydoctor.examine.databases.setaside import is_people
from gatewaydoctor.model.gateway.entry import Kind, Status, parse_key
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.repair.plan import RECOVER, STAYS
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.databases.columns import columns_lacking, columns_left
from gatewaydoctor.repair.databases.owners import recovered_key
from gatewaydoctor.repair.databases.rebuild import losses, refused
from gatewaydoctor.repair.databases.tables import is_of_memory, is_of_view, is_vectors
from gatewaydoctor.repair.drafting.draft import SAMPLE, of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.drafting.summary import store_summary
from gatewaydoctor.repair.vault.layout import spell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from gatewaydoctor.model.repair.edits import Rebuild
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.storage.database.rescue import Rescue
    from gatewaydoctor.storage.sqlite.opened import SchemaItem


class _Named(Struct, frozen=True):
    """A session as far as its key tells."""

    key: str
    kind: Kind


class Target(Struct, frozen=True):
    """A database to be made again."""

    role: DatabaseRole
    path: Path
    agent_id: str | None


class SetAside(Struct):
    """A set-aside database: what is in it, and the keys that are taken from it."""

    path: Path
    rescue: Rescue
    inventory: Inventory
    keys: list[str] = field(default_factory=list)


def recovered(target: Target, inventory: Inventory, copies: Sequence[SetAside]) -> set[str]:
    """Keys under which transcripts of unknown owner come back."""
    known = {copy.inventory.rows[key].session_id for copy in copies for key in copy.keys}
    for copy in copies:
        keys = set(copy.keys)
        known |= {session_id for session_id, window in copy.inventory.windows.items() if window.key in keys}
    return {recovered_key(target.agent_id, each) for each in inventory.unowned - known}


def _named(keys: Iterable[str]) -> list[_Named]:
    return [_Named(key, parse_key(key).kind) for key in keys]


def _step(draft: Draft, path: Path, target: Target, reason: str, keys: Sequence[str], size: int) -> None:
    about = of_people(_named(keys))
    touched = about["touched"]
    about["touched"] = touched[:SAMPLE] if isinstance(touched, tuple) else ()
    draft.step(Repair.SALVAGE, RECOVER, path, reason, list(keys), size, agent_id=target.agent_id, **about)


def tell(
    draft: Draft,
    target: Target,
    own: Rescue | None,
    inventory: Inventory,
    copies: Sequence[SetAside],
    edit: Rebuild,
    chosen: Sequence[SchemaItem],
) -> None:
    """`chosen` is the schema of the new database."""
    rows, unfit = edit.rows, refused(own, edit, chosen) if own is not None else {}
    if target.role is DatabaseRole.STATE and own is not None:
        jobs = [str(job) for (job,) in own.rows("cron_jobs", ("job_id",))]
        reason = f"rows of the damaged state database; {plural(sum(rows.values()), 'row')} in all"
        draft.step(Repair.SALVAGE, RECOVER, target.path, reason, jobs or [target.path.name], 0)
    elif own is not None:
        keys = [*inventory.rows, *sorted(recovered(target, inventory, copies))]
        events = plural(sum(inventory.events.values()) - unfit.get(EVENTS, 0), "event")
        _step(
            draft,
            target.path,
            target,
            f"sessions of the {'damaged ' if inventory.damaged or own.strays or own.untold else ''}database, "
            f"with {events}",
            keys,
            sum(row.bytes for row in inventory.rows.values()),
        )
    remade = _remade(inventory, copies)
    if remade:
        _step(draft, target.path, target, "sessions whose rows are lost, from their windows", remade, 0)
    for copy in copies:
        sizes = sum(copy.inventory.rows[key].bytes for key in copy.keys)
        _step(draft, copy.path, target, "sessions that only this copy still has", copy.keys, sizes)
    _warn(draft, target, inventory, copies)
    if own is not None:
        _say_losses(draft, own, rows)
        _say_columns(draft, own, edit, chosen)
    if unfit:
        draft.torn += unfit.get(EVENTS, 0)
        draft.caution(f"Rows that break a constraint of their table stay {STAYS}: {_by_table(unfit)}.")


def _remade(inventory: Inventory, copies: Sequence[SetAside]) -> list[str]:
    """Keys of sessions that get a row again because their windows are left and no copy has the row."""
    return sorted(set(inventory.remade) - {key for copy in copies for key in copy.keys})


def _warn(draft: Draft, target: Target, inventory: Inventory, copies: Sequence[SetAside]) -> None:
    brought = {key for copy in copies for key in copy.keys}
    remade = _remade(inventory, copies)
    if remade:
        draft.caution(
            f"The rows of {plural(len(remade), 'session')} are lost and made again from their windows: transcripts "
            "are kept, labels and settings are not.",
            remade,
        )
    alone = sorted(recovered(target, inventory, copies))
    if alone:
        draft.caution(
            f"{plural(len(alone), 'transcript is', 'transcripts are')} left without the session they belonged "
            "to. Each comes back as a session of its own.",
            alone,
        )
    lost = sorted(set(inventory.lost or ()) - brought - set(remade))
    if lost:
        people = [key for key in lost if is_people(key)]
        draft.torn += len(lost)
        draft.caution(
            f"{plural(len(lost), 'session is', 'sessions are')} lost, {len(people):,} of them "
            f"{'conversation' if len(people) == 1 else 'conversations'}: only the key is left.",
            dict.fromkeys((*people, *lost)),
            keep=max(SAMPLE, len(people)),
        )


def _say_losses(draft: Draft, own: Rescue, rows: dict[str, int]) -> None:
    missing, unknown, mixed = losses(own, rows)
    draft.torn += missing.get(EVENTS, 0) + len(unknown) + len(mixed) + (EVENTS in own.untold)
    if own.untold:
        draft.caution(
            f"Of {plural(len(own.untold), 'table')} no page can be identified without the schema that is lost: what "
            "they held is lost too.",
            sorted(own.untold, key=lambda name: (name != EVENTS, name)),
        )
    cut = {table: count for table in rows if (count := own.zeroed(table))}
    if cut:
        draft.torn += cut.get(EVENTS, 0)
        draft.caution(
            f"Rows of which a part is zeros, as what was there may be lost, come back so: {_by_table(cut)}."
        )
    if own.unplaced:
        draft.torn += 1
        draft.caution(f"Rows whose table is not known stay {STAYS}: {own.unplaced:,}.")
    if missing:
        draft.caution(f"Rows that the indexes list and that cannot be read: {_by_table(missing)}.")
    if unknown:
        draft.caution(
            "Pages are lost, and how many rows they had is unknown: the index of each table is damaged too.",
            unknown,
        )
    if mixed:
        draft.caution(
            "A page of something else is among those of a table: how many of its rows are lost is unknown, and "
            "foreign ones may come back in it:",
            mixed,
        )


def _by_table(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} of {table}" for table, count in sorted(rows.items()))


def _say_columns(draft: Draft, own: Rescue, edit: Rebuild, chosen: Sequence[SchemaItem]) -> None:
    left = columns_left(own, chosen, edit)
    if left:
        parts = ", ".join(f"{plural(count, 'value')} of {name}" for name, count in sorted(left.items()))
        draft.caution(f"Columns that its release does not have stay {STAYS}: {parts}.")
    made = {item.name for item in chosen if item.kind == "trigger" and not is_of_view(item, chosen)}
    others = sorted(
        item.name
        for item in own.schema
        if item.kind == "view" or (item.kind == "trigger" and item.name not in made and not is_of_memory(item))
    )
    if others:
        draft.caution(f"Views and triggers that are not the gateway's stay {STAYS}:", others)
    vectors = [item.name for item in own.schema if is_vectors(item)]
    if vectors:
        draft.caution(
            f"The index of vectors stays {STAYS}; each text keeps its own. "
            "`openclaw memory index` makes the index again:",
            vectors,
        )
    lacking = columns_lacking(own, chosen)
    if lacking:
        draft.caution(
            "Columns that the damaged database lacks are empty, or have their default, in each row:", lacking
        )


def summarise(draft: Draft, target: Target, inventory: Inventory, copies: Sequence[SetAside], size: int) -> None:
    counts: dict[tuple[Kind, Status], int] = {}
    words = {key: row.status for key, row in inventory.rows.items()}
    for copy in copies:
        words |= {key: copy.inventory.rows[key].status for key in copy.keys}
    for key, session_id in inventory.remade.items():
        words.setdefault(key, inventory.windows[session_id].status)
    for key in recovered(target, inventory, copies):
        words.setdefault(key, None)
    for key, word in words.items():
        known = word if word in {each.value for each in Status} else Status.UNKNOWN.value
        pair = parse_key(key).kind, Status(known)
        counts[pair] = counts.get(pair, 0) + 1
    text = spell(draft.real(target.path), draft.state_dir)
    summary = store_summary(text, target.agent_id or "", counts, size, database=True)
    draft.rebuilt[target.path] = replace(summary, at_most=True)
