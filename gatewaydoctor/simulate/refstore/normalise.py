"""What a load or a save changes in a row before anything is counted (docs/gateway.md section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.refstore import js
from gatewaydoctor.simulate.refstore.delivery import delivery_context, normalise_delivery
from gatewaydoctor.simulate.refstore.js import UNDEFINED
from gatewaydoctor.simulate.refstore.shape import shape_entry, strip_skills, tidy_plugins

if TYPE_CHECKING:
    from gatewaydoctor.simulate.refstore.policy import Policy

_RENAMED: Final = (("provider", "channel"), ("lastProvider", "lastChannel"), ("room", "groupChannel"))


def migrate(store: dict[str, Any]) -> bool:
    """Rename the fields of older releases in place; True where anything changed."""
    changed = False
    for entry in store.values():
        if not isinstance(entry, dict):
            continue
        for old, new in _RENAMED:
            if not isinstance(entry.get(new), str) and isinstance(entry.get(old), str):
                entry[new] = entry.pop(old)
                changed = True
        if "room" in entry:
            del entry["room"]
            changed = True
    return changed


def normalise(store: dict[str, Any], policy: Policy) -> bool:
    """Bring every row into the shape this release writes, in place; True where anything changed.

    Raises GatewayTypeError where the release throws: the save fails and the file stays.
    """
    changed = False
    for key, entry in list(store.items()):
        shaped = shape_entry(entry, policy) if policy.typed_entries else entry
        if shaped is UNDEFINED:
            del store[key]
            changed = True
            continue
        if not js.truthy(shaped):
            continue
        normal = normalise_delivery(_model_fields(shaped, policy), policy)
        if policy.typed_entries:
            normal = strip_skills(tidy_plugins(_pending_delivery(normal, policy)))
        if normal is not entry:
            store[key] = normal
            changed = True
    return changed


def _model_fields(entry: Any, policy: Policy) -> Any:
    model, provider = js.get(entry, "model"), js.get(entry, "modelProvider")
    wanted = {"model": _text(model, policy), "modelProvider": _text(provider, policy)}
    if wanted["model"] is UNDEFINED:
        wanted["modelProvider"] = UNDEFINED
    if js.strictly_equal(model, wanted["model"]) and js.strictly_equal(provider, wanted["modelProvider"]):
        return entry
    return _assigned(entry, wanted)


def _text(value: Any, policy: Policy) -> Any:
    if policy.strict_text and not js.is_nullish(value):
        return js.trim(value) or UNDEFINED
    return js.text_or_undefined(value)


def _pending_delivery(entry: Any, policy: Policy) -> Any:
    wanted: dict[str, Any] = {
        "pendingFinalDelivery": True if entry.get("pendingFinalDelivery") is True else UNDEFINED
    }
    for name in ("Text", "LastError", "IntentId"):
        wanted[f"pendingFinalDelivery{name}"] = _string_or_null(js.get(entry, f"pendingFinalDelivery{name}"))
    for name in ("CreatedAt", "LastAttemptAt"):
        value = js.get(entry, f"pendingFinalDelivery{name}")
        wanted[f"pendingFinalDelivery{name}"] = value if js.is_finite(value) and value >= 0 else UNDEFINED
    attempts = js.get(entry, "pendingFinalDeliveryAttemptCount")
    whole = js.is_finite(attempts) and attempts >= 0 and attempts == int(attempts)
    wanted["pendingFinalDeliveryAttemptCount"] = attempts if whole else UNDEFINED
    given = js.get(entry, "pendingFinalDeliveryContext")
    context = _complete_context(given, policy)
    if any(
        not js.strictly_equal(js.coalesce(js.get(given, name), UNDEFINED), js.get(context, name))
        for name in ("channel", "to", "accountId", "threadId")
    ):
        wanted["pendingFinalDeliveryContext"] = context
    return _assigned(entry, wanted)


def _complete_context(value: Any, policy: Policy) -> Any:
    if not isinstance(value, dict):
        return UNDEFINED
    context = delivery_context(value, policy)
    return context if js.get(context, "channel") and js.get(context, "to") else UNDEFINED


def _string_or_null(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else UNDEFINED


def _assigned(entry: Any, wanted: dict[str, Any]) -> Any:
    """The entry with these properties set or, where UNDEFINED, gone; the same object where all are so already."""
    changes = {name: value for name, value in wanted.items() if not js.strictly_equal(js.get(entry, name), value)}
    if not changes:
        return entry
    changed = dict(entry)
    for name, value in changes.items():
        if value is UNDEFINED:
            changed.pop(name, None)
        else:
            changed[name] = value
    return changed
