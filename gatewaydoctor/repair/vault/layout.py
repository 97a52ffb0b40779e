"""Names and places of the vault. No name here is one that a gateway or its doctor reads, sweeps or deletes
(docs/gateway.md
sections 2 and 5): none ends in .jsonl or .tmp, begins with sessions.json, or holds .bak., .deleted. or .reset."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.command import Command
from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from pathlib import Path

VAULT_NAME = ".gatewaydoctor"
TEMP_PREFIX = f"{VAULT_NAME}."
"""Files next to a target that begin like this are a run's own, left behind only by a crash."""

RUNS = "runs"
ELSEWHERE = "elsewhere"
SNAPSHOTS = "snapshots"
DISPLACED = "displaced-"
SETTLED, WORKING = "settled", "working"
"""Words in the note about a run whose vault is elsewhere; the last one counts."""

RUN_ID = regex(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}(-[1-9]\d*)?", re.ASCII)
STORED = regex(r"[0-9]{6,}", re.ASCII)
OWN_FILES = frozenset(
    {
        "plan.json",
        "journal",
        "manifest.json",
        "manifest.json.new",
        "receipt.json",
        "receipt.json.new",
        "provenance.ndjson",
        "kept.ndjson",
    }
)
"""What is in the directory of a run besides `files` and what was displaced."""


class RunPlace(Struct, frozen=True):
    """Where one run keeps its things. `state_dir` is the real path of the directory it works on."""

    directory: Path
    state_dir: Path
    work: Path | None = None
    """Where private copies of databases are made; None for the run's own directory."""

    @property
    def run_id(self) -> str:
        return self.directory.name

    @property
    def plan(self) -> Path:
        return self.directory / "plan.json"

    @property
    def journal(self) -> Path:
        return self.directory / "journal"

    @property
    def manifest(self) -> Path:
        return self.directory / "manifest.json"

    @property
    def receipt(self) -> Path:
        return self.directory / "receipt.json"

    @property
    def origins(self) -> Path:
        """Where each entry of a salvaged store comes from, line by line."""
        return self.directory / "provenance.ndjson"

    @property
    def kept(self) -> Path:
        """The sessions that the run left in the stores it wrote, line by line."""
        return self.directory / "kept.ndjson"

    @property
    def files(self) -> Path:
        return self.directory / "files"

    def command(self, *verb: str, options: tuple[str, ...] = ()) -> Command:
        """What to type for this run: `command("undo", options=("--merge",))`."""
        root = self.directory.parent.parent
        vault = () if root == vault_of(self.state_dir) else ("--vault", str(root))
        words = (*verb, self.run_id, *options, "--state-dir", str(self.state_dir), *vault)
        return Command(words, placed=True)

    @property
    def private(self) -> Path:
        """Private copies of databases while they are worked on."""
        return self.directory / "private" if self.work is None else self.work / f"{TEMP_PREFIX}{self.run_id}"

    @property
    def waiting(self) -> Path:
        """New files that wait in the vault, where there is no room for them next to their targets."""
        return self.directory / "waiting"

    def waiting_file(self, act: int) -> Path:
        return self.waiting / f"{act:06d}"

    @property
    def by_hand(self) -> str:
        """What to do where no command can tell what the run did."""
        return (
            f"Its originals are in {self.files}; manifest.json next to them records what each "
            f"was. Restore them by hand, then move {self.directory} out of the vault."
        )

    def new_file(self, target: Path, act: int) -> Path:
        """Beside the target: the new content, and after the swap the old file."""
        return target.with_name(f"{TEMP_PREFIX}{self.run_id}.{act}.new")

    def old_file(self, target: Path, act: int) -> Path:
        """Beside the target: a file on its way out, or on its way back."""
        return target.with_name(f"{TEMP_PREFIX}{self.run_id}.{act}.old")

    def lock_file(self, target: Path, act: int) -> Path:
        """Beside the target: the store's lock while it is being made."""
        return target.with_name(f"{TEMP_PREFIX}{self.run_id}.{act}.lock")

    def half_file(self, target: Path, act: int) -> Path:
        """Beside the target: a copy of the original while it is being made, so never the only one."""
        return target.with_name(f"{TEMP_PREFIX}{self.run_id}.{act}.copy")

    def displaced(self, act: int, attempt: int = 0) -> Path:
        """In the vault: a file that was where only the run's own should have been."""
        return self.directory / (f"{DISPLACED}{act}" + (f".{attempt}" if attempt else ""))

    def at(self, path: str) -> Path:
        """A path as plans and manifests spell it."""
        return self.state_dir / path


def stored_name(act: int) -> str:
    return f"files/{act:06d}"


def vault_of(state_dir: Path) -> Path:
    return state_dir / VAULT_NAME


def spell(path: Path, state_dir: Path) -> str:
    """The path as plans spell it: relative to the state directory where it is inside."""
    return path.relative_to(state_dir).as_posix() if path.is_relative_to(state_dir) else str(path)


def run_name(now: int, plan_id: str, attempt: int) -> str:
    """`<UTC time>-<start of the plan's id>`, and a number from the second attempt within that second on."""
    moment = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{moment}-{plan_id[:8]}" + (f"-{attempt}" if attempt > 1 else "")


def begun_at(run_id: str) -> int:
    """Epoch ms of the second in a run's name."""
    return round(datetime.strptime(f"{run_id[:16]}+0000", "%Y%m%dT%H%M%SZ%z").timestamp() * 1000)
