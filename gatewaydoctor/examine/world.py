"""What an examination is given: the machine as it may be seen, where to look, how far, and whom to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from gatewaydoctor.examine.sessions.stuck import DEFAULT_STUCK_AFTER_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.state.alive.liveness import PortProbe
    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import Processes

READ_ORPHANS_UP_TO = 1024 * 1024
"""Bytes. `scan` leaves the content of larger unindexed files unread and says so; `orphans` reads all."""


class Progress(Protocol):
    """Told what is being done: a phase with its total (bytes or files, None where unknown), then each step of it."""

    def phase(self, name: str, total: int | None) -> None: ...

    def advance(self, amount: int) -> None: ...


class NoProgress:
    def phase(self, name: str, total: int | None) -> None:
        pass

    def advance(self, amount: int) -> None:
        pass


class Where(Struct, frozen=True):
    """What the command line says about where to look. None and empty leave it to the rules of architecture.md
    section 3."""

    state_dir: str | None = None
    config: str | None = None
    profile: str | None = None
    store: str | None = None
    agent: str | None = None
    path_maps: tuple[str, ...] = ()


class Depth(Struct, frozen=True):
    """How far to look. `stuck_after` is ms; `read_orphans_up_to` bytes, None for all. `weigh`: where the bytes of a
    database are. `audit`: every transcript of an import is compared with the database. `verify`: every checksum of
    the logs of databases, and every entry of their indexes. `hashed`: the sha256 of stores, which documents tell and
    plans need. `copies`: what copies next to a store know that it lacks, which never stops a start."""

    stuck_after: int = DEFAULT_STUCK_AFTER_MS
    read_orphans_up_to: int | None = READ_ORPHANS_UP_TO
    weigh: bool = False
    audit: bool = False
    verify: bool = False
    hashed: bool = True
    copies: bool = True


class World(Struct, frozen=True):
    """What an examination examines: the filesystem, the environment, the processes, the loopback port, the clock
    (`now`, epoch ms; `machine_clock` where it is not fixed). `memory` is what a process here may have, in bytes,
    None where that is not known."""

    fs: ReadFs
    env: Mapping[str, str]
    processes: Processes
    probe: PortProbe
    now: int
    cwd: str
    memory: int | None = None
    machine_clock: bool = False
