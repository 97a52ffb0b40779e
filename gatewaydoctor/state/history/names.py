"""What a file name in a sessions directory says (gateway.md section 2). Pure, and total: any name gets a class."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from gatewaydoctor.model.gateway.files import FileClass, FileName, TempFamily
from gatewaydoctor.model.regex import regex

STORE_NAME = "sessions.json"

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NUMBER = r"[0-9]{1,20}"
_SESSION_ID = regex(r"[a-z0-9][a-z0-9._-]{0,127}", re.IGNORECASE | re.ASCII)
_FORK = regex(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}-[0-9]{{2}}-[0-9]{{2}}-[0-9]{{3}}Z_({_UUID})\.jsonl", re.IGNORECASE
)
_CHECKPOINT = regex(
    r"(.+)\.checkpoint\.[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.jsonl",
    re.IGNORECASE,
)
_ARCHIVE_STAMP = regex(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2})-([0-9]{2})-([0-9]{2})(?:\.([0-9]{3}))?Z", re.ASCII
)
_OLD_ARCHIVE = regex(rf"(.+\.jsonl)\.deleted\.({_NUMBER})", re.DOTALL)
_REPAIR_BACKUP = regex(rf"(.*\.jsonl)\.bak-({_NUMBER})-({_NUMBER})", re.DOTALL)
_RETIRED = regex(rf"(.+)\.(?:migrated(?:\.{_NUMBER})?|imported-{_NUMBER})", re.DOTALL)

# Tried in this order on names that end in `.tmp`; the groups are the file the temp belongs to, pid and ms.
_TEMPS: tuple[tuple[re.Pattern[str], TempFamily], ...] = tuple(
    (regex(pattern, re.DOTALL | re.IGNORECASE), family)
    for pattern, family in (
        (rf"(?P<base>\.fs-safe-replace)\.(?P<pid>{_NUMBER})\.{_UUID}\.tmp", TempFamily.FS_SAFE),
        (rf"(?P<base>.+)\.repair-(?P<pid>{_NUMBER})-(?P<ms>{_NUMBER})\.tmp", TempFamily.REPAIR_MS),
        (rf"(?P<base>.+)\.repair\.(?P<pid>{_NUMBER})\.{_UUID}\.tmp", TempFamily.REPAIR_UUID),
        (rf"(?P<base>.+?)\.(?P<pid>{_NUMBER})\.{_UUID}\.tmp", TempFamily.PID_UUID),
        (rf"(?P<base>.+)\.{_UUID}\.tmp", TempFamily.UUID),
        (rf"(?P<base>.+?)\.(?P<pid>{_NUMBER})\.[0-9a-f]{{1,20}}\.tmp", TempFamily.PID_HEX),
        (rf"(?P<base>.+)\.(?P<pid>{_NUMBER})\.tmp", TempFamily.PID_HEX),
    )
)

_LAST_MOMENT = 8_640_000_000_000_000
_USAGE_CACHE = ".usage-cost-cache"
_ARCHIVES = (
    (".deleted.", FileClass.ARCHIVE_DELETED),
    (".reset.", FileClass.ARCHIVE_RESET),
    (".bak.", FileClass.ARCHIVE_BAK),
)
_WHOLE_NAMES = {
    f"{_USAGE_CACHE}.json": FileClass.USAGE_CACHE,
    f"{_USAGE_CACHE}.json.lock": FileClass.USAGE_CACHE_LOCK,
    "skills-prompts": FileClass.PROMPTS,
    "cold": FileClass.COLD,
}


def is_session_id(text: str) -> bool:
    """Whether the gateway accepts this id in a transcript's file name."""
    return _SESSION_ID.fullmatch(text) is not None


def classify(name: str, store: str = STORE_NAME) -> FileClass:
    """The class of a name. `store` is the store's own file name where the config gives another one."""
    if name.endswith(".jsonl"):
        return _jsonl_class(name)
    if name == store:
        return FileClass.STORE
    if name in _WHOLE_NAMES:
        return _WHOLE_NAMES[name]
    if name.endswith("Z") and (found := _archive(name)):
        return found[0]
    if name.endswith(".tmp"):
        return _temp_class(name, store)
    if ".jsonl.deleted." in name and _OLD_ARCHIVE.fullmatch(name):
        return FileClass.ARCHIVE_DELETED
    if name.endswith(".trajectory-path.json"):
        return FileClass.TRAJECTORY_POINTER
    if name.endswith(".jsonl.lock") or name == f"{store}.lock":
        return FileClass.LOCK
    if _is_store_backup(name, store):
        return FileClass.STORE_BACKUP
    if ".jsonl.bak-" in name and _REPAIR_BACKUP.fullmatch(name):
        return FileClass.REPAIR_BACKUP
    return FileClass.RETIRED if _RETIRED.fullmatch(name) else FileClass.FOREIGN


def parse_name(name: str, store: str = STORE_NAME) -> FileName:
    """Class, owner, and the times and pids a name holds. Slower than `classify`, which it agrees with."""
    cls = classify(name, store)
    match cls:
        case FileClass.TRANSCRIPT | FileClass.TOPIC | FileClass.FORK | FileClass.CHECKPOINT | FileClass.TRAJECTORY:
            return _of_jsonl(cls, name)
        case FileClass.TRAJECTORY_POINTER:
            return _owned(cls, name.removesuffix(".trajectory-path.json") + ".jsonl")
        case FileClass.ARCHIVE_DELETED | FileClass.ARCHIVE_RESET | FileClass.ARCHIVE_BAK:
            base, stamp = _archive_parts(name)
            return _owned(cls, base, stamp=stamp)
        case FileClass.STORE_BACKUP:
            return FileName(cls, store, stamp=name_stamp(name, cls))
        case FileClass.LOCK:
            return _owned(cls, name.removesuffix(".lock"))
        case FileClass.REPAIR_BACKUP:
            return _repair_backup(name)
        case FileClass.RETIRED:
            found = _RETIRED.fullmatch(name)
            return _owned(cls, found[1] if found else name)
        case FileClass.STORE_TEMP | FileClass.TRANSCRIPT_TEMP | FileClass.OTHER_TEMP | FileClass.USAGE_CACHE_TEMP:
            return _of_temp(cls, name, store)
        case _:
            return FileName(cls, name)


def name_stamp(name: str, cls: FileClass) -> int | None:
    """Epoch ms held by the name of an archive or a store backup; None where it names no real moment."""
    if cls is FileClass.STORE_BACKUP:
        return _moment(name.rpartition(".")[2])
    return _archive_parts(name)[1]


def topic_owners(name: str) -> tuple[str, ...]:
    """Every session id a topic transcript's name may mean: an id may itself hold `-topic-`."""
    stem, found, at = name.removesuffix(".jsonl"), [], name.find("-topic-")
    while at > 0:
        found.append(stem[:at])
        at = stem.find("-topic-", at + 1)
    return tuple(found)


def _jsonl_class(name: str) -> FileClass:
    if name.endswith(".trajectory.jsonl"):
        return FileClass.TRAJECTORY
    if ".checkpoint." in name and _CHECKPOINT.fullmatch(name):
        return FileClass.CHECKPOINT
    if "-topic-" in name and name.index("-topic-") > 0:
        return FileClass.TOPIC
    return FileClass.FORK if "Z_" in name and _FORK.fullmatch(name) else FileClass.TRANSCRIPT


def _archive(name: str) -> tuple[FileClass, str, re.Match[str]] | None:
    """The gateway asks each reason for its own last marker; only one can be followed by nothing but a time."""
    for marker, cls in _ARCHIVES:
        base, found, tail = name.rpartition(marker)
        if found and (stamp := _ARCHIVE_STAMP.fullmatch(tail)):
            return cls, base, stamp
    return None


def _archive_parts(name: str) -> tuple[str, int | None]:
    found = _archive(name)
    if found is None:
        # Other tools and older releases put the time in digits, whose unit is not known: no release deletes those.
        old = _OLD_ARCHIVE.fullmatch(name)
        return old[1] if old else name, None
    return found[1], _js_moment(*(int(part or 0) for part in found[2].groups()))


def _js_moment(year: int, month: int, day: int, hour: int, minute: int, second: int, ms: int) -> int | None:
    """Epoch ms as Date.parse gives it: a day up to 31 that the month lacks runs over into the next."""
    if not 1 <= day <= 31 or hour > 23 or minute > 59 or second > 59:
        return None
    try:
        month_start = datetime(year, month, 1, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return (int(month_start.timestamp()) + (day - 1) * 86_400) * 1000 + ms


def _is_store_backup(name: str, store: str) -> bool:
    digits = name.removeprefix(f"{store}.bak.")
    return digits != name and digits.isascii() and digits.isdigit()


def _moment(digits: str) -> int | None:
    """Epoch ms written in digits; None past the last moment JavaScript can name."""
    ms = int(digits)
    return ms if ms <= _LAST_MOMENT else None


def _temp_class(name: str, store: str) -> FileClass:
    if name.startswith(f"{_USAGE_CACHE}."):
        return FileClass.USAGE_CACHE_TEMP
    if name.startswith((f"{store}.", ".fs-safe-replace.")):
        return FileClass.STORE_TEMP
    return FileClass.TRANSCRIPT_TEMP if ".jsonl." in name else FileClass.OTHER_TEMP


def _of_temp(cls: FileClass, name: str, store: str) -> FileName:
    for pattern, family in _TEMPS:
        if found := pattern.fullmatch(name):
            groups = found.groupdict()
            base = store if family is TempFamily.FS_SAFE else groups["base"]
            ms, pid = groups.get("ms"), groups.get("pid")
            owned = _owned(cls, base, stamp=_moment(ms) if ms else None)
            return FileName(cls, base, owned.session_id, owned.topic, owned.stamp, int(pid) if pid else None, family)
    return FileName(cls, name.removesuffix(".tmp"), family=TempFamily.UNKNOWN)


def _repair_backup(name: str) -> FileName:
    found = _REPAIR_BACKUP.fullmatch(name)
    if found is None:
        return FileName(FileClass.REPAIR_BACKUP, name)
    owned = _owned(FileClass.REPAIR_BACKUP, found[1], stamp=_moment(found[3]))
    return FileName(owned.cls, owned.base, owned.session_id, owned.topic, owned.stamp, int(found[2]))


def _of_jsonl(cls: FileClass, name: str) -> FileName:
    stem = name.removesuffix(".jsonl")
    if cls is FileClass.TRAJECTORY:
        return _owned(cls, stem.removesuffix(".trajectory") + ".jsonl")
    if cls is FileClass.CHECKPOINT and (found := _CHECKPOINT.fullmatch(name)):
        return _owned(cls, f"{found[1]}.jsonl")
    if cls is FileClass.FORK and (found := _FORK.fullmatch(name)):
        return FileName(cls, name, found[1])
    if cls is FileClass.TOPIC:
        owner, _, topic = stem.partition("-topic-")
        return FileName(cls, name, owner if is_session_id(owner) else None, topic)
    return FileName(cls, name, stem if is_session_id(stem) else None)


def _owned(cls: FileClass, base: str, stamp: int | None = None) -> FileName:
    """A file that belongs to `base`: the session is the one `base` is of, where it is a transcript's name."""
    if not base.endswith(".jsonl"):
        return FileName(cls, base, stamp=stamp)
    owner = _of_jsonl(_jsonl_class(base), base)
    return FileName(cls, base, owner.session_id, owner.topic, stamp)
