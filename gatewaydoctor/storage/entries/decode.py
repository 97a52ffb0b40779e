"""Turn one entry's bytes into the values wanted, reading as the gateway reads.

msgspec takes exactly the JSON the gateway takes, but for lone surrogates, undecodable keys and deep nesting; where it
refuses, the automaton decides (docs/architecture.md section 12).
"""

from __future__ import annotations

import json
import sys
from types import NoneType
from typing import TYPE_CHECKING, Any

import msgspec

from gatewaydoctor.model.gateway.entry import STATUS_BY_WORD, Entry, KeyParts, Kind, Status, parse_key
from gatewaydoctor.model.gateway.fieldtypes import (
    TEXT_FIELDS,
    OddField,
    Shape,
    checkpoints_shape,
    id_shape,
    is_plain_id,
    number_of,
    shape_of,
)
from gatewaydoctor.model.gateway.store import SAFE_DEPTH
from gatewaydoctor.storage.jsontext.grammar import Automaton, members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_LAST_MOMENT = 8_640_000_000_000_000
"""Beyond what a JavaScript date can hold a number is not a time."""

Fields = dict[str, "msgspec.Raw | memoryview"]
"""Field name -> the bytes of its value, a view into the entry. The last of two equal names wins."""


class Unusual(dict[str, "msgspec.Raw | memoryview"]):
    """Fields that the fast decoder refused, or that are nested deeper than is safe: they may be so to any depth."""


_DECODES_DEEP = sys.version_info >= (3, 12)
"""Whether the fast decoder takes more levels than the gateway does: before, it refused some 1,000."""
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder().decode


def fields(value: memoryview, offset: int = 0) -> Fields | None:
    """The fields of an object, or None for a value of another type. `offset` is where the value is in its file.
    Raises Illegal where the bytes are not a JSON value."""
    try:
        if not (_DECODES_DEEP and _is_deep(value)):
            return _decode_fields(value)  # type: ignore[return-value]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    automaton = Automaton(start=offset)
    automaton.feed(bytes(value))
    automaton.finish()
    if value[0] != 0x7B:
        return None
    return Unusual((text(value[m.key_start : m.key_end]), value[m.value_start : m.value_end]) for m in members(value))


def _is_deep(value: memoryview) -> bool:
    return (
        len(value) > 2 * SAFE_DEPTH
        and (data := bytes(value)).count(b"[") + data.count(b"{") > SAFE_DEPTH
        and depth(value) > SAFE_DEPTH
    )


def depth(value: memoryview) -> int:
    """How many brackets are inside each other, at most. The value must be sound."""
    automaton = Automaton()
    automaton.feed(bytes(value))
    return automaton.deepest


def check_string(literal: memoryview) -> None:
    """Raises Illegal where a string literal holds an escape or a byte that JSON does not allow."""
    automaton = Automaton()
    automaton.feed(bytes(literal))
    automaton.finish()


def text(literal: memoryview | bytes) -> str:
    """A JSON string literal as the gateway sees it: undecodable bytes become U+FFFD, lone surrogates stay."""
    body = bytes(literal[1:-1])
    if b"\\" not in body:
        return body.decode("utf-8", "replace")
    # json keeps a lone surrogate, which msgspec refuses.
    result: str = json.loads(b'"' + body.decode("utf-8", "replace").encode() + b'"', strict=False)
    return result


def scalar(raw: msgspec.Raw | memoryview | None) -> Any:
    """A field's value where it is a string, number, literal or small container; None where absent.

    Text that only the gateway can decode still comes back; a container nested too deeply comes back as None.
    """
    if raw is None:
        return None
    try:
        return _decode_any(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(bytes(memoryview(raw)).decode("utf-8", "replace"), parse_int=float, strict=False)
    except (ValueError, RecursionError):
        return None


def size(raw: msgspec.Raw | memoryview) -> int:
    """Bytes of a field's value."""
    return memoryview(raw).nbytes


def time(raw: msgspec.Raw | memoryview | None) -> int | None:
    """A field's value as epoch ms; None for what is not a number, or no moment."""
    return moment(scalar(raw))


def moment(value: object) -> int | None:
    """A decoded value as epoch ms, as `time`."""
    if type(value) is int and 0 <= value <= _LAST_MOMENT:
        return value  # as nearly all are
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if abs(value) <= _LAST_MOMENT else None


_USUAL = ("sessionId", "sessionFile", "status", "updatedAt", "startedAt", "endedAt")
_RARE = frozenset(
    {
        *("compactionCheckpoints", "deliveryContext", "pinnedAt", "spawnDepth", "subagentRole", "spawnedBy"),
        *("cliSessionBindings", "cliSessionIds"),
    }
)
"""Fields that few rows have: of a row with none of them nothing has to be asked that depends on one."""


def _usual_values(found: Fields) -> list[Any]:
    """The values of _USUAL, None where absent."""
    try:
        return [_decode_any(found[name]) if name in found else None for name in _USUAL]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [scalar(found.get(name)) for name in _USUAL]


def _has_odd_text(found: Fields) -> bool:
    for name in TEXT_FIELDS:  # noqa: SIM110 - asked once a row, and a generator takes twice the time
        if name in found and _is_no_text(found[name]):
            return True
    return False


def entry(
    key: str, start: int, value_start: int, end: int, found: Fields | None, main_key: str, value: memoryview
) -> Entry:
    """The row as a value. Fields of a wrong type count as absent, and are listed as odd."""
    parts = parse_key(key, main_key)
    if found is None:
        return _invalid(key, parts, start, value_start, end, shape_of(scalar(value)))
    session_id, session_file, status, updated, started, ended = _usual_values(found)
    session_id = session_id if isinstance(session_id, str) else None
    session_file = session_file if isinstance(session_file, str) else None
    updated, started, ended = moment(updated), moment(started), moment(ended)
    plain = _RARE.isdisjoint(found)
    usual = (
        (is_plain_id(session_id) if session_id is not None else "sessionId" not in found)
        and (session_file is not None or "sessionFile" not in found)
        and (updated is not None or "updatedAt" not in found)
        and (plain or ("compactionCheckpoints" not in found and "deliveryContext" not in found))
        and not _has_odd_text(found)
    )
    return Entry(
        key,
        _kind(parts.kind, found["chatType"]) if "chatType" in found else parts.kind,
        STATUS_BY_WORD.get(status, Status.UNKNOWN) if isinstance(status, str) else Status.UNKNOWN,
        start,
        value_start,
        end,
        parts.agent_id,
        parts.job_id,
        parts.run_id,
        session_id,
        session_file,
        updated,
        started,
        ended,
        True,
        "abortedLastRun" in found and scalar(found["abortedLastRun"]) is True,
        not plain and scalar(found.get("pinnedAt")) is not None,
        not plain and ("spawnDepth" in found or "subagentRole" in found or "spawnedBy" in found),
        not plain and _binds_cli(found),
        () if usual else tuple(_odd_fields(found, updated)),
    )


_SHAPES: Mapping[str, tuple[Callable[[object], Shape], Shape]] = {
    "sessionId": (id_shape, Shape.TEXT),
    "sessionFile": (shape_of, Shape.TEXT),
    "compactionCheckpoints": (checkpoints_shape, Shape.LIST),
}
"""How a judged field is examined, and the shape it should have."""


def _is_no_text(raw: msgspec.Raw | memoryview) -> bool:
    return memoryview(raw)[0] != 0x22


def _odd_fields(found: Fields, updated: int | None) -> Iterator[OddField]:
    for name, (look, usual) in _SHAPES.items():
        if name in found and (shape := look(scalar(found[name]))) is not usual:
            yield OddField(name, shape)
    for name in TEXT_FIELDS:
        if name in found and _is_no_text(found[name]):
            yield OddField(name, shape_of(scalar(found[name])))
    context = scalar(found.get("deliveryContext"))
    if isinstance(context, dict) and not isinstance(account := context.get("accountId"), (str, NoneType)):
        yield OddField("deliveryContext.accountId", shape_of(account))
    if updated is None and "updatedAt" in found:
        value = scalar(found["updatedAt"])
        yield OddField("updatedAt", shape_of(value), number_of(value))


def _binds_cli(found: Fields) -> bool:
    """Whether a CLI backend keeps this session's history elsewhere (docs/gateway.md, failure 4)."""
    return any(name in found and bool(scalar(found[name])) for name in ("cliSessionBindings", "cliSessionIds"))


def _kind(kind: Kind, chat_type: msgspec.Raw | memoryview) -> Kind:
    if kind is not Kind.OTHER:
        return kind
    # A key of an unknown shape that is marked as a chat is a conversation.
    word = scalar(chat_type)
    return {"direct": Kind.DIRECT, "group": Kind.GROUP, "channel": Kind.CHANNEL, "thread": Kind.THREAD}.get(
        word if isinstance(word, str) else "", kind
    )


def _invalid(key: str, parts: KeyParts, start: int, value_start: int, end: int, shape: Shape) -> Entry:
    return Entry(
        key,
        parts.kind,
        Status.UNKNOWN,
        start,
        value_start,
        end,
        parts.agent_id,
        parts.job_id,
        parts.run_id,
        valid=False,
        odd=(OddField("entry", shape),),
    )


def checkpoint_files(found: Mapping[str, msgspec.Raw | memoryview]) -> tuple[str, ...]:
    """Transcript paths named by compactionCheckpoints[].preCompaction.sessionFile (4.25 and later)."""
    points = scalar(found.get("compactionCheckpoints"))
    if not isinstance(points, list):
        return ()
    named = []
    for point in points:
        before = point.get("preCompaction") if isinstance(point, dict) else None
        path = before.get("sessionFile") if isinstance(before, dict) else None
        if isinstance(path, str):
            named.append(path)
    return tuple(named)
