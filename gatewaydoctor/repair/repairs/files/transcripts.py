"""transcripts: torn or NUL tails are cut, a missing last newline is added, a lost header is rebuilt. The lines that
are not JSON at the end of a file are cut together or not at all. The original goes to the vault and the file keeps
its mtime. Damage in the middle is told and not touched."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.files import PRIMARY, NodeKind
from gatewaydoctor.model.gateway.transcript import ContentClass, HeaderState, TailState
from gatewaydoctor.model.repair.plan import Copy, NewBytes, Segment
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.history.content import content_class, read_content
from gatewaydoctor.state.history.names import parse_name
from gatewaydoctor.state.history.references import References
from gatewaydoctor.state.history.transcripts import check_transcript

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.examine.sessions.files import TranscriptFault
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.transcript import TranscriptCheck, TranscriptContent
    from gatewaydoctor.repair.drafting.draft import Draft


_TOLD = 1000
"""Files named one by one; all are counted."""


def report(draft: Draft, paths: Collection[Path] | None) -> None:
    """Say which transcripts hold lines, up to the end of their last whole record, that are not JSON, and where.
    `paths` None: read every primary transcript next to the stores, which takes as long as reading them does."""
    damaged, unread = [], []
    draft.progress.phase("reading transcripts", None)
    for path in sorted(every_transcript(draft) if paths is None else paths):
        found = _read(draft, path)
        if found is not None and found.reason is not None:
            unread.append(f"{path.name}: {found.reason}")
        elif found is not None and found.malformed:
            damaged.append(f"{path.name}: {_place(found)}")
    if damaged:
        draft.caution(_sentence(len(damaged)), damaged, keep=_TOLD)
    if unread:
        draft.caution(f"{plural(len(unread), 'transcript')} could not be read for damage inside.", unread, keep=_TOLD)


def every_transcript(draft: Draft) -> Iterator[Path]:
    """The primary transcripts next to the stores, each once."""
    for directory, listing in {store.path.parent: store.facts.listing for store in draft.stores}.items():
        for record in listing.files:
            if record.cls in PRIMARY and record.node is NodeKind.FILE:
                yield directory / record.name


def _sentence(count: int) -> str:
    # Skipped when loading: docs/gateway.md section 11; imported up to the first: section 12.
    those = "1 transcript has" if count == 1 else f"{count:,} transcripts have"
    return (
        f"{those} lines that are not JSON, and complete records in or after them. They are not "
        "repaired: a gateway on files passes over such lines, but the import into a database "
        "ends at the first. Repair a copy by hand before then."
    )


def _read(draft: Draft, path: Path) -> TranscriptContent | None:
    draft.progress.advance(1)
    check = check_transcript(draft.fs, path)
    return None if check is None else read_content(draft.fs, path, up_to=check.sound_end)


def _place(found: TranscriptContent) -> str:
    lines = "1 line at" if found.malformed == 1 else f"{found.malformed:,} lines, the first at"
    zeros = "" if found.first_nul is None else f" with NUL bytes from {found.first_nul:,} on"
    return f"{lines} byte {found.first_malformed:,}{zeros}"


_HEAD = 64 * 1024
_Change = tuple[str, str]
"""Verb and reason of a step."""

_HEADER = ("rebuild the header", "of a transcript without a valid one: opening it would empty it")
_CUT = "cut the tail"


def plan(draft: Draft, *, named: bool) -> None:
    """Unless named, only transcripts that an index reaches; named, every one is also read for damage inside."""
    done: set[Path] = set()
    rebuilt, kept = _references(draft), draft.x.migration.kept_for_plugins
    for store in draft.stores:
        directory = store.path.parent
        for fault in store.facts.transcripts.faults:
            path = directory / fault.record.name
            if path in kept and not named:
                continue
            reached = fault.referenced or rebuilt.reaches(fault.record.name)
            if path in done or draft.taken(path) or not (reached or named):
                continue
            done.add(path)
            try:
                _mend(draft, store.facts, fault, path)
            except FileNotFoundError:
                continue
            except (OutOfReach, OSError) as error:
                draft.refuse(Repair.TRANSCRIPTS, path, error)
    report(draft, None if named else done)


def _references(draft: Draft) -> References:
    """What the rows reach that this plan rebuilds a store from."""
    references = References()
    for store in draft.stores if any(each.facts.transcripts.faults for each in draft.stores) else ():
        for _, entry in store.entries() if store.rebuilt else ():
            references.add(store.facts.agent_id, entry.session_id, entry.session_file)
    return references


def _mend(draft: Draft, store: StoreFacts, fault: TranscriptFault, path: Path) -> None:
    _, seen = draft.reach(path)
    check = check_transcript(draft.fs, path)
    if check is None or check.reason is not None:
        return
    number = draft.fingerprint(path, seen=seen)
    # A last line too long to be read is not judged.
    end = check.size if check.tail is TailState.UNKNOWN else check.sound_end
    _check_rest(draft, path, check, end)
    header = _header(draft, store, fault, path, check)
    if check.header is HeaderState.INVALID and header is None:
        raise OutOfReach("It has no header and no message, so it is not a transcript.", "Find out what wrote it.")
    newline = not _ends_line(draft, path, end)
    changes = [*([_HEADER] if header else []), *_at_the_end(check, newline=newline)]
    if not changes:
        return
    head = [NewBytes(header)] if header else []
    segments: list[Segment] = [*head, Copy(number, 0, end), *([NewBytes(b"\n")] if newline else [])]
    size = sum(each.end - each.start if isinstance(each, Copy) else len(each.data) for each in segments)
    if draft.rewrite(number, tuple(segments), size, keep_mtime=True):
        _say(draft, store, path, changes, check.size - end)


def _check_rest(draft: Draft, path: Path, check: TranscriptCheck, end: int) -> None:
    """Raises OutOfReach where no message would be left of several lines that are cut, or behind a new header. One
    torn line behind a sound header is a first turn that was cut off."""
    if check.broken == 0 or (check.broken == 1 and check.header is HeaderState.OK):
        return
    left = read_content(draft.fs, path, up_to=end)
    if left is None or left.content not in (ContentClass.HUMAN, ContentClass.MACHINE) or left.lines == left.malformed:
        raise OutOfReach(
            f"None of its messages can be read: {plural(check.broken, 'line')} at its end {_IS[check.broken > 1]} no "
            "JSON. Nothing is cut.",
            "Restore it from a backup, or edit a copy by hand.",
        )


_IS = {False: "is", True: "are"}


def _say(draft: Draft, store: StoreFacts, path: Path, changes: list[_Change], cut: int) -> None:
    """The conversation, if it is one, counts with the first step."""
    people = content_class(draft.fs, path) is ContentClass.HUMAN
    for action, reason in changes:
        draft.step(
            Repair.TRANSCRIPTS,
            action,
            path,
            reason,
            [path.name],
            cut if action == _CUT else 0,
            agent_id=store.agent_id,
            conversations=int(people and (action, reason) == changes[0]),
        )


def _at_the_end(check: TranscriptCheck, *, newline: bool) -> Iterator[_Change]:
    """What is done at the end. `newline`: what stays does not end in one."""
    match check.tail:
        case TailState.NUL:
            yield _CUT, "of NUL bytes"
        case TailState.TORN if not check.glued:
            yield _CUT, "of 1 cut line" if check.broken == 1 else f"of {check.broken:,} lines that are not JSON"
        case TailState.TORN | TailState.NO_NEWLINE if newline:
            yield "end the last line", "that has no newline: the next one would be joined to it"


def _ends_line(draft: Draft, path: Path, end: int) -> bool:
    if end == 0:
        return True
    with draft.fs.open(path) as stream:
        stream.seek(end - 1)
        return stream.read(1) == b"\n"


def _header(
    draft: Draft, store: StoreFacts, fault: TranscriptFault, path: Path, check: TranscriptCheck
) -> bytes | None:
    """A new first line, before whatever is there: the gateway passes over lines it cannot read, and empties a file
    whose first readable line is not a header (gateway.md section 11). None where the header is sound or the file
    holds no
    conversation."""
    session_id = parse_name(path.name).session_id
    if check.header is not HeaderState.INVALID or check.size == 0 or session_id is None:
        return None
    if content_class(draft.fs, path) not in (ContentClass.HUMAN, ContentClass.MACHINE):
        return None
    beside = [path.with_name(each.name) for each in store.listing.files if each.node is NodeKind.FILE]
    return new_header(draft, path, session_id, beside, fault.record.mtime)


def new_header(draft: Draft, path: Path, session_id: str, beside: Iterable[Path], mtime: int) -> bytes:
    """The first line of a transcript whose own is lost. The working directory is that of another transcript, `beside`
    this one; where no record tells a time it is `mtime` (epoch ms)."""
    line = {
        "type": "session",
        "version": 3,
        "id": session_id,
        "timestamp": _first_time(draft, path) or _moment(mtime),
        "cwd": _working_directory(draft, path, beside),
    }
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _moment(at: int) -> str:
    """Epoch ms as the gateway writes it. A file system can name years that Python cannot."""
    year_9999 = 253_402_300_799_999
    return datetime.fromtimestamp(min(at, year_9999) / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _first_time(draft: Draft, path: Path) -> str | None:
    head, _, _ = draft.fs.head_and_tail(path, _HEAD, 0)
    for raw in head.split(b"\n"):
        stamp = _field(raw, "timestamp")
        if stamp:
            return stamp
    return None


def _working_directory(draft: Draft, path: Path, beside: Iterable[Path]) -> str:
    """As another transcript of the same agent names it; one that cannot be read has no part in it."""
    for other in beside:
        if ".jsonl" in other.name and other != path:
            with suppress(OSError):
                head, _, _ = draft.fs.head_and_tail(other, _HEAD, 0)
                found = _field(head.split(b"\n", 1)[0], "cwd")
                if found:
                    return found
    return "/"


def _field(raw: bytes, name: str) -> str | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None
