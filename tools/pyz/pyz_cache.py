"""Where gatewaydoctor.pyz unpacks itself: compiled modules cannot be loaded out of a zip file.

The cache is a folder of this user that nobody else may write to, outside every state directory: GATEWAYDOCTOR_CACHE,
else the user's cache, else one below a directory for temporary files. What is unpacked gets its name only once it is
whole and on the disk. A process holds a shared lock on what it runs from; folders of other builds are removed when
a new one is unpacked and nobody holds them.
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "GATEWAYDOCTOR_CACHE"
_LEFTOVER = 3600
"""Seconds after which an unfinished folder is taken for one whose maker was killed."""
_NOEXEC = getattr(os, "ST_NOEXEC", 0)

_held: list[int] = []
"""Descriptors with the lock on what this process runs from; they stay open until it ends."""


class Unusable(Exception):
    """A place that is no cache, and why."""


def unpacked(archive: str, told: Mapping[str, str], target: str) -> str:
    """The folder with this build for this interpreter, unpacked now if it was not. Where no place can be used it
    says why for each and ends with exit code 2."""
    name = f"pyz-{told['version']}-{told['build']}-{target}"
    reasons = []
    for place in _places():
        try:
            return str(_from(place, name, archive, target))
        except Unusable as reason:
            reasons.append(f"  {place}: {reason}")
        except OSError as error:
            reasons.append(f"  {place}: {error.strerror or error}")
    hint = (
        f"Name a directory of yours on a volume that allows programs: {VARIABLE}=DIR (outside the state directory)."
    )
    print("gatewaydoctor.pyz has nowhere to unpack its compiled parts:", *reasons, hint, sep="\n", file=sys.stderr)
    sys.exit(2)


def _places() -> Iterator[Path]:
    """Where the cache may be, best first."""
    named = os.environ.get(VARIABLE)
    if named:
        yield Path(named).absolute()
        return
    cache = os.environ.get("XDG_CACHE_HOME", "")
    yield (Path(cache) if cache.startswith("/") else _home() / ".cache") / "gatewaydoctor"
    for folder in dict.fromkeys((os.environ.get("TMPDIR") or "/tmp", "/tmp", "/var/tmp")):
        yield Path(folder).absolute() / f"gatewaydoctor-{os.geteuid()}"


def _from(place: Path, name: str, archive: str, target: str) -> Path:
    """The folder called `name` in this place. Raises Unusable, and OSError where it cannot be read or made."""
    if _in_a_state_directory(place):
        raise Unusable("it lies in a state directory, where looking never writes")
    _make(place)
    folder = place / name
    while not _hold(folder):
        _unpack(archive, target, place, folder)
        _remove_others(place, folder)
    return folder


def _home() -> Path:
    """A path that does not exist where nothing is known of a home."""
    return Path(os.path.expanduser("~")).absolute()  # noqa: PTH111 - Path.home() raises for a user without an entry


def _make(place: Path) -> None:
    """Raises Unusable unless the place is a directory of this user that nobody else can write to, on a volume that
    lets programs be loaded. A home that is missing, or another user's, is left as it is."""
    home = _home()
    if place.parent == home / ".cache":
        if home.stat().st_uid != os.geteuid():
            raise Unusable("the home directory belongs to another user")
        place.parent.mkdir(mode=0o700, exist_ok=True)
    _must_allow_programs(place.parent)
    place.mkdir(mode=0o700, exist_ok=True)
    _must_allow_programs(place)
    found = place.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise Unusable("it is a symbolic link")
    if found.st_uid != os.geteuid():
        raise Unusable("it belongs to another user")
    if found.st_mode & 0o022:
        raise Unusable("others may write to it")


def _must_allow_programs(directory: Path) -> None:
    if os.statvfs(directory).f_flag & _NOEXEC:
        raise Unusable("its volume is mounted noexec")


def _in_a_state_directory(place: Path) -> bool:
    """Whether the place is inside what this call names, the environment names, or what looks like one."""
    named = [os.environ.get("OPENCLAW_STATE_DIR"), str(_home() / ".openclaw")]
    for index, argument in enumerate(sys.argv):
        option, equals, value = argument.partition("=")
        if option == "--state-dir":
            named.append(value if equals else "".join(sys.argv[index + 1 : index + 2]))
    real = Path(os.path.realpath(place))
    if any((above / "openclaw.json").exists() for above in (real, *real.parents)):
        return True
    spelled = (os.path.expanduser(each) for each in named if each)  # noqa: PTH111 - as in _home
    return any(real.is_relative_to(os.path.realpath(each)) for each in spelled)


def _hold(folder: Path) -> bool:
    """Lock the folder against its removal for as long as this process runs; False where it does not exist."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    with suppress(OSError):  # a volume without locks: there nobody gets the one that removal needs either
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    _held.append(descriptor)
    # Somebody may have removed it between the two calls.
    return folder.exists() and os.path.samestat(folder.stat(), os.fstat(descriptor))


def _unpack(archive: str, target: str, place: Path, folder: Path) -> None:
    # Imported here: only the first start needs them.
    import shutil
    import tempfile
    import zipfile
    import zlib

    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=place))
    try:
        whole = fresh / folder.name
        whole.mkdir(mode=0o700)
        with zipfile.ZipFile(archive) as outer:
            for part in ("any", target):
                with outer.open(f"{part}.zip") as packed, zipfile.ZipFile(packed) as inner:
                    inner.extractall(whole / part)
        for parent, _, files in os.walk(whole):
            for name in (*files, "."):
                _sync(Path(parent, name))
        whole.rename(folder)
        _sync(place)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise Unusable(f"{archive} is damaged; copy it again") from error
    except OSError:
        if not folder.exists():  # else another process was first, and its folder is as good
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_others(place: Path, folder: Path) -> None:
    """Remove what other builds left, where nothing runs from it. What cannot be removed stays: it is only room."""
    for other in place.iterdir():
        unfinished = other.name.startswith((".new-", ".old-"))
        if other == folder or not (unfinished or other.name.startswith("pyz-")):
            continue
        try:
            if unfinished and time.time() - other.lstat().st_mtime < _LEFTOVER:
                continue
            _remove(other)
        except OSError:
            continue


def _remove(folder: Path) -> None:
    import shutil

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        doomed = folder.with_name(f".old-{folder.name}-{os.getpid()}")
        folder.rename(doomed)
        shutil.rmtree(doomed)
    finally:
        os.close(descriptor)
