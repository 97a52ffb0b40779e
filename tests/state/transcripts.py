"""Transcript lines for tests, in the shape the gateway writes them."""

from __future__ import annotations

import json

SESSION = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455"
AT = "2026-03-20T10:11:12.345Z"


def line(**fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def header(session_id: str = SESSION) -> bytes:
    return line(type="session", version=3, id=session_id, timestamp=AT, cwd="/home/node")


def message(role: str, content: object, **more: object) -> bytes:
    inner = {"role": role, "content": content, "timestamp": 1774001472345, **more}
    return line(type="message", id="aaaaaaaa", parentId=None, timestamp=AT, message=inner)


def said(text: str, **more: object) -> bytes:
    return message("user", [{"type": "text", "text": text}], **more)


def answered(text: str = "Done.") -> bytes:
    return message("assistant", [{"type": "text", "text": text}])


def bootstrapped() -> bytes:
    return line(type="custom", customType="openclaw:bootstrap-context:full", data={}, id="bbbbbbbb", timestamp=AT)
