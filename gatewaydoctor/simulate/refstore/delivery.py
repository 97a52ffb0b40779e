"""Where replies go: how a row's delivery fields are folded into one another on load and save."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.refstore import js
from gatewaydoctor.simulate.refstore.js import UNDEFINED

if TYPE_CHECKING:
    from gatewaydoctor.simulate.refstore.policy import Policy

_ACCOUNT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z", re.I | re.A)
_BLOCKED: Final = frozenset({"__proto__", "prototype", "constructor"})
_CONTEXT: Final = ("channel", "to", "accountId", "threadId")
_LAST: Final = ("lastChannel", "lastTo", "lastAccountId", "lastThreadId")
_ROUTE: Final[tuple[tuple[str, ...], ...]] = (
    ("channel",),
    ("accountId",),
    ("target", "to"),
    ("target", "rawTo"),
    ("target", "chatType"),
    ("thread", "id"),
    ("thread", "kind"),
    ("thread", "source"),
)


def normalise_delivery(entry: Any, policy: Policy) -> Any:
    """The entry with route, deliveryContext and last* agreeing; the very same object where nothing changes.

    Raises GatewayTypeError on an account id that is no text, for releases that trip over it.
    """
    route = _entry_route(entry, policy)
    fields = _session_fields(entry, route, policy)
    context = js.get(entry, "deliveryContext")
    same_context = all(
        js.strictly_equal(_defined(js.get(context, name)), js.get(fields["deliveryContext"], name))
        for name in _CONTEXT
    )
    same_last = all(js.strictly_equal(js.get(entry, name), fields[name]) for name in _LAST)
    same_route = all(
        js.strictly_equal(_defined(_dig(route, path)), _defined(_dig(fields["route"], path))) for path in _ROUTE
    )
    if same_context and same_last and same_route:
        return entry
    # A field that is set to undefined keeps its place among the keys, for when a second pass gives it a value.
    names = (*(("route",) if policy.typed_entries else ()), "deliveryContext", *_LAST)
    return {**entry, **{name: fields[name] for name in names}}


def delivery_context(context: Any, policy: Policy) -> Any:
    """A delivery context with trimmed, canonical fields; UNDEFINED where nothing is left."""
    if not js.truthy(context):
        return UNDEFINED
    channel = _channel(js.get(context, "channel"), policy)
    to = js.text_or_undefined(js.get(context, "to"))
    account = account_id(js.get(context, "accountId"), strict=policy.strict_account)
    thread = _thread_id(js.get(context, "threadId"))
    if all(value is UNDEFINED for value in (channel, to, account, thread)):
        return UNDEFINED
    return _without_undefined(zip(_CONTEXT, (channel, to, account, thread), strict=True))


def account_id(value: Any, *, strict: bool) -> Any:
    """The canonical account id; UNDEFINED where blank or blocked. Not text: GatewayTypeError if `strict`."""
    if js.is_nullish(value) or not (strict or isinstance(value, str)):
        return UNDEFINED
    trimmed = js.trim(value)
    if _ACCOUNT_ID.match(trimmed):
        canonical = trimmed.lower()
    else:
        canonical = re.sub(r"[^a-z0-9_-]+", "-", trimmed.lower()).lstrip("-").rstrip("-")[:64]
    return UNDEFINED if not canonical or canonical in _BLOCKED else canonical


def _session_fields(entry: Any, route: Any, policy: Policy) -> dict[str, Any]:
    thread = js.coalesce(
        js.get(entry, "lastThreadId"),
        js.get(js.get(entry, "deliveryContext"), "threadId"),
        js.get(js.get(entry, "origin"), "threadId"),
    )
    last = {
        "channel": js.coalesce(js.get(entry, "lastChannel"), js.get(entry, "channel")),
        "to": js.get(entry, "lastTo"),
        "accountId": js.get(entry, "lastAccountId"),
        "threadId": thread,
    }
    merged = _merge(
        delivery_context(last, policy), delivery_context(js.get(entry, "deliveryContext"), policy), policy
    )
    if policy.typed_entries:
        merged = _merge(_route_context(route, policy), merged, policy)
    names = zip(_LAST, _CONTEXT, strict=True)
    fields = {last_name: js.get(merged, name) for last_name, name in names}
    return fields | {"deliveryContext": merged, "route": _merged_route(route, merged, policy)}


def _merge(primary: Any, fallback: Any, policy: Policy) -> Any:
    if primary is UNDEFINED and fallback is UNDEFINED:
        return UNDEFINED
    channels = js.get(primary, "channel"), js.get(fallback, "channel")
    conflict = all(js.truthy(channel) for channel in channels) and channels[0] != channels[1]
    merged = {
        name: js.get(primary, name)
        if conflict and name != "channel"
        else js.coalesce(js.get(primary, name), js.get(fallback, name))
        for name in _CONTEXT
    }
    return delivery_context(merged, policy)


def _entry_route(entry: Any, policy: Policy) -> Any:
    raw = js.get(entry, "route")
    if not policy.typed_entries or not isinstance(raw, dict):
        return UNDEFINED
    return _route(*(_dig(raw, path) for path in _ROUTE))


def _route(
    channel: Any, account: Any, to: Any, raw_to: Any, chat_type: Any, thread_id: Any, kind: Any, source: Any
) -> Any:
    channel, account = js.lower_text(channel), account_id(account, strict=False)
    to, raw_to, thread_id = js.text_or_undefined(to), js.text_or_undefined(raw_to), _thread_id(thread_id)
    if not channel and account is UNDEFINED and to is UNDEFINED and thread_id is UNDEFINED:
        return UNDEFINED
    route: dict[str, Any] = {"channel": channel} if channel else {}
    if account is not UNDEFINED:
        route["accountId"] = account
    if to is not UNDEFINED:
        route["target"] = {"to": to}
        if raw_to is not UNDEFINED and raw_to != to:
            route["target"]["rawTo"] = raw_to
        if js.truthy(chat_type):
            route["target"]["chatType"] = chat_type
    if thread_id is not UNDEFINED:
        route["thread"] = {"id": thread_id}
        route["thread"] |= {k: v for k, v in (("kind", kind), ("source", source)) if js.truthy(v)}
    return route


def _route_context(route: Any, policy: Policy) -> Any:
    picked = (_dig(route, path) for path in (("channel",), ("target", "to"), ("accountId",), ("thread", "id")))
    return delivery_context(dict(zip(_CONTEXT, picked, strict=True)), policy)


def _merged_route(route: Any, context: Any, policy: Policy) -> Any:
    if not policy.typed_entries or context is UNDEFINED:
        return UNDEFINED
    given: dict[tuple[str, ...], Any] = {path: _dig(route, path) for path in _ROUTE}
    for path, name in zip((("channel",), ("target", "to"), ("accountId",), ("thread", "id")), _CONTEXT, strict=True):
        given[path] = js.coalesce(given[path], js.get(context, name))
    return _route(*given.values())


def _channel(value: Any, policy: Policy) -> Any:
    lowered = js.lower_text(value)
    return policy.channel_aliases.get(lowered, lowered) or UNDEFINED


def _thread_id(value: Any) -> Any:
    if js.is_number(value):
        return math.trunc(value) if js.is_finite(value) else UNDEFINED
    return js.text_or_undefined(value)


def _dig(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = js.get(value, name)
    return value


def _defined(value: Any) -> Any:
    return UNDEFINED if value is None else value


def _without_undefined(pairs: Any) -> dict[str, Any]:
    return {name: value for name, value in pairs if value is not UNDEFINED}
