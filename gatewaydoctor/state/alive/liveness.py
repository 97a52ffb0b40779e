"""Whether a gateway still runs on a state directory (docs/architecture.md section 6, docs/gateway.md section 6).

Lock files, the process table and the leases of the database era are asked together, for a lock is keyed by the
spelling of its config path: what it tells of this directory is what its owner's other sources confirm or contradict.
The port on 127.0.0.1 is the only thing ever contacted, and only where those show no life.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.gateway.liveness import Evidence, GatewayState, Liveness, Witness
from gatewaydoctor.state.alive.attribution import Attribution
from gatewaydoctor.state.alive.leases import lease_evidence
from gatewaydoctor.state.alive.locks import LockJudge, mount_of
from gatewaydoctor.state.alive.signs import GATEWAY_LOCK, Owner, SignReader
from gatewaydoctor.state.place.home import absolute, trimmed
from gatewaydoctor.state.place.locate import CONFIG_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.liveness import LockPayload, LockVerdict
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import Processes

PortProbe = Callable[[int], bool | None]
"""Whether something answers on 127.0.0.1 at that port; None where it could not be asked."""

PROBE_TIMEOUT_S = 0.25


def probe_port(port: int) -> bool | None:
    """Connects to 127.0.0.1 and hangs up. A time-out counts as an answer: a process listens and is too busy to
    accept."""
    try:
        # Not create_connection, which looks even an address up.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.settimeout(PROBE_TIMEOUT_S)
            probe.connect(("127.0.0.1", port))
    except TimeoutError:
        return True
    except OverflowError:
        return False  # no port has that number
    except OSError as error:
        # Without a loopback device nothing can listen on it either.
        return False if error.errno in (errno.ECONNREFUSED, errno.ENETUNREACH, errno.ENETDOWN) else None
    return True


def gateway_liveness(
    fs: ReadFs,
    place: Place,
    config: Config,
    env: Mapping[str, str],
    processes: Processes,
    now: int,
    probe: PortProbe = probe_port,
) -> GatewayState:
    """The verdict on one state directory, with everything that was asked. Never raises."""
    inquiry = _Inquiry(fs, place, config, env, processes, now, probe)
    evidence: list[Evidence] = []
    for witnesses in ((inquiry.locks, inquiry.processes_seen, inquiry.leases), (inquiry.port,)):
        evidence += [item for witness in witnesses for item in witness()]
        if any(item.says is Liveness.LIVE for item in evidence):
            return GatewayState(Liveness.LIVE, tuple(evidence))
    unknown = any(item.says is Liveness.UNKNOWN for item in evidence)
    return GatewayState(Liveness.UNKNOWN if unknown else Liveness.DEAD, tuple(evidence))


class _LockFiles(Struct, frozen=True):
    """Gateway locks in the state directory, those in temp directories, and directories that may not be listed."""

    inside: tuple[Path, ...]
    outside: tuple[Path, ...]
    closed: tuple[Path, ...]


class _Inquiry(Struct, dict=True):
    fs: ReadFs
    place: Place
    config: Config
    env: Mapping[str, str]
    processes: Processes
    now: int
    probe: PortProbe

    def locks(self) -> list[Evidence]:
        found = [self._lock_evidence(verdict) for verdict in self._own_locks]
        found += [
            Evidence(Witness.LOCK, Liveness.UNKNOWN, f"No permission to read {directory}.", path=directory)
            for directory in self._lock_files.closed
        ]
        return found or [Evidence(Witness.LOCK, Liveness.DEAD, "There is no gateway lock.")]

    def _lock_evidence(self, verdict: LockVerdict) -> Evidence:
        liveness, text = verdict.liveness, f"{verdict.path.name}: {verdict.reason}"
        if liveness is Liveness.LIVE and verdict.path not in self._lock_files.inside:
            with suppress(OSError):
                claims = {claim.pid: claim for claim in self._attribution.owners}
                claim = claims.get(verdict.pid or 0)
                if claim and claim.sure and claim.owner is not Owner.OURS:
                    liveness, text = Liveness.UNKNOWN, f"{text}, but it is of a config that directories may share"
        return Evidence(Witness.LOCK, liveness, f"{text}.", verdict.pid, verdict.path)

    def processes_seen(self) -> list[Evidence]:
        try:
            owners = self._attribution.owners
        except OSError as error:
            text = f"The process table cannot be read: {error.strerror or error}."
            return [Evidence(Witness.PROCESS, Liveness.UNKNOWN, text)]
        says = {Owner.OURS: Liveness.LIVE, Owner.CANNOT_TELL: Liveness.UNKNOWN}
        found = [
            Evidence(Witness.PROCESS, says[claim.owner], claim.text, claim.pid)
            for claim in owners
            if claim.owner in says
        ]
        if self.processes.hides_others and self.place.owner != self.processes.own_uid:
            text = "This system hides the processes of other users, and the state directory is another user's."
            found.append(Evidence(Witness.PROCESS, Liveness.UNKNOWN, text))
        if not self.processes.first_namespace and mount_of(self.place.real_dir, self.processes)[0] != "/":
            text = "This is a container, and gateways in other containers that mount the state directory are hidden."
            found.append(Evidence(Witness.PROCESS, Liveness.UNKNOWN, text))
        return found or [Evidence(Witness.PROCESS, Liveness.DEAD, "No OpenClaw process uses this directory.")]

    def leases(self) -> list[Evidence]:
        """Rows of the state database. A copy of a directory has those of the gateway it was copied from."""
        return lease_evidence(self.fs, self.place.real_dir, self._judge, self.now, self._works_elsewhere)

    def _works_elsewhere(self, pid: int) -> bool:
        with suppress(OSError):
            return any(claim.pid == pid and claim.owner is Owner.OTHER for claim in self._attribution.owners)
        return False

    def port(self) -> list[Evidence]:
        port = self.config.port.value
        answer = self.probe(port)
        if answer is None:
            return [Evidence(Witness.PORT, Liveness.UNKNOWN, f"Cannot try port {port}.")]
        if not answer:
            return [Evidence(Witness.PORT, Liveness.DEAD, f"Nothing answers on 127.0.0.1:{port}.")]
        if pid := self._other_listener(port):
            text = f"Process {pid}, an OpenClaw with another state directory, answers on port {port}."
            return [Evidence(Witness.PORT, Liveness.DEAD, text, pid)]
        if not self.config.port.given:
            # Any gateway may hold the default port, also one this directory was copied from.
            text = f"Something answers on the default port {port}; cannot tell what."
            return [Evidence(Witness.PORT, Liveness.UNKNOWN, text)]
        return [Evidence(Witness.PORT, Liveness.LIVE, f"The port set for this gateway, {port}, is answered.")]

    def _other_listener(self, port: int) -> int | None:
        try:
            others = [claim.pid for claim in self._attribution.owners if claim.owner is Owner.OTHER]
        except OSError:
            return None
        sockets = self.processes.listening_sockets(port) if others else frozenset()
        if not sockets:
            return None
        return next((pid for pid in others if not sockets.isdisjoint(self.processes.open_files(pid) or ())), None)

    @cached_property
    def _attribution(self) -> Attribution:
        held: dict[int, tuple[LockPayload, ...]] = {}
        for verdict in self._lock_verdicts.values():
            if verdict.pid is not None and verdict.payload is not None:
                held[verdict.pid] = (*held.get(verdict.pid, ()), verdict.payload)
        holders = frozenset(verdict.pid for verdict in self._own_locks if verdict.pid is not None)
        return Attribution(self.fs, self.place, self.processes, held, holders)

    @cached_property
    def _own_locks(self) -> tuple[LockVerdict, ...]:
        """Locks in the state directory, those named by a spelling of its config, and those that name either."""
        reader = SignReader(self.fs, self.place, self.processes)
        files = self._lock_files
        return tuple(
            verdict
            for path, verdict in self._lock_verdicts.items()
            if path in files.inside
            or path.name in self._lock_names
            or (verdict.payload is not None and reader.names_us(verdict.payload, verdict.pid))
        )

    @cached_property
    def _lock_verdicts(self) -> dict[Path, LockVerdict]:
        return {path: self._judge.judge(path) for path in (*self._lock_files.inside, *self._lock_files.outside)}

    @cached_property
    def _judge(self) -> LockJudge:
        return LockJudge(self.fs, self.processes, self.now)

    @cached_property
    def _lock_files(self) -> _LockFiles:
        """2026.3.13 to 2026.5.22 lock in the temp directory of the service, 2026.9.6 in the state directory. A temp
        directory private to a systemd unit is out of reach here; its gateway shows in the process table."""
        inner = self.place.real_dir / "tmp"
        inner_names, closed = self._names(inner)
        inside = [inner / name for name in inner_names if name.startswith("openclaw")]
        temps = [absolute(text) for name in ("TMPDIR", "TMP", "TEMP") if (text := trimmed(self.env, name))]
        uids = {self.place.owner, self.processes.own_uid}
        outside = [temp / f"openclaw-{uid}" for temp in dict.fromkeys((*temps, absolute("/tmp"))) for uid in uids]
        locks: dict[Path, list[Path]] = {}
        for directory in (*inside, *outside):
            names, refused = self._names(directory)
            closed += refused
            locks[directory] = [directory / name for name in names if GATEWAY_LOCK.fullmatch(name)]
        ours = [path for directory in inside for path in locks[directory]]
        others = [path for directory in outside if directory not in inside for path in locks[directory]]
        return _LockFiles(tuple(ours), tuple(others), tuple(closed))

    def _names(self, directory: Path) -> tuple[list[str], list[Path]]:
        try:
            return sorted(self.fs.names(directory)), []
        except PermissionError:
            return [], [directory]
        except OSError:
            return [], []

    @cached_property
    def _lock_names(self) -> frozenset[str]:
        """Lock names for every spelling of the config path a gateway of this directory may have hashed."""
        names = {self.place.config_path.name, CONFIG_NAME}
        spelled = {directory / name for directory in (self.place.state_dir, self.place.real_dir) for name in names}
        with suppress(OSError, RuntimeError):
            spelled.add(self.fs.realpath(self.place.config_path))
        return frozenset(config_lock_name(path) for path in (*spelled, self.place.config_path))


def config_lock_name(config: Path) -> str:
    """The gateway lock's file name for a config, by the spelling of its absolute path."""
    import hashlib

    digest = hashlib.sha256(str(config).encode("utf-8", "surrogateescape")).hexdigest()
    return f"gateway.{digest[:8]}.lock"
