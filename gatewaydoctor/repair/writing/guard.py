"""The questions asked before anything is written. Each raises a Refused; none writes (promise P6)."""

from __future__ import annotations

from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path, PurePosixPath
from shlex import quote
from stat import S_IMODE
from typing import TYPE_CHECKING

from gatewaydoctor.model.command import typed
from gatewaydoctor.model.gateway.liveness import GatewayState, Liveness
from gatewaydoctor.model.repair.plan import Move, Plan, Rewrite, Transact
from gatewaydoctor.model.words import size as in_words
from gatewaydoctor.repair.vault.layout import VAULT_NAME
from gatewaydoctor.repair.writing.errors import (
    MOUNT_AGAIN,
    DatabaseInUse,
    GatewayLive,
    GatewayUnknown,
    InputChanged,
    NoSpace,
    NotWritable,
    OutOfBounds,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from gatewaydoctor.model.repair.plan import Act, Fingerprint
    from gatewaydoctor.model.repair.receipt import Kept
    from gatewaydoctor.repair.writing.fs import WriteFs
    from gatewaydoctor.system.fs import FileStat, ReadFs
    from gatewaydoctor.system.processes import FileIdentity, Processes

MARGIN_BYTES = 1024 * 1024
"""Left free next to what a run writes: for journal, manifest, plan and directories."""


def new_plan(plan: Plan) -> str:
    """What to type for a plan of the same repairs."""
    if plan.undoes is not None:
        return f"Make a new plan: `{typed('undo', plan.undoes, '--merge')}`."
    match plan.repairs:
        case ["park" | "unpark" as verb]:
            vault = ("--to-vault",) if "dropParked" in plan.options else ()
            return f"Make a new plan: `{typed(verb, plan.options.get('names', ''), *vault)}`."
        case repairs:
            same = ", with the options of this one" if plan.options else ""
            return f"Make a new plan: `{typed('repair', *repairs)}`{same}."


def check_gateway(gateway: GatewayState, *, operator_says_stopped: bool) -> None:
    """Writing needs a gateway proven dead; `operator_says_stopped` is the operator's --gateway-stopped, which helps
    only where liveness is unknown."""
    sentence = next((each.text for each in gateway.evidence if each.says is gateway.liveness), "")
    match gateway.liveness:
        case Liveness.LIVE:
            raise GatewayLive(
                f"The gateway is running. {sentence}".strip(),
                "Stop it first: it would overwrite the repair from memory.",
            )
        case Liveness.UNKNOWN if not operator_says_stopped:
            raise GatewayUnknown(
                f"Cannot tell whether the gateway is running. {sentence}".strip(),
                "If you know it is stopped, add --gateway-stopped.",
            )
        case _:
            return


def target_of(act: Act, plan: Plan) -> str:
    """The path an act changes, as the plan spells it."""
    match act:
        case Rewrite(target=target) | Transact(target=target):
            return target
        case Move(source=source):
            return plan.fingerprints[source].path


def before(act: Act, plan: Plan) -> Fingerprint | None:
    """What is at the act's target; None where nothing does."""
    match act:
        case Rewrite(replaces=None) | Transact(replaces=None):
            return None
        case Rewrite(replaces=int(replaces)) | Transact(replaces=int(replaces)):
            return plan.fingerprints[replaces]
        case Move(source=source):
            return plan.fingerprints[source]
    raise AssertionError(act)


def databases_of(plan: Plan) -> dict[FileIdentity, str]:
    """The files of databases that leave their place, with their paths."""
    found = (before(act, plan) for act in plan.acts)
    return {(seen.dev, seen.ino): seen.path for seen in found if seen is not None and is_of_database(seen.path)}


DATABASE = ".sqlite"
"""How the name of every database ends that a gateway opens; copies of one have other names."""


def database_of(path: str) -> str | None:
    """The database that a log, its index or a rollback journal belongs to; None for any other file."""
    main, _, kind = path.rpartition("-")
    return main if kind in ("wal", "shm", "journal") and main.endswith(DATABASE) else None


def is_of_database(path: str) -> bool:
    """Whether the name of the file is that of a database, of a copy of one, or of what belongs to one; names of
    directories do not count."""
    return DATABASE in path.rpartition("/")[2]


def other_log(fs: ReadFs, state_dir: Path, target: str, known: Container[str]) -> str | None:
    """A log or rollback journal with content next to this database that is none of `known`: whoever wrote it has
    written to the database that is there, and to no other."""
    if not target.endswith(DATABASE):
        return None
    names = (f"{target}{suffix}" for suffix in ("-wal", "-journal"))
    there = ((name, lstat_or_none(fs, state_dir / name)) for name in names if name not in known)
    return next((name for name, stat in there if stat is not None and stat.size), None)


def check_unused(processes: Processes, databases: Mapping[FileIdentity, str]) -> None:
    """No process has one of these open to write to: what it writes from now on would be in the vault, and in no
    database. Readers do not matter, and what may not be inspected is left to the question whether a gateway runs.
    Raises DatabaseInUse."""
    names = {PurePosixPath(path).name for path in databases.values()}
    if not names:
        return
    try:
        lines = tuple(processes.command_lines())
    except OSError:
        return
    for pid, argv in lines:
        for path in (processes.open_files(pid) or ()) if pid != processes.own_pid else ():
            name = path.rpartition("/")[2]
            target = databases.get(processes.identity(pid, path) or (0, 0)) if name in names else None
            if target is not None and path in (processes.written_files(pid) or ()):
                program = PurePosixPath(argv[0]).name if argv else "unknown"
                raise DatabaseInUse(
                    f"Process {pid} ({program}) has {target} open: what it writes after the repair would be lost.",
                    "End it, or close the database in it, then run the same command again.",
                )


def check_bounds(fs: ReadFs, plan: Plan, kept: Path | None = None) -> None:
    """Every file the plan changes or copies from lies inside the state directory, not in the vault, without a
    symbolic link on the way, and no two acts have the same target. What is there must be a regular file, or
    nothing where the plan says so. `kept` is where originals of the run lie that the plan undoes, sources too."""
    state_dir = Path(plan.state_dir)
    hint = "gatewaydoctor works only inside the state directory and follows no symbolic links."
    if fs.realpath(state_dir) != state_dir or not fs.stat(state_dir).is_dir:
        raise OutOfBounds(f"The plan is for {state_dir}, which is not a real directory path.", hint)
    targets = [target_of(act, plan) for act in plan.acts]
    if len(set(targets)) != len(targets):
        raise OutOfBounds("The plan changes one file twice.", new_plan(plan))
    sources = (seen.path for seen in plan.fingerprints if kept is None or (state_dir / seen.path).parent != kept)
    for parent in sorted({_checked(path, hint).parent.as_posix() for path in (*targets, *sources)}):
        if fs.realpath(state_dir / parent) != state_dir / parent:
            raise OutOfBounds(f"{state_dir / parent} goes through a symbolic link.", hint)


def check_inside(fs: ReadFs, state_dir: Path, targets: Iterable[str]) -> None:
    """The same for files of a run that was done before, of which some may be gone."""
    hint = "gatewaydoctor writes only inside the state directory and follows no symbolic link."
    for parent in sorted({_checked(target, hint).parent.as_posix() for target in targets}):
        if fs.realpath(state_dir / parent) != state_dir / parent:
            raise OutOfBounds(f"{state_dir / parent} goes through a symbolic link.", hint)


def _checked(target: str, hint: str) -> PurePosixPath:
    path = PurePosixPath(target)
    if path.is_absolute() or ".." in path.parts or not path.parts or path.parts[0] == VAULT_NAME or "\0" in target:
        raise OutOfBounds(f"{target} is not a file of the state directory.", hint)
    return path


def identity(stat: FileStat | Fingerprint | None) -> tuple[int, int, int, int] | None:
    """What tells a file from another one, and from itself after a change: device, inode, size, ctime in ns."""
    return None if stat is None else (stat.dev, stat.ino, stat.size, stat.ctime_ns or stat.mtime_ns)


def is_same(stat: FileStat, seen: Fingerprint | Kept) -> bool:
    """Whether this is still the very file: inode, size and mtime."""
    return stat.is_file and (stat.dev, stat.ino, stat.size, stat.mtime_ns) == (
        seen.dev,
        seen.ino,
        seen.size,
        seen.mtime_ns,
    )


def is_unchanged(stat: FileStat, seen: Fingerprint) -> bool:
    """The same, and where no hash will tell, that nothing was written to it: also by one who set the mtime back."""
    return is_same(stat, seen) and (seen.sha256 is not None or seen.ctime_ns in (None, stat.ctime_ns))


def lstat_or_none(fs: ReadFs, path: Path) -> FileStat | None:
    try:
        return fs.lstat(path)
    except FileNotFoundError:
        return None


def check_unchanged(fs: ReadFs, plan: Plan) -> None:
    """Every fingerprinted file is as the plan saw it, mode and owner included where it is taken away or replaced, and
    so is everything else that it was judged by; nothing stands where a new file shall be. Hashes are compared later,
    when the bytes are copied."""
    state_dir = Path(plan.state_dir)
    for each in plan.inputs:
        now = _identity_now(fs, state_dir / each.path)
        if now != each.seen:
            how = "has appeared" if each.seen is None else "is gone" if now is None else "changed"
            raise InputChanged(f"{each.path} {how} since the plan was made.", new_plan(plan))
    taken = {act.source if isinstance(act, Move) else act.replaces for act in plan.acts}
    for number, seen in enumerate(plan.fingerprints):
        stat = lstat_or_none(fs, state_dir / seen.path)
        if stat is None or not is_unchanged(stat, seen) or (number in taken and _dressed(stat) != _dressed(seen)):
            raise InputChanged(f"{seen.path} {_how(stat, seen)} since the plan was made.", new_plan(plan))
    prints = {seen.path for seen in plan.fingerprints}
    for act in plan.acts:
        target = target_of(act, plan)
        new = before(act, plan) is None and lstat_or_none(fs, state_dir / target) is not None
        if appeared := target if new else other_log(fs, state_dir, target, prints):
            raise InputChanged(f"{appeared} has appeared since the plan was made.", new_plan(plan))


def _identity_now(fs: ReadFs, path: Path) -> tuple[int, int, int, int] | None:
    try:
        return identity(fs.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _how(stat: FileStat | None, seen: Fingerprint) -> str:
    if stat is None:
        return "is gone"
    if not stat.is_file:
        return "is no longer a regular file: it changed"
    if (stat.dev, stat.ino) != (seen.dev, seen.ino):
        return "was replaced"
    return "has another mode or owner" if is_same(stat, seen) and _dressed(stat) != _dressed(seen) else "changed"


def _dressed(seen: FileStat | Fingerprint) -> tuple[int, int, int]:
    return S_IMODE(seen.mode), seen.uid, seen.gid


def check_writable(fs: WriteFs, plan: Plan, own_uid: int) -> None:
    """Names can be changed in every directory concerned, no attribute keeps a file where it is, and one of another
    owner is only replaced by root, for the new file must keep the owner."""
    state_dir = Path(plan.state_dir)
    parents = {(state_dir / target_of(act, plan)).parent for act in plan.acts}
    for parent in sorted({state_dir, *parents}):
        require_writable(fs, parent, "Run as the user the gateway runs as.")
    for act in plan.acts:
        seen = before(act, plan)
        if seen is not None:
            require_loose(fs, state_dir / seen.path)
        if isinstance(act, (Rewrite, Transact)) and seen is not None and own_uid not in (0, seen.uid):
            raise NotWritable(
                f"{seen.path} belongs to user id {seen.uid}, and you cannot create files for that user.",
                "Run as that user, or as root.",
            )


def require_writable(fs: WriteFs, directory: Path, hint: str) -> None:
    """Names in the directory can be changed. `hint` is for a missing permission. Raises NotWritable."""
    try:
        read_only = fs.space(directory).read_only
    except FileNotFoundError:
        raise NotWritable(f"There is no directory {directory}.", "It was removed meanwhile. Scan again.") from None
    if read_only:
        raise NotWritable(f"The file system of {directory} is mounted read-only.", MOUNT_AGAIN)
    require_loose(fs, directory)
    if not fs.writable(directory):
        raise NotWritable(f"No permission to write to {directory}.", hint)


def require_loose(fs: WriteFs, path: Path) -> None:
    """No attribute keeps a file or directory as it is. Raises NotWritable."""
    if held := fs.fixed(path):
        raise NotWritable(
            f"{path} is {held.word}: no user can change it, root included.",
            f"Find out why, then as root: {held.command} {quote(str(path))}",
        )


def full_disks(fs: WriteFs, directories: Iterable[Path], error: BaseException) -> str:
    """A sentence that names the disks that are full; empty where the error is another one. Raises nothing."""
    if not isinstance(error, OSError) or error.errno not in (ENOSPC, EDQUOT):
        return ""
    full: dict[int, Path] = {}
    for directory in directories:
        with suppress(OSError):
            if fs.space(directory).available < MARGIN_BYTES:
                full.setdefault(fs.stat(directory).dev, directory)
    return f" The disk of {' and that of '.join(map(str, full.values()))} is full." if full else ""


def check_space(
    fs: WriteFs,
    needs: Iterable[tuple[Path, int]],
    hint: str = "Free space, or keep the originals on another disk: --vault DIR.",
    *,
    margin: int = MARGIN_BYTES,
    what: str = "repair",
) -> None:
    """`needs` are (directory, bytes to write there); needs on one filesystem add up. `margin` bytes are left free
    next to them. `what` needs them. Raises NoSpace."""
    together: dict[int, tuple[Path, int]] = {}
    for directory, size in needs:
        dev = fs.stat(directory).dev
        first, so_far = together.get(dev, (directory, 0))
        together[dev] = (first, so_far + size)
    for directory, size in together.values():
        free = fs.space(directory).available
        if size > 0 and free < size + margin:
            raise NoSpace(
                f"The {what} needs {in_words(size + margin)} on the disk of {directory}; {in_words(free)} is free, "
                f"{in_words(size + margin - free)} too little.",
                hint,
            )
