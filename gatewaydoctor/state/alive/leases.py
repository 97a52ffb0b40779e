"""What the state database tells of a running gateway: the owner lease, leases on agent databases, cron runs.

2026.9.6 renews its owner lease and lets it expire 300 s after the last sign. A killed gateway leaves every row, and
the next start passes over those whose process has ended; one of another host holds until it expires.
"""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.database.reading import DatabaseFault, DatabaseFaultKind
from gatewaydoctor.model.gateway.liveness import Evidence, Liveness, LockPayload, Witness
from gatewaydoctor.storage.database.select import Tables, integer, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatewaydoctor.state.alive.locks import LockJudge
    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.system.fs import ReadFs

STATE = ("state", "openclaw.sqlite")
_MOST = 1_000


class Claim(Struct, frozen=True):
    """A process that a row names as the owner. `what` completes "the … of process 7"; `host` and `expires_at` only an
    owner lease has. Times in epoch ms, `start` in clock ticks."""

    what: str
    pid: int | None
    start: int | None
    made_at: int | None
    host: str | None = None
    expires_at: int | None = None


def lease_evidence(
    fs: ReadFs, state_dir: Path, judge: LockJudge, now: int, elsewhere: Callable[[int], bool]
) -> list[Evidence]:
    """One item per owner that a row names; nothing where there is no state database, or a damaged one. `elsewhere`
    says whether a process works on another state directory, of which this one is a copy. Never raises."""
    path = state_dir.joinpath(*STATE)
    try:
        fs.stat(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return [Evidence(Witness.LEASE, Liveness.UNKNOWN, f"{path.name} cannot be read: {reason}.", path=path)]
    from gatewaydoctor.storage.sqlite.opened import read_database_once

    found = read_database_once(fs, path, lambda database: tuple(_claims(database, fs, state_dir)))
    match found:
        case DatabaseFault(kind=DatabaseFaultKind.UNREADABLE | DatabaseFaultKind.CHANGED) as fault:
            return [
                Evidence(Witness.LEASE, Liveness.UNKNOWN, f"{path.name} cannot be read: {fault.reason}.", path=path)
            ]
        case DatabaseFault():
            return []
        case claims:
            items = [_judged(claim, path, judge, now, elsewhere) for claim in dict.fromkeys(claims)]
            return items or [Evidence(Witness.LEASE, Liveness.DEAD, "The state database has no lease.", path=path)]


def _claims(database: Opened, fs: ReadFs, state_dir: Path) -> Iterator[Claim]:
    tables = Tables(database)
    statement = (
        "SELECT json_extract(payload_json, '$.owner.pid'), json_extract(payload_json, '$.owner.startedAt'), "
        "json_extract(payload_json, '$.owner.host'), heartbeat_at, expires_at FROM state_leases "
        f"WHERE scope = 'gateway-owner' AND lease_key = 'global' AND json_valid(payload_json) LIMIT {_MOST}"
    )
    for pid, start, host, beat, expires in tables.ask("state_leases", statement):
        yield Claim("owner lease", integer(pid), integer(start), integer(beat), text(host), integer(expires))
    # A gateway opens a database several times: its earliest lease is enough.
    earliest: dict[tuple[int | None, int | None], int | None] = {}
    columns = ("path", "owner_pid", "owner_start_time", "opened_at")
    for path, pid, start, opened in tables.rows("agent_database_leases", columns, rest=f"LIMIT {_MOST}"):
        if not _is_elsewhere(fs, text(path), state_dir):
            earliest.setdefault((integer(pid), integer(start)), integer(opened))
    for (pid, start), opened in earliest.items():
        yield Claim("database lease", pid, start, opened)
    statement = (
        "SELECT owner_pid, owner_start_time, min(started_at_ms) FROM cron_run_receipts "
        f"WHERE status = 'running' GROUP BY 1, 2 LIMIT {_MOST}"
    )
    if tables.has("cron_run_receipts", "owner_pid", "owner_start_time", "status"):
        for pid, start, began in tables.ask("cron_run_receipts", statement):
            yield Claim("receipt of a running cron run", integer(pid), integer(start), integer(began))


def _is_elsewhere(fs: ReadFs, recorded: str | None, state_dir: Path) -> bool:
    """Whether a lease is on a database of another directory, of which this one is a copy. A path that leads nowhere
    may be this directory's inside a container."""
    path = Path(recorded or "")
    if not path.is_absolute() or path.is_relative_to(state_dir):
        return False
    try:
        theirs, ours = fs.stat(path), fs.stat(state_dir / "agents" / Path(*path.parts[-3:]))
    except (OSError, ValueError):
        return False
    return (theirs.dev, theirs.ino) != (ours.dev, ours.ino)


def _date(ms: int) -> str:
    """As UTC, to the second; the number where it is not a date."""
    try:
        return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return str(ms)


def _judged(claim: Claim, path: Path, judge: LockJudge, now: int, elsewhere: Callable[[int], bool]) -> Evidence:
    """Live by a process with the same start time here, whatever the expiry says. Another host's lease cannot be
    checked: it counts until it expires."""
    expired = claim.expires_at is not None and claim.expires_at <= now
    until = f" (until {_date(claim.expires_at)})" if claim.expires_at is not None and not expired else ""
    what = f"The {claim.what} in {path.name}"
    if claim.host is not None and claim.host != socket.gethostname():
        if expired:
            text = f"{what} of process {claim.pid} on {claim.host} expired at {_date(claim.expires_at or 0)}."
            return Evidence(Witness.LEASE, Liveness.DEAD, text, path=path)
        text = f"{what} is held by process {claim.pid} on {claim.host}{until}, which cannot be checked from here."
        return Evidence(Witness.LEASE, Liveness.UNKNOWN, text, path=path)
    payload = LockPayload(claim.pid, claim.start, claim.made_at)
    verdict, reason, pid = judge.owner(path, payload, claim.made_at if claim.made_at is not None else now)
    if verdict is Liveness.LIVE and pid is not None and elsewhere(pid):
        text = f"{what} belongs to process {pid}, which works on another state directory: this one is a copy."
        return Evidence(Witness.LEASE, Liveness.DEAD, text, path=path)
    if verdict is Liveness.UNKNOWN and expired:
        return Evidence(Witness.LEASE, Liveness.DEAD, f"{what} expired at {_date(claim.expires_at or 0)}.", path=path)
    return Evidence(Witness.LEASE, verdict, f"{what}{until}: {reason}.", pid, path)
