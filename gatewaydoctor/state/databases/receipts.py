"""The receipts of session imports: session-sqlite-migration-runs/*.json of 2026.8.1 and later."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from gatewaydoctor.model.database.migration import ImportRun
from gatewaydoctor.model.regex import regex
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

LARGEST = 64 << 20
"""A receipt beyond this is not read; one of 10,000 transcripts has some 10 MB."""

_SESSION = regex(r"([^/\\\s]+)\.jsonl")


class _Issue(msgspec.Struct):
    code: Any = None
    message: Any = None


class _Target(msgspec.Struct, rename="camel"):
    agent_id: Any = None
    planned_moves: tuple[msgspec.Raw, ...] = ()
    completed_moves: tuple[msgspec.Raw, ...] = ()
    issues: tuple[_Issue, ...] = ()


class _Receipt(msgspec.Struct, rename="camel"):
    run_id: Any = None
    started_at: Any = None
    completed_at: Any = None
    targets: tuple[_Target, ...] = ()


def read_run(fs: ReadFs, path: Path) -> tuple[ImportRun, frozenset[str]]:
    """One receipt, and the ids of the transcripts its issues name. One that cannot be read has a `reason`."""
    name = path.name.removesuffix(".json")
    try:
        data = read_up_to(fs, path, LARGEST + 1)
        if len(data) > LARGEST:
            return ImportRun(name, path, reason=f"it has more than {LARGEST >> 20} MiB"), frozenset()
        receipt = msgspec.json.decode(data, type=_Receipt)
    except OSError as error:
        return ImportRun(name, path, reason=error.strerror or type(error).__name__), frozenset()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ImportRun(name, path, reason="it is not a JSON receipt"), frozenset()
    issues = [issue for target in receipt.targets for issue in target.issues]
    named = {
        match[1] for issue in issues if isinstance(issue.message, str) and (match := _SESSION.search(issue.message))
    }
    run = ImportRun(
        _text(receipt.run_id) or name,
        path,
        tuple(agent for target in receipt.targets if (agent := _text(target.agent_id))),
        _text(receipt.started_at),
        _text(receipt.completed_at),
        sum(len(target.planned_moves) for target in receipt.targets),
        sum(len(target.completed_moves) for target in receipt.targets),
        Counter(code for issue in issues if (code := _text(issue.code))),
    )
    return run, frozenset(named)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
