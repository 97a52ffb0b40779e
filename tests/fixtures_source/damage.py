"""Damage to a store, one of each sort: what the gateway reads as empty, and what it reads all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.fixtures.building.world import DAY, HOUR
from tests.fixtures_source.scene import Row, Scene, fixture, store_text

if TYPE_CHECKING:
    from collections.abc import Callable


def _damaged(
    scene: Scene, kind: str, harm: Callable[[bytes], tuple[bytes, int]], whole: int, rule: str = "store-unparseable"
) -> None:
    """`harm` gives the damaged bytes and the offset of the first fault; `whole` rows stand before it."""
    scene.people()
    data, offset = harm(store_text(scene.rows["main"]))
    scene.write(scene.sessions("sessions.json"), data, 2 * HOUR)
    del scene.rows["main"][whole:]
    scene.agent(readable="gateway-empty", entries=whole, fault=(kind, offset))
    scene.finds(rule, "critical")


def _at(data: bytes, old: bytes, new: bytes, fault: int = 0) -> tuple[bytes, int]:
    """The last `old` replaced by `new`; the fault is at that byte of `new`."""
    at = data.rindex(old)
    return data[:at] + new + data[at + len(old) :], at + fault


@fixture("a store of no bytes: a power cut after a rename that was not synced")
def damage_empty(scene: Scene) -> None:
    _damaged(scene, "empty", lambda data: (b"", 0), 0)


@fixture("a store cut right behind an entry")
def damage_cut_between_entries(scene: Scene) -> None:
    def harm(data: bytes) -> tuple[bytes, int]:
        cut = data[: data.rindex(b',\n  "agent:')]
        return cut, len(cut)

    _damaged(scene, "cut-short", harm, 2)


@fixture("a byte order mark before the store")
def damage_bom(scene: Scene) -> None:
    _damaged(scene, "byte-order-mark", lambda data: (b"\xef\xbb\xbf" + data, 0), 0)


@fixture("a store whose end is NUL bytes: blocks that were never written")
def damage_nul_tail(scene: Scene) -> None:
    def harm(data: bytes) -> tuple[bytes, int]:
        at = data.rindex(b'"startedAt"')
        return data[:at] + bytes(len(data) - at), at

    _damaged(scene, "nul-bytes", harm, 2)


@fixture("a trailing comma behind the last entry: an edit by hand")
def damage_trailing_comma(scene: Scene) -> None:
    def harm(data: bytes) -> tuple[bytes, int]:
        return data[:-2] + b",\n}", len(data)

    _damaged(scene, "trailing-comma", harm, 3)


@fixture("a second document behind the store: two writers at once")
def damage_two_documents(scene: Scene) -> None:
    _damaged(scene, "second-document", lambda data: (data + b"\n{}", len(data) + 1), 3)


@fixture("NaN in the place of a number, which no JSON has")
def damage_nan(scene: Scene) -> None:
    _damaged(scene, "not-a-number", lambda data: _at(data, b'"runtimeMs": 20000', b'"runtimeMs": NaN', 13), 2)


@fixture("a raw control character within a string")
def damage_control_character(scene: Scene) -> None:
    _damaged(scene, "control-character", lambda data: _at(data, b'"telegram"', b'"tele\x01ram"', 5), 2)


@fixture("an escape that JSON does not know within a string")
def damage_bad_escape(scene: Scene) -> None:
    _damaged(scene, "bad-escape", lambda data: _at(data, b'"telegram"', rb'"tele\xram"', 6), 2)


@fixture("something else than JSON: another program wrote over the beginning")
def damage_binary(scene: Scene) -> None:
    _damaged(scene, "unexpected-byte", lambda data: (b"\x1f\x8b\x08" + data[3:], 0), 0)


@fixture("a number in the place of the whole store")
def damage_scalar(scene: Scene) -> None:
    _damaged(scene, "not-object", lambda data: (b"42\n", 0), 0, rule="store-not-object")


def _odd(scene: Scene, entry: str) -> None:
    """An entry whose JSON text is odd and legal for the gateway."""
    session_id = scene.new_id()
    scene.transcript(session_id, DAY)
    text = entry.replace("ID", session_id).replace("TIME", str(scene.ago(DAY)))
    scene.rows["main"].append(Row("agent:main:dashboard:odd", text, "dashboard", "done"))


@fixture("invalid UTF-8 in a label: the gateway reads it with replacement characters")
def reads_invalid_utf8(scene: Scene) -> None:
    scene.people()
    _odd(scene, '{"sessionId": "ID", "updatedAt": TIME, "status": "done", "label": "@@"}')
    scene.write(
        scene.sessions("sessions.json"), store_text(scene.rows["main"]).replace(b"@@", b"caf\xe9 \xff\xfe"), DAY
    )


@fixture("lone surrogates in a label, as escapes: the gateway keeps them")
def reads_lone_surrogates(scene: Scene) -> None:
    scene.people()
    _odd(scene, r'{"sessionId": "ID", "updatedAt": TIME, "status": "done", "label": "half \ud83d and \udc00"}')


@fixture("integers over 64 bits and exponents beyond any double: the gateway reads them as what fits")
def reads_huge_numbers(scene: Scene) -> None:
    scene.people()
    digits = "9" * 40
    _odd(
        scene,
        f'{{"sessionId": "ID", "updatedAt": TIME, "status": "done", "inputTokens": {digits}, "cacheRead": 1e400, '
        '"outputTokens": -0.0, "totalTokens": 1E-400}',
    )


def _nested(levels: int) -> str:
    return f'{{"sessionId": "ID", "updatedAt": TIME, "status": "done", "origin": {"[" * levels}{"]" * levels}}}'


@fixture("an entry nested 1,000 levels deep: the gateway reads it")
def reads_deep_nesting(scene: Scene) -> None:
    scene.people()
    _odd(scene, _nested(1000))


@fixture("an entry nested 10,000 levels deep: too deep for a gateway that clones it")
def damage_deep_nesting(scene: Scene) -> None:
    scene.people()
    _odd(scene, _nested(10_000))
    scene.finds("store-invalid-entry", "error")


@fixture("a status the gateway never writes, and times that are text: they count as unknown")
def reads_odd_fields(scene: Scene) -> None:
    scene.people()
    session_id = scene.new_id()
    scene.transcript(session_id, DAY)
    entry = {"sessionId": session_id, "updatedAt": "yesterday", "status": "paused", "startedAt": None}
    scene.row("agent:main:dashboard:odd", entry, "dashboard", "unknown")
