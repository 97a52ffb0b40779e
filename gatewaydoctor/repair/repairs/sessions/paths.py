"""paths: absolute sessionFile paths of another host are rewritten by one map, where the file is there and is the
session's. Only on request: seen from outside a container, its right paths look foreign (gateway.md, failure 7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.transcript import HeaderState, PointerKind
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.sessions.missing import pointers_of
from gatewaydoctor.state.history.pathmap import mapped
from gatewaydoctor.state.history.transcripts import check_transcript

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.transcript import PathMap
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft


def plan(draft: Draft, *, named: bool) -> None:
    if not named:
        return
    for store in draft.stores:
        if store.opened and (maps := _maps(draft, store)):
            _rewrite(draft, store, maps)


def _maps(draft: Draft, store: StoreDraft) -> tuple[PathMap, ...]:
    """The maps that were given, else the one the rows themselves support."""
    if draft.options.path_maps:
        return draft.options.path_maps
    pointers = store.facts.pointers
    return (pointers.derived.map,) if pointers is not None and pointers.derived is not None else ()


def _rewrite(draft: Draft, store: StoreDraft, maps: tuple[PathMap, ...]) -> None:
    pointers = pointers_of(draft, store)
    done: list[Entry] = []
    left: list[Entry] = []
    for position, entry in store.entries():
        if not entry.session_file:
            continue
        if pointers.kind_of(entry.session_file) not in (PointerKind.FOREIGN, PointerKind.MAPPED):
            continue
        here = mapped(entry.session_file.strip(), maps)
        if here is not None and _is_its_own(draft, entry, Path(here)):
            store.edit(position, "sessionFile", json.dumps(here).encode())
            draft.depends_on(Path(here))
            done.append(entry)
        else:
            left.append(entry)
    if done:
        draft.step(
            Repair.PATHS,
            "rewrite paths",
            store.path,
            " and ".join(each.text for each in maps),
            [entry.key for entry in done],
            0,
            agent_id=store.facts.agent_id,
            **of_people(done),
        )
    if left:
        draft.caution(
            f"{plural(len(left), 'path of another host stays', 'paths of another host stay')}: "
            "the file does not exist here, or belongs to another session.",
            [entry.key for entry in left],
        )


def _is_its_own(draft: Draft, entry: Entry, path: Path) -> bool:
    if not draft.real(path).is_relative_to(draft.state_dir):
        return False
    check = check_transcript(draft.fs, path)
    return check is not None and check.header is HeaderState.OK and check.header_id == entry.session_id
