"""Which running OpenClaw processes work on this state directory, and which on another one (facts.md section 6).

Only OpenClaw itself and JavaScript runtimes are looked at. A shell, editor, pager or grep that has the directory in
its arguments or environment is no gateway: an exported variable is in everything started from that shell. Own parents
that are runtimes (npx, a process manager) are left out too, but an OpenClaw among them counts: an agent may run this
tool from inside the very gateway in question.

A process title hides the arguments and /proc shows the environment of the start only, so `--profile` leaves no trace
in either (seen with 2026.3.28 and 2026.5.22). What a lock, an open file or the rest of its process family says
decides then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.state.alive.programs import is_openclaw, is_runtime
from gatewaydoctor.state.place.home import effective_home, trimmed, user_path
from gatewaydoctor.state.place.locate import LEGACY_STATE_DIR_NAMES, STATE_DIR_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import FileIdentity, Processes, ProcessInfo

_OTHERS_MAY_WRITE = 0o022


class Owner(Enum):
    OURS = "this state directory"
    OTHER = "another state directory"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Claim:
    """What is known of one process. `sure` is False where only the default directory of its home speaks."""

    pid: int
    parent: int
    owner: Owner
    text: str
    sure: bool = True


@dataclass
class Attribution:
    """`lock_owners` are pids that hold the gateway lock of another config."""

    fs: ReadFs
    place: Place
    processes: Processes
    lock_owners: frozenset[int] = frozenset()

    @cached_property
    def owners(self) -> tuple[Claim, ...]:
        """A claim for each process that may be a gateway, by pid. Raises OSError without a process table."""
        openclaw: dict[int, Claim] = {}
        others: list[Claim] = []
        for pid, argv in self.processes.command_lines():
            if argv is None or pid == self.processes.own_pid:
                continue
            if is_openclaw(argv):
                if claim := self._openclaw(pid, argv):
                    openclaw[pid] = claim
            elif is_runtime(argv) and pid not in self._ancestors and (claim := self._runtime(pid)):
                others.append(claim)
        return tuple(sorted([*_by_family(openclaw), *others], key=lambda claim: claim.pid))

    def _openclaw(self, pid: int, argv: Sequence[str]) -> Claim | None:
        info = self.processes.info(pid)
        if info is None or info.zombie:
            return None
        name = f"Process {pid} ({argv[0].split(' ', 1)[0].rpartition('/')[2][:40]})"

        def claim(owner: Owner, text: str, *, sure: bool = True) -> Claim:
            return Claim(pid, info.parent, owner, f"{name} {text}.", sure)

        if any(self._names_us(word) for word in argv):
            return claim(Owner.OURS, "has this state directory in its command line")
        if pid in self.lock_owners:
            return claim(Owner.OTHER, "holds the lock of another config")
        env = self.processes.environ(pid)
        if env is None:
            if not self._may_write_here(info, root_too=True):
                return claim(Owner.OTHER, "may not write here")
            return claim(Owner.CANNOT_TELL, "may not be inspected", sure=False)
        home = effective_home(env)
        if where := self._named_in(pid, env, home):
            return claim(Owner.OURS, f"has this directory's {where} in its environment")
        if self._has_files_open(pid):
            return claim(Owner.OURS, "has files of this state directory open")
        if trimmed(env, "OPENCLAW_STATE_DIR"):
            return claim(Owner.OTHER, "has another state directory in its environment")
        if profile := _profile(argv):
            ours = self._is_our_directory(pid, home / f"{STATE_DIR_NAME}-{profile}")
            return claim(Owner.OURS if ours else Owner.OTHER, f"runs with the profile {profile}")
        if self._is_default(pid, home):
            return claim(Owner.OURS, "has this state directory as its default", sure=False)
        if self.place.state_dir.parent == home and self.place.state_dir.name.startswith(f"{STATE_DIR_NAME}-"):
            return claim(Owner.CANNOT_TELL, "may run with the profile of this state directory", sure=False)
        return claim(Owner.OTHER, "has another default state directory", sure=False)

    def _runtime(self, pid: int) -> Claim | None:
        """A runtime that is not known to be OpenClaw is worth a word only if it touches this directory."""
        info = self.processes.info(pid)
        if info is None or info.zombie:
            return None
        if self._has_files_open(pid):
            text = f"Process {pid} is a JavaScript runtime with files of this state directory open."
            return Claim(pid, info.parent, Owner.OURS, text)
        env = self.processes.environ(pid)
        if env is None:
            if not self._may_write_here(info, root_too=False):
                return None
            text = f"Process {pid} is a JavaScript runtime that may not be inspected."
            return Claim(pid, info.parent, Owner.CANNOT_TELL, text)
        if where := self._named_in(pid, env, effective_home(env)):
            text = f"Process {pid} is a JavaScript runtime with this directory's {where} in its environment."
            return Claim(pid, info.parent, Owner.CANNOT_TELL, text)
        return None

    def _named_in(self, pid: int, env: Mapping[str, str], home: Path) -> str | None:
        """The variable that names this directory or its config."""
        for variable in ("OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR"):
            if (text := trimmed(env, variable)) and self._is_our_directory(pid, user_path(text, home)):
                return variable
        text = trimmed(env, "OPENCLAW_CONFIG_PATH")
        if text and self._same(pid, user_path(text, home), self.place.config_path):
            return "OPENCLAW_CONFIG_PATH"
        return None

    def _is_default(self, pid: int, home: Path) -> bool:
        for name in (STATE_DIR_NAME, *LEGACY_STATE_DIR_NAMES):
            if self.processes.identity(pid, str(home / name)) is not None:
                return self._is_our_directory(pid, home / name)
        return False

    def _is_our_directory(self, pid: int, path: Path) -> bool:
        return self._same(pid, path, self.place.state_dir)

    def _same(self, pid: int, theirs: Path, ours: Path) -> bool:
        """Whether two paths are one file. In a container equal paths may differ and different ones be equal, so
        inodes decide where they can be asked for."""
        identity = self.processes.identity(pid, str(theirs))
        own = self._identity(ours)
        if identity is None or own is None:
            return theirs in (ours, self.place.real_dir if ours == self.place.state_dir else ours)
        return identity == own

    def _identity(self, path: Path) -> FileIdentity | None:
        try:
            stat = self.fs.stat(path)
        except OSError:
            return None
        return stat.dev, stat.ino

    def _has_files_open(self, pid: int) -> bool:
        prefix = f"{self.place.real_dir}/"
        return any(path.startswith(prefix) for path in self.processes.open_files(pid) or ())

    def _names_us(self, word: str) -> bool:
        value = word.rpartition("=")[2] if word.startswith("-") else word
        if not value.startswith("/"):
            return False
        path = Path(value)
        return path == self.place.config_path or any(
            path.is_relative_to(ours) for ours in (self.place.state_dir, self.place.real_dir)
        )

    def _may_write_here(self, info: ProcessInfo, *, root_too: bool) -> bool:
        """A gateway must be able to write its state directory."""
        if info.uid == self.place.owner or (root_too and info.uid == 0):
            return True
        try:
            return bool(self.fs.stat(self.place.real_dir).mode & _OTHERS_MAY_WRITE)
        except OSError:
            return True

    @cached_property
    def _ancestors(self) -> frozenset[int]:
        found: set[int] = set()
        pid = self.processes.own_pid
        while (info := self.processes.info(pid)) and info.parent > 0 and info.parent not in found:
            pid = info.parent
            found.add(pid)
        return frozenset(found)


def _profile(argv: Sequence[str]) -> str | None:
    for index, word in enumerate(argv):
        if word == "--dev":
            return "dev"
        if word.startswith("--profile="):
            return word.partition("=")[2] or None
        if word == "--profile" and index + 1 < len(argv):
            return argv[index + 1]
    return None


def _by_family(claims: Mapping[int, Claim]) -> list[Claim]:
    """A launcher and its gateway, a gateway and its helpers work on one directory: what one is sure of holds for
    all."""
    families: dict[int, list[Claim]] = {}
    for claim in claims.values():
        root, seen = claim, {claim.pid}
        while (parent := claims.get(root.parent)) and parent.pid not in seen:
            root = parent
            seen.add(root.pid)
        families.setdefault(root.pid, []).append(claim)
    settled = []
    for family in families.values():
        known = {claim.owner for claim in family if claim.sure}
        sure = Owner.OURS if Owner.OURS in known else next(iter(known), None)
        settled += [claim if claim.sure or sure is None else replace(claim, owner=sure) for claim in family]
    return settled
