"""A repair plan as a value: what is there, what shall be there, and why. It is printed, saved, and applied as it is.

Three primitives carry every repair: a Rewrite gives a file new content made of ranges of files that exist and of
literal bytes; a Move takes a file to the vault; a Transact edits a database. Sizes are bytes, times epoch ms,
`mtimeNs` ns. A path is relative to `stateDir` where the file is inside it, else absolute.
"""

from __future__ import annotations

from typing import Literal as OneOf

import msgspec

from gatewaydoctor.model.command import Command, typed
from gatewaydoctor.model.repair.edits import BringSessions, Edit, KeepSessions

PLAN_SCHEMA_VERSION = "1.0"
UNTIL_FOUND = "until the cause is found."
"""How a note of the forecast ends that asks for jobs to be disabled before the start."""
STAYS = "in the old file, in the vault"
"""Where a note puts what a new database does not have."""


class Copy(msgspec.Struct, frozen=True, array_like=True, tag="copy"):
    """Bytes `start` up to `end` (exclusive) of the file with fingerprint number `source`."""

    source: int
    start: int
    end: int


class NewBytes(msgspec.Struct, frozen=True, array_like=True, tag="bytes"):
    """Bytes given here; base64 in JSON."""

    data: bytes


Segment = Copy | NewBytes


class Fingerprint(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A file as the plan saw it. `sha256` is None where the file only moves, and of a database, which is read page by
    page: then `ctime_ns` shows that it was written to by a program that set the mtime back."""

    path: str
    dev: int
    ino: int
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    nlink: int
    sha256: str | None = None
    ctime_ns: int | None = None


class Input(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A file or directory that no act concerns and that the plan depends on. `seen` is (dev, ino, size, ctime in
    ns), symbolic links followed; None where there was nothing."""

    path: str
    seen: tuple[int, int, int, int] | None = None


class Rewrite(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="act", tag="rewrite"):
    """`target` shall hold `segments`, `size` bytes in all. `replaces` is the fingerprint of the file that is there
    now, None where there must be none. Mode and owner are those of fingerprint `like`, else 0600 and the directory's
    owner. `keep_mtime` gives the new file the mtime of `like`: the repair does not count as a sign of life."""

    target: str
    segments: tuple[Segment, ...]
    size: int
    replaces: int | None
    like: int | None = None
    keep_mtime: bool = False


class Move(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="act", tag="move"):
    """The file with fingerprint number `source` goes to the vault."""

    source: int


class Transact(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="act", tag="transact"):
    """The database `target`, fingerprint `replaces`, shall be as `edits` leave it, in one file that holds nothing
    unused. `replaces` is None where it is gone. `log` are the fingerprints of its -wal and rollback journal, whose
    content belongs to it; other acts take them away before. `sources` are other databases that an edit reads. `size`
    is the most bytes the new file may have. `sessions` is how many session rows stay, None for a database without
    any."""

    target: str
    replaces: int | None
    log: tuple[int, ...] = ()
    sources: tuple[int, ...] = ()
    edits: tuple[Edit, ...] = ()
    size: int
    sessions: int | None = None

    @property
    def concerned(self) -> tuple[int, ...]:
        """Fingerprints of its own set."""
        return (*(() if self.replaces is None else (self.replaces,)), *self.log)

    @property
    def copied(self) -> tuple[int, ...]:
        """Fingerprints of what is copied to work on."""
        reads = any(isinstance(edit, KeepSessions | BringSessions) for edit in self.edits)
        return (*self.concerned, *(self.sources if reads else ()))


Act = Rewrite | Move | Transact

REMOVE, TO_VAULT = "remove", "move to the vault"
DISABLE = "disable"
RECOVER = "recover"
"""Actions of steps on which more hangs than their words."""


class Step(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What one repair does to one target, in words for people: `action` is a verb, `reason` half a sentence. `count`
    things of `bytes` together are concerned; `sample` names the first few (session keys, jobs or file names), and
    every job that is disabled. `conversations` counts those among them that belong to people, and `touched` names
    these where they are rows (of a store that is rebuilt the first few). `job_id` and `job_name` name the job of the
    rows."""

    repair: str
    action: str
    target: str
    reason: str
    bytes: int
    count: int = 1
    conversations: int = 0
    agent_id: str | None = None
    job_id: str | None = None
    job_name: str | None = None
    sample: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()

    @property
    def removes(self) -> bool:
        """Whether its things leave for the vault."""
        return self.action in (REMOVE, TO_VAULT)

    @property
    def disables(self) -> bool:
        """Whether it disables jobs. Its sample names them all: the names are what enables them again."""
        return self.action == DISABLE

    @property
    def recovers(self) -> bool:
        """Whether it gets its things out of what is damaged."""
        return self.action == RECOVER


class Note(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One sentence for the operator; `names` are keys, jobs or files it concerns, the first few. `command` is what
    helps, without the options that name the directory."""

    text: str
    names: tuple[str, ...] = ()
    command: str = ""

    @property
    def of_vault(self) -> bool:
        """Whether it is about what a new database lacks and the vault alone has afterwards."""
        return STAYS in self.text

    @property
    def todo(self) -> Command | None:
        """The command as a value: a plan file keeps it as it is typed."""
        return typed(*self.command.split()[1:]) if self.command else None


class StartEvent(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Something a start of the gateway does, `at_ms` after it, null for later. `what` is a sentence without subject;
    `who` names the first of `how_many`. `turns` are model turns it costs. `certain` is false where it may not come
    about."""

    kind: str
    at_ms: int | None
    what: str
    who: tuple[str, ...] = ()
    how_many: int = 1
    turns: int = 0
    certain: bool = True


class StoreSummary(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One store before or after. `conversations` counts rows of kinds that are conversations. `at_most`: how many
    bytes it will have is known from above only."""

    path: str
    agent_id: str
    readable: OneOf["yes", "no", "gateway-empty"]
    bytes: int
    entries: int
    conversations: int
    status: dict[str, int]
    kind: dict[str, int]
    at_most: bool = False


class Summary(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The directory before or after: its stores, and how many other files of how many bytes the plan concerns."""

    stores: tuple[StoreSummary, ...] = ()
    files: int = 0
    file_bytes: int = 0


class Refusal(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Something a repair would do and does not. `reason` is a sentence, `hint` the way out. `store` is given
    where that is to repair this store by itself, with --store."""

    repair: str
    target: str
    reason: str
    hint: str = ""
    store: str = ""


class Plan(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Everything an apply needs, and everything a person needs to confirm it. `plan_id` is derived from the rest, so
    equal plans have equal ids. It is refused where one of `fingerprints` or `inputs` has changed. `forecast` is
    what the next start of the gateway will do. The stores of `after` are what the verification, with `main_key`, is
    compared with. `lock_stores`: this release honours `sessions.json.lock`. `undoes` names the run this plan undoes
    in part. `torn` counts places of damaged stores where an entry was not complete, or may have been one."""

    schema_version: str = PLAN_SCHEMA_VERSION
    plan_id: str = ""
    created_at: int
    state_dir: str
    repairs: tuple[str, ...]
    options: dict[str, str] = {}
    fingerprints: tuple[Fingerprint, ...] = ()
    inputs: tuple[Input, ...] = ()
    acts: tuple[Act, ...] = ()
    steps: tuple[Step, ...] = ()
    before: Summary = Summary()
    after: Summary = Summary()
    space_needed: int = 0
    space_freed: int = 0
    refusals: tuple[Refusal, ...] = ()
    cautions: tuple[Note, ...] = ()
    forecast: tuple[Note, ...] = ()
    retrying: tuple[str, ...] = ()
    start_before: tuple[StartEvent, ...] = ()
    start_after: tuple[StartEvent, ...] = ()
    main_key: str = "main"
    lock_stores: bool = True
    undoes: str | None = None
    torn: int = 0

    @property
    def empty(self) -> bool:
        return not self.acts
