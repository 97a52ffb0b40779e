"""slim: fields that the gateway rebuilds by itself leave the rows that are not running (gateway.md section 3)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.size import REBUILT_FIELDS
from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.drafting.rows import DatabaseDraft, StoreDraft
from gatewaydoctor.repair.drafting.shrink_need import too_large
from gatewaydoctor.storage.files.edit import field_spans
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import RowsDraft
    from gatewaydoctor.storage.sqlite.opened import Opened


def plan(draft: Draft, *, named: bool) -> None:
    for store in draft.opened:
        if named or too_large(draft, store):
            _slim(draft, store)


def _slim(draft: Draft, store: RowsDraft) -> None:
    slimmed: list[Entry] = []
    saved = 0
    by_key = {} if isinstance(store, StoreDraft) else _found_in_database(draft, store)
    for position, entry in store.entries():
        runs = entry.status is Status.RUNNING and "status" not in store.edits_of(position)
        if runs or not entry.valid:
            continue
        found = _found(draft, store, position) if isinstance(store, StoreDraft) else by_key.get(entry.key, {})
        for name in found:
            store.edit(position, name, None)
        if found:
            slimmed.append(entry)
            saved += sum(found.values())
    if isinstance(store, DatabaseDraft):
        store.saved += saved
    if slimmed:
        draft.step(
            Repair.SLIM,
            "drop rebuilt fields",
            store.path,
            " and ".join(REBUILT_FIELDS),
            [entry.key for entry in slimmed],
            saved,
            agent_id=store.agent_id,
            **of_people(slimmed),
        )


def _found(draft: Draft, store: StoreDraft, position: int) -> dict[str, int]:
    """Which of the fields a row has, with their sizes."""
    return _sizes(draft.value_of(store, position))


def _found_in_database(draft: Draft, store: RowsDraft) -> dict[str, dict[str, int]]:
    """The same for each row of a database that has one, by key."""
    has = " OR ".join(f"instr(entry_json, '\"{name}\"')" for name in REBUILT_FIELDS)
    statement = (
        f"SELECT session_key, CAST(entry_json AS BLOB) FROM session_nodes WHERE ({has}) "
        "AND session_key IN (SELECT value FROM json_each(?))"
    )
    keys = json.dumps([entry.key for _, entry in store.entries()])

    def read(opened: Opened) -> dict[str, dict[str, int]]:
        rows = opened.rows(statement, (keys,))
        return {str(key): _sizes(value) for key, value in rows if isinstance(value, bytes)}

    found = read_database_once(draft.fs, store.path, read)
    return {} if isinstance(found, DatabaseFault) else found


def _sizes(value: bytes) -> dict[str, int]:
    if not any(name.encode() in value for name in REBUILT_FIELDS):
        return {}
    try:
        spans = field_spans(value)
    except Illegal:
        return {}
    names = {name: b'"' + name.encode() + b'"' for name in REBUILT_FIELDS}
    return {
        name: member.value_end - member.key_start
        for member in spans
        for name, key in names.items()
        if value[member.key_start : member.key_end] == key
    }
