"""Where the entries of a salvaged store come from: in figures from the plan, one by one from the run's own list."""

from __future__ import annotations

import json
from itertools import chain, islice
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.origins import Origins
from gatewaydoctor.model.repair.edits import Rebuild
from gatewaydoctor.model.repair.plan import Copy, Rewrite, Transact
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.vault.directory import attributes_of, owner_for
from gatewaydoctor.repair.vault.provenance import provenance
from gatewaydoctor.repair.writing.stream import write_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.repair.plan import Plan, Step
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Tools
    from gatewaydoctor.system.fs import ReadFs


def planned_origins(fs: ReadFs, plan: Plan, shown: int | None) -> tuple[Origins, ...]:
    """For each store that the plan salvages, with `shown` entries (None: all). Raises OSError."""
    found = []
    salvaged = _salvaged(plan)
    for target, files in salvaged.items():
        pairs = provenance(fs, plan, target)
        if shown is None or any(files & others for store, others in salvaged.items() if store != target):
            found.append(_counted(target, pairs, shown))
            continue
        # In figures the steps know it, so that the store need not be gone through once more.
        origins = Origins(target, entries=list(islice(pairs, shown)))
        for step in _recoveries(plan):
            if step.target in files:
                origins.sources[step.target] += step.count
        found.append(origins)
    brought: dict[str, Origins] = {}
    for target, key, source in _brought(plan):
        _count(brought.setdefault(target, Origins(target)), key, source, shown)
    return (*found, *brought.values())


def _brought(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Database, session key and file of each session that comes from another database. All others are from the pages
    of the database itself."""
    for act in (each for each in plan.acts if isinstance(each, Transact)):
        for edit in (each for each in act.edits if isinstance(each, Rebuild)):
            for each in edit.brought:
                source = plan.fingerprints[act.sources[each.source]].path
                yield from ((act.target, key, source) for key in each.keys)


def keep_origins(tools: Tools, place: RunPlace, plan: Plan) -> None:
    """Write the run's list, a line of JSON for each entry; none where nothing is salvaged. Raises OSError."""
    targets = _salvaged(plan)
    brought = tuple(_brought(plan))
    if targets or brought:
        attributes = attributes_of(owner_for(tools, place.state_dir, place.directory))
        copied = ((target, *pair) for target in targets for pair in provenance(tools.fs, plan, target))
        lines = (
            json.dumps({"store": target, "key": key, "source": source}).encode() + b"\n"
            for target, key, source in chain(copied, brought)
        )
        write_pieces(tools.fs, place.origins, lines, attributes)


def kept_origins(fs: ReadFs, place: RunPlace, shown: int | None) -> tuple[Origins, ...]:
    """What the run's list says, with `shown` entries of each store (None: all); nothing where there is none. Raises
    OSError."""
    found: dict[str, Origins] = {}
    try:
        with fs.open(place.origins) as stream:
            for line in stream:
                value = json.loads(line)
                origins = found.setdefault(value["store"], Origins(value["store"]))
                _count(origins, value["key"], value["source"], shown)
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # torn by a crash: what is before counts
    return tuple(found.values())


def _salvaged(plan: Plan) -> dict[str, set[str]]:
    """Stores that the plan makes of what it recovers, and the files it recovers their entries from."""
    recovered = {step.target for step in _recoveries(plan)}
    found = {act.target: _files(plan, act) & recovered for act in plan.acts if isinstance(act, Rewrite)}
    return {target: files for target, files in found.items() if files}


def _files(plan: Plan, act: Rewrite) -> set[str]:
    return {plan.fingerprints[each.source].path for each in act.segments if isinstance(each, Copy)}


def _recoveries(plan: Plan) -> Iterator[Step]:
    found = (step for step in plan.steps if step.repair == Repair.SALVAGE and step.recovers)
    return (step for step in found if step.count)


def _counted(target: str, pairs: Iterator[tuple[str, str]], shown: int | None) -> Origins:
    origins = Origins(target)
    for key, source in pairs:
        _count(origins, key, source, shown)
    return origins


def _count(origins: Origins, key: str, source: str, shown: int | None) -> None:
    origins.sources[source] += 1
    if shown is None or len(origins.entries) < shown:
        origins.entries.append((key, source))
