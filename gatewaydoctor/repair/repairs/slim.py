"""slim: fields that the gateway rebuilds by itself leave the rows that are not running (facts.md section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.size import REBUILT_FIELDS
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.drafting.shrink_need import too_large
from gatewaydoctor.storage.files.edit import field_spans
from gatewaydoctor.storage.files.grammar import Illegal

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft


def plan(draft: Draft, *, named: bool) -> None:
    for store in draft.stores:
        if not store.opened:
            continue
        if named or too_large(draft, store):
            _slim(draft, store)


def _slim(draft: Draft, store: StoreDraft) -> None:
    slimmed: list[Entry] = []
    saved = 0
    for position, entry in store.entries():
        runs = entry.status is Status.RUNNING and "status" not in store.edits_of(position)
        if runs or not entry.valid:
            continue
        found = _found(draft, store, position)
        for name in found:
            store.edit(position, name, None)
        if found:
            slimmed.append(entry)
            saved += sum(found.values())
    if slimmed:
        draft.step(
            Repair.SLIM,
            "drop rebuilt fields",
            store.path,
            f"{' and '.join(REBUILT_FIELDS)}; the gateway writes them again at the next turn",
            [entry.key for entry in slimmed],
            saved,
            agent_id=store.facts.agent_id,
            **of_people(slimmed),
        )


def _found(draft: Draft, store: StoreDraft, position: int) -> dict[str, int]:
    """Which of the fields a row has, with their sizes."""
    value = draft.value_of(store, position)
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
