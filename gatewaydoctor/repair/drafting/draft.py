"""A plan while it is being made: what every repair adds to, and nothing that touches the disk but to look."""

from __future__ import annotations

import errno
from collections import defaultdict
from functools import cached_property
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, BinaryIO, Protocol

from gatewaydoctor.examine.inputs import identities
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS
from gatewaydoctor.model.repair.plan import (
    DISABLE,
    Act,
    Copy,
    Fingerprint,
    Input,
    Move,
    NewBytes,
    Note,
    Refusal,
    Rewrite,
    Step,
)
from gatewaydoctor.repair.drafting.rows import DatabaseDraft, StoreDraft
from gatewaydoctor.repair.vault.layout import spell
from gatewaydoctor.repair.writing.errors import OutOfReach, Refused
from gatewaydoctor.repair.writing.guard import identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.examine.world import Progress
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.model.gateway.entry import Kind
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.model.repair.edits import Edit
    from gatewaydoctor.model.repair.plan import Segment, StoreSummary
    from gatewaydoctor.repair.drafting.options import Options
    from gatewaydoctor.repair.drafting.rows import RowsDraft
    from gatewaydoctor.system.fs import FileStat, ReadFs

SAMPLE = 5
"""How many names a step or note carries; it counts all."""


class Draft:
    """Collects acts, steps and words. Files are named by fingerprint, each once."""

    def __init__(
        self, x: Examination, fs: ReadFs, options: Options, findings: Iterable[Finding], progress: Progress
    ) -> None:
        self.x = x
        self.fs = fs
        self.options = options
        self.progress = progress
        self.state_dir = x.place.real_dir
        self.fingerprints: list[Fingerprint] = []
        self.acts: list[Act] = []
        self.moves: list[Move] = []
        self.steps: list[Step] = []
        self.refusals: list[Refusal] = []
        self.cautions: list[Note] = []
        self.torn = 0
        self.answered: set[str] = set()
        """Names of the options that a repair has dealt with."""
        self._inputs = dict(x.inputs)
        self._numbers: dict[str, int] = {}
        self._targets: set[str] = set()
        self._let_go: set[str] = set()
        self._streams: dict[int, BinaryIO] = {}
        self._findings: defaultdict[str, list[Finding]] = defaultdict(list)
        self.all_findings = tuple(findings)
        for finding in self.all_findings:
            self._findings[finding.rule].append(finding)
        self.stores = [StoreDraft(facts) for facts in x.stores]
        self.databases = [DatabaseDraft(each, each.sessions) for each in x.databases if each.sessions is not None]
        self.edits: dict[Path, list[Edit]] = {}
        """Edits of databases besides those of session rows; none at all makes the file again."""
        self.rebuilt: dict[Path, StoreSummary] = {}
        """Stores that are made again, or put back whole, as they will be."""
        self.cron_jobs = x.cron.jobs
        """The jobs as the plan leaves them."""
        self.unlisted: frozenset[int] = frozenset()
        """Places in jobs.json of what the plan takes out of it."""
        self.filed: list[CronJob] = []
        """Jobs of the state database that come under the path whose jobs the gateway runs."""
        self.queues = x.queues
        """The delivery queues as the plan leaves them."""
        self.state = x.state
        """What the state database tells as the plan leaves it."""

    @property
    def opened(self) -> Iterator[RowsDraft]:
        """Whatever holds sessions and is part of the plan, of either era."""
        return (each for each in (*self.stores, *self.databases) if each.opened)

    def close(self) -> None:
        """Close what was opened for reading."""
        for stream in self._streams.values():
            stream.close()

    def read(self, number: int, start: int, end: int) -> bytes:
        """Bytes of a fingerprinted file. Raises OSError; fewer bytes come where it became shorter, which its
        fingerprint will tell at the apply."""
        if number not in self._streams:
            self._streams[number] = self.fs.open(self.state_dir / self.fingerprints[number].path)
        stream = self._streams[number]
        stream.seek(start)
        parts = []
        while start < end and (part := stream.read(end - start)):
            parts.append(part)
            start += len(part)
        return b"".join(parts)

    def value_of(self, store: StoreDraft, position: int) -> bytes:
        """The JSON of one row's value."""
        return self.read(*store.span_of(position))

    def found(self, *rules: str, store: StoreFacts | None = None) -> list[Finding]:
        """Findings of these rules, of one store alone if given."""
        path = None if store is None else str(store.read.ref.path)
        return [each for rule in rules for each in self._findings[rule] if path is None or each.path == path]

    def real(self, path: Path) -> Path:
        """The path below the state directory's real path, where it is spelled below the other one."""
        spelled = self.x.place.state_dir
        return self.state_dir / path.relative_to(spelled) if path.is_relative_to(spelled) else path

    def reach(self, path: Path) -> tuple[str, FileStat]:
        """How plans spell the file, and its stat. Raises OutOfReach unless it is a regular file inside the state
        directory with no symbolic link on the way, and OSError."""
        real = self.real(path)
        if not real.is_relative_to(self.state_dir):
            raise self._beyond(path, "It is outside the state directory.")
        try:
            stat = self.fs.lstat(real)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise self._beyond(path, "It is reached through a symbolic link.") from error
        if stat.is_symlink or self.fs.realpath(real.parent) != real.parent:
            raise self._beyond(path, "It is a symbolic link or is reached through one.")
        if not stat.is_file:
            raise OutOfReach(f"{path} is not a regular file.", "Inspect it by hand.")
        return spell(real, self.state_dir), stat

    def _beyond(self, path: Path, reason: str) -> OutOfReach:
        """What is out of reach from here is not where its store is examined by itself."""
        store = next((each.path for each in self.stores if each.path.parent == path.parent), None)
        if store is None:
            return OutOfReach(reason, f"Inspect {self.fs.realpath(path)} by hand.")
        real = str(self.fs.realpath(store))
        hint = f"Repair that store separately: `gatewaydoctor repair --store {quote(real)}`."
        return OutOfReach(reason, hint, real)

    def fingerprint(self, path: Path, sha256: str | None = None, seen: FileStat | None = None) -> int:
        """The number of the file's fingerprint. `seen` is the stat that was taken when its content was read. Raises
        OutOfReach, also for a file that changed since, and OSError."""
        text, stat = self.reach(path)
        if seen is not None and identity(seen) != identity(stat):
            raise OutOfReach(
                f"{path} changed while it was examined.", "Make sure nothing writes there, then try again."
            )
        if text not in self._numbers:
            self._numbers[text] = len(self.fingerprints)
            self.fingerprints.append(
                Fingerprint(
                    path=text,
                    dev=stat.dev,
                    ino=stat.ino,
                    size=stat.size,
                    mtime_ns=stat.mtime_ns,
                    mode=stat.mode,
                    uid=stat.uid,
                    gid=stat.gid,
                    nlink=stat.nlink,
                    sha256=sha256,
                    ctime_ns=stat.ctime_ns,
                )
            )
        return self._numbers[text]

    def depends_on(self, *paths: Path) -> None:
        """Count files among what the plan was judged by. One that may not be asked is none."""
        self._inputs |= identities(self.fs, (path for path in paths if path not in self._inputs))

    def inputs(self) -> tuple[Input, ...]:
        """What the plan was judged by, but for the files that have a fingerprint."""
        spelled = ((spell(self.real(path), self.state_dir), stat) for path, stat in self._inputs.items())
        return tuple(Input(path=text, seen=identity(stat)) for text, stat in spelled if text not in self._numbers)

    def rewrite(self, number: int, segments: tuple[Segment, ...], size: int, *, keep_mtime: bool = False) -> bool:
        """Give an existing file new content. False where the plan already does something to it."""
        target = self.fingerprints[number].path
        return self.act(
            target,
            Rewrite(
                target=target,
                segments=segments,
                size=size,
                replaces=number,
                like=number,
                keep_mtime=keep_mtime,
            ),
        )

    def create(
        self,
        path: Path,
        segments: tuple[Segment, ...],
        size: int,
        like: int | None = None,
        *,
        keep_mtime: bool = False,
        replaces: int | None = None,
    ) -> bool:
        """Make a file where none is, or where the file with the fingerprint `replaces` is."""
        target = spell(self.real(path), self.state_dir)
        made = Rewrite(
            target=target, segments=segments, size=size, replaces=replaces, like=like, keep_mtime=keep_mtime
        )
        return self.act(target, made)

    def copy(self, number: int, path: Path, *, replaces: int | None = None) -> bool:
        """The content and the times of the file with this fingerprint, under another name."""
        size = self.fingerprints[number].size
        segments = (Copy(number, 0, size),) if size else ()
        return self.create(path, segments, size, number, keep_mtime=True, replaces=replaces)

    def move(self, path: Path) -> int | None:
        """Take a file to the vault; its size. None where it is gone, out of reach (then refused) or taken already."""
        try:
            number = self.fingerprint(path)
            if not self._take(self.fingerprints[number].path):
                return None
        except FileNotFoundError:
            return None
        except OutOfReach as error:
            self.refuse("vault", path, error)
            return None
        self.moves.append(Move(source=number))
        return self.fingerprints[number].size

    def taken(self, path: Path) -> bool:
        """Whether the plan does something to this file already."""
        return spell(self.real(path), self.state_dir) in self._targets

    def leaves(self, path: Path) -> bool:
        """Whether the plan takes this file away and puts nothing in its place."""
        text = spell(self.real(path), self.state_dir)
        return any(self.fingerprints[act.source].path == text for act in self.moves)

    def act(self, target: str, act: Act) -> bool:
        """Add an act as it is. False where the plan already does something to its target."""
        if not self._take(target):
            return False
        self.acts.append(act)
        return True

    def let_go(self, *paths: Path) -> None:
        """Let the plan change files that an import keeps for a plugin: the caller takes them away whole."""
        self._let_go |= {spell(self.real(path), self.state_dir) for path in paths}

    @cached_property
    def _kept(self) -> frozenset[str]:
        return frozenset(spell(self.real(path), self.state_dir) for path in self.x.migration.kept_for_plugins)

    def _take(self, target: str) -> bool:
        if target in self._targets:
            return False
        if target in self._kept - self._let_go:
            why = "Its import keeps it for a plugin, and each start compares its bytes."
            raise OutOfReach(why, "Nothing has to be done with it.")
        self._targets.add(target)
        return True

    def refuse(self, repair: str, path: Path | str, error: Refused | OSError, hint: str = "") -> None:
        """Say that something is not done, and why."""
        reason = error.message if isinstance(error, Refused) else f"{error.strerror or type(error).__name__}."
        hint = error.hint if isinstance(error, Refused) else hint
        target = spell(self.real(Path(path)), self.state_dir)
        store = error.store if isinstance(error, OutOfReach) else ""
        self.refusals.append(Refusal(repair=repair, target=target, reason=reason, hint=hint, store=store))

    def step(
        self, repair: str, action: str, target: Path | str, reason: str, names: list[str], size: int, **more: object
    ) -> None:
        """Add one step about as many things as there are names."""
        text = spell(self.real(Path(target)), self.state_dir)
        self.steps.append(
            Step(
                repair=repair,
                action=action,
                target=text,
                reason=reason,
                bytes=size,
                count=len(names),
                sample=tuple(names if action == DISABLE else names[:SAMPLE]),
                **more,  # type: ignore[arg-type]
            )
        )

    def caution(self, text: str, names: Iterable[str] = (), keep: int = SAMPLE, todo: Command | None = None) -> None:
        """Say one sentence about the first `keep` of these names."""
        self.cautions.append(Note(text=text, names=tuple(islice(names, keep)), command=str(todo or "")))

    @cached_property
    def held(self) -> frozenset[int]:
        """Hashes of the keys that any store has, in lower case, as the gateway looks keys up."""
        tables = [store.facts.sessions.table for store in self.stores if store.facts.sessions]
        tables += [database.sessions.table for database in self.databases]
        return frozenset(hash(key.lower()) for table in tables for key in table.all_keys())


class Keyed(Protocol):
    """A row, as far as its key tells."""

    @property
    def key(self) -> str: ...

    @property
    def kind(self) -> Kind: ...


def of_people(rows: Iterable[Keyed]) -> dict[str, object]:
    """What a step says of the conversations among its rows."""
    touched = tuple(row.key for row in rows if row.kind not in MACHINE_KINDS)
    return {"conversations": len(touched), "touched": touched}


def literal(data: bytes) -> tuple[tuple[Segment, ...], int]:
    """Segments and size of a file that holds just these bytes."""
    return (NewBytes(data),), len(data)
