"""What each source says about one process: does it work on this state directory, or on another one?

The sources are its environment, command line, working directory, open and mapped files, and the gateway locks it
holds. Paths are compared as the process sees them: relative ones from its working directory, all by device and inode,
since a symbolic link, a bind mount or a container gives one directory several names.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from enum import Enum, IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.alive.locks import read_payload
from gatewaydoctor.state.place.home import home_text, trimmed, without_tilde
from gatewaydoctor.state.place.locate import LEGACY_STATE_DIR_NAMES, STATE_DIR_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatewaydoctor.model.gateway.liveness import LockPayload
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import FileIdentity, Processes, ProcessInfo

GATEWAY_LOCK = regex(r"gateway\.(state|[0-9a-f]{8})\.lock")


class Owner(Enum):
    OURS = "this state directory"
    OTHER = "another state directory"
    CANNOT_TELL = "cannot tell"


class Weight(IntEnum):
    """HINT: true of processes that have nothing to do with the directory too. DEFAULT: what holds as long as nothing
    names a directory. NAMED: a directory is named. PROOF: the process uses files of it."""

    HINT = 0
    DEFAULT = 1
    NAMED = 2
    PROOF = 3


class Sign(Struct, frozen=True):
    """`text` completes "Process 7 …"."""

    owner: Owner
    weight: Weight
    text: str


def _named(owner: Owner, text: str) -> Sign:
    return Sign(owner, Weight.NAMED, text)


class SignReader(Struct, dict=True):
    """`held` has the payloads of gateway locks by the pid of their live owner. `holders` are the pids whose lock is
    that of this directory or its config."""

    fs: ReadFs
    place: Place
    processes: Processes
    held: Mapping[int, tuple[LockPayload, ...]] = field(default_factory=dict)
    holders: frozenset[int] = frozenset()
    _seen: dict[tuple[int | None, str], FileIdentity | None] = field(default_factory=dict)

    def signs(self, info: ProcessInfo, argv: Sequence[str]) -> list[Sign]:
        """Everything that the sources say; CANNOT_TELL for each that could not be asked."""
        found = [*self._command_line(info.pid, argv), *self._directory(info.pid), *self._files(info.pid)]
        env = self.processes.environ(info.pid)
        if env is None:
            found.append(Sign(Owner.CANNOT_TELL, Weight.NAMED, "may not be inspected"))
        else:
            home = home_text(env, info.uid)
            found += self._environment(info.pid, env, home, argv)
        return [*found, *self._locks(info, env)]

    def holds_lock(self, pid: int) -> bool:
        return pid in self.held or pid in self.holders or any(self._open_locks(pid))

    def names_us(self, payload: LockPayload, pid: int | None) -> bool:
        """Whether a lock's payload names this directory or its config, as its owner `pid` sees them."""
        return (payload.state_dir is not None and bool(self._is(pid, payload.state_dir, self.place.state_dir))) or (
            payload.config_path is not None and bool(self._is(pid, payload.config_path, self.place.config_path))
        )

    def _command_line(self, pid: int, argv: Sequence[str]) -> Iterator[Sign]:
        words = [word.rpartition("=")[2] if word.startswith("-") else word for word in argv[1:]]
        paths = [word for word in words if "/" in word]
        if any(self._inside(pid, path) or self._is(pid, path, self.place.config_path) for path in paths):
            yield _named(Owner.OURS, "has this state directory in its command line")

    def _environment(self, pid: int, env: Mapping[str, str], home: str, argv: Sequence[str]) -> Iterator[Sign]:
        ours = self.place.state_dir
        if text := trimmed(env, "OPENCLAW_STATE_DIR"):
            yield self._variable(pid, "OPENCLAW_STATE_DIR", without_tilde(text, home))
        text = trimmed(env, "CLAWDBOT_STATE_DIR")  # which only releases up to 2026.3.13 follow
        if text and self._is(pid, without_tilde(text, home), ours):
            yield self._variable(pid, "CLAWDBOT_STATE_DIR", without_tilde(text, home))
        text = trimmed(env, "OPENCLAW_CONFIG_PATH")
        if text and self._is(pid, without_tilde(text, home), self.place.config_path) is not False:
            yield self._variable(pid, "OPENCLAW_CONFIG_PATH", without_tilde(text, home), self.place.config_path)
        profile = _profile(argv)
        if profile and (is_ours := self._is_profile(pid, home, profile)):
            yield _named(Owner.OURS, f"runs with the profile {profile}")
        elif not trimmed(env, "OPENCLAW_STATE_DIR"):
            yield from self._unnamed(pid, home, profile, is_ours=is_ours if profile else None)

    def _unnamed(self, pid: int, home: str, profile: str | None, *, is_ours: bool | None) -> Iterator[Sign]:
        """No variable names a state directory: a profile does, or the default holds."""
        if profile:
            owner = Owner.CANNOT_TELL if is_ours is None else Owner.OTHER
            yield _named(owner, f"runs with the profile {profile}")
        elif (default := self._is_default(pid, home)) is not False:
            owner = Owner.CANNOT_TELL if default is None else Owner.OURS
            yield Sign(owner, Weight.DEFAULT, "has this state directory as its default")
        elif self._is_some_profile(pid, home):
            text = "may run with the profile of this state directory"
            yield Sign(Owner.CANNOT_TELL, Weight.DEFAULT, text)
        else:
            yield Sign(Owner.OTHER, Weight.DEFAULT, "has another default state directory")

    def _variable(self, pid: int, name: str, path: str, ours: Path | None = None) -> Sign:
        match self._is(pid, path, ours or self.place.state_dir):
            case True:
                return _named(Owner.OURS, f"has this directory's {name} in its environment")
            case False:
                return _named(Owner.OTHER, "has another state directory in its environment")
            case None:
                return _named(Owner.CANNOT_TELL, f"has a relative {name} in its environment that leads nowhere now")

    def _directory(self, pid: int) -> Iterator[Sign]:
        directory = self.processes.working_directory(pid)
        if directory is None:
            yield Sign(Owner.CANNOT_TELL, Weight.HINT, "has a working directory that cannot be read")
        elif self._inside(pid, directory):
            yield Sign(Owner.OURS, Weight.HINT, "has its working directory in this state directory")

    def _files(self, pid: int) -> Iterator[Sign]:
        for paths, verb in ((self.processes.open_files(pid), "open"), (self.processes.mapped_files(pid), "mapped")):
            if paths is None:
                yield _named(Owner.CANNOT_TELL, f"has files {verb} that cannot be listed")
                continue
            # A directory is asked for once, however many of its files are open.
            parents = {posixpath.dirname(path) for path in paths if path.startswith("/")}
            if any(self._inside(pid, parent) for parent in parents):
                yield Sign(Owner.OURS, Weight.PROOF, f"has files of this state directory {verb}")

    def _locks(self, info: ProcessInfo, env: Mapping[str, str] | None) -> Iterator[Sign]:
        if info.pid in self.holders:
            yield _named(Owner.OURS, "holds the lock of this directory's config")
        for payload in (*self.held.get(info.pid, ()), *self._open_locks(info.pid)):
            if payload.state_dir is not None:
                is_ours = self._is(info.pid, payload.state_dir, self.place.state_dir)
                yield _named(Owner.OURS if is_ours else Owner.OTHER, _LOCK_TEXTS[bool(is_ours)])
            elif self.names_us(payload, info.pid):
                yield _named(Owner.OURS, "holds the lock of this directory's config")
            elif env is not None and (folder := _usual_folder(payload, env, home_text(env, info.uid))):
                is_ours = bool(self._is(info.pid, folder, self.place.state_dir))
                yield _named(
                    Owner.OURS if is_ours else Owner.OTHER, f"holds the lock of {posixpath.basename(folder)}"
                )

    def _open_locks(self, pid: int) -> Iterator[LockPayload]:
        """Releases up to 2026.5.22 keep their lock open, so it is found wherever their temp directory is."""
        for path in self.processes.open_files(pid) or ():
            if path.startswith("/") and GATEWAY_LOCK.fullmatch(posixpath.basename(path)):
                payload = read_payload(self.fs, self.processes.reachable(pid, path))
                if payload is not None and payload.pid in (pid, *self.processes.inner_pids(pid)):
                    yield payload

    def _is_default(self, pid: int, home: str) -> bool | None:
        for name in (STATE_DIR_NAME, *LEGACY_STATE_DIR_NAMES):
            path = posixpath.join(home, name)
            if self.processes.identity(pid, path) is not None:
                return self._is(pid, path, self.place.state_dir)
        return None if not home.startswith("/") else str(self.place.state_dir) == _joined(home, STATE_DIR_NAME)

    def _is_profile(self, pid: int, home: str, profile: str) -> bool | None:
        name = STATE_DIR_NAME if profile.lower() == "default" else f"{STATE_DIR_NAME}-{profile}"
        return self._is(pid, posixpath.join(home, name), self.place.state_dir)

    def _is_some_profile(self, pid: int, home: str) -> bool:
        """Whether this directory is that of a profile of the home: the option leaves no trace where a process has a
        title of its own, and /proc shows the environment of the start."""
        prefix = f"{STATE_DIR_NAME}-"
        names = {self.place.state_dir.name, self.place.real_dir.name}
        with suppress(OSError, ValueError):
            names |= set(self.fs.names(self.processes.reachable(pid, _joined(home))))
        paths = (posixpath.join(home, name) for name in names if name.startswith(prefix))
        return any(self._is(pid, path, self.place.state_dir) for path in paths)

    def _inside(self, pid: int, path: str) -> bool:
        """Whether the path is this state directory or leads into it, for that process."""
        here = self._full(pid, path)
        while here is not None and here != "/":
            if self._is(pid, here, self.place.state_dir):
                return True
            here = posixpath.dirname(here) if here.startswith("/") else None
        return False

    def _is(self, pid: int | None, path: str, ours: Path) -> bool | None:
        """Whether a path of that process is this file of ours; None where it is relative and leads nowhere. Without a
        pid it is taken as seen from here."""
        path = posixpath.normpath(path)  # the gateway resolves ".." by text as well
        theirs, own = self._identity(pid, path), self._identity(None, str(ours))
        if theirs is not None or own is None:
            if theirs is not None and own is not None:
                return theirs == own
            if theirs is not None:
                return False
            # Neither exists: a config that is to be made in the same directory.
            parent = self._identity(pid, posixpath.dirname(path) or ".")
            same = parent is not None and parent == self._identity(None, str(ours.parent))
            return same and posixpath.basename(path) == ours.name
        full = path if pid is None else self._full(pid, path)
        if full is not None and full in (
            str(ours),
            str(self.place.real_dir) if ours == self.place.state_dir else None,
        ):
            return True
        return False if path.startswith("/") else None

    def _full(self, pid: int, path: str) -> str | None:
        """The absolute path, as the process sees it; None where its working directory cannot be read."""
        if path.startswith("/"):
            return posixpath.normpath(path)
        directory = self.processes.working_directory(pid)
        return None if directory is None else posixpath.normpath(posixpath.join(directory, path))

    def _identity(self, pid: int | None, path: str) -> FileIdentity | None:
        if (pid, path) not in self._seen:
            self._seen[pid, path] = self._identity_here(path) if pid is None else self.processes.identity(pid, path)
        return self._seen[pid, path]

    def _identity_here(self, path: str) -> FileIdentity | None:
        try:
            stat = self.fs.stat(Path(path))
        except (OSError, ValueError):
            return None
        return stat.dev, stat.ino


_LOCK_TEXTS = {True: "holds a lock of this state directory", False: "holds the lock of another state directory"}


def _usual_folder(payload: LockPayload, env: Mapping[str, str], home: str) -> str | None:
    """The state directory where a lock is that of the config in a default directory or that of a profile, and no
    variable names either: a process title hides --profile, and nothing else can have led there. The lock of any other
    config tells nothing about the state directory."""
    if trimmed(env, "OPENCLAW_STATE_DIR") or trimmed(env, "OPENCLAW_CONFIG_PATH") or payload.config_path is None:
        return None
    folder = posixpath.dirname(payload.config_path)
    name = posixpath.basename(folder)
    usual = name in (STATE_DIR_NAME, *LEGACY_STATE_DIR_NAMES) or name.startswith(f"{STATE_DIR_NAME}-")
    return folder if usual and folder == _joined(home, name) else None


def _joined(home: str, *names: str) -> str:
    return posixpath.normpath(posixpath.join("/", home, *names))


def _profile(argv: Sequence[str]) -> str | None:
    for index, word in enumerate(argv):
        if word == "--dev":
            return "dev"
        if word.startswith("--profile="):
            return word.partition("=")[2] or None
        if word == "--profile" and index + 1 < len(argv):
            return argv[index + 1]
    return None
