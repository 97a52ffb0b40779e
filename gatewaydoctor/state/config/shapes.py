"""What each release takes anywhere in openclaw.json, by the schema that its `config schema` prints: names, types,
words and bounds, also of the channels and plugins that come with it (tools/config_shapes.py).

A value that an earlier release takes is not judged: a start may move it to where it is kept today.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from gatewaydoctor.model.gateway.config import UNKNOWN_NAME, RefusedSetting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

KNOWN = "known_settings.jsonl"
_MOST_WORDS = 6
"""Words that are listed; of more than these only the number is told."""


_ANY_NAME = "*"
"""In a path, for a name that the operator has chosen."""
SPECIAL = frozenset({"__proto__", "prototype", "constructor"})
"""Names that JavaScript treats in its own way; what a release makes of them was not seen."""


def meant(name: str, known: set[str]) -> str | None:
    """The known name that differs from this one in a slip of the fingers only."""
    from difflib import get_close_matches  # rarely needed

    spelled = {each.lower(): each for each in sorted(known)}
    near = get_close_matches(name.lower(), spelled, n=1, cutoff=0.75)
    return spelled[near[0]] if near else None


class _Shape(Struct, frozen=True, rename={"kind": "is"}):
    """`others` is the shape of names that are not in `names`: 0 is anything, None that there may be none."""

    kind: str
    names: dict[str, int] = field(default_factory=dict)
    others: int | None = 0
    needs: tuple[str, ...] = ()
    each: int = 0
    of: tuple[str | int | bool | None, ...] = ()
    least: float | None = None
    above: float | None = None
    most: float | None = None
    length: int = 0


class _Shapes(Struct, frozen=True):
    release: str
    top: int
    providers: frozenset[str]
    memory: frozenset[str]
    shapes: tuple[msgspec.Raw, ...]

    def __getitem__(self, number: int) -> _Shape | None:
        """Decoded where it is asked for: a config needs a few of a thousand."""
        shape: _Shape | None = msgspec.json.decode(self.shapes[number], type=_Shape | None)
        return shape


def brought(release: str) -> tuple[frozenset[str], frozenset[str]]:
    """Providers of models, and plugins for memory, that come with a release; both are empty where that is not known
    (2026.4.25), the former for 2026.3.28, too, whose schema asks the same of each."""
    known = _known(release)
    return known.providers, known.memory


Place = tuple[str, ...]
"""The names that lead to a setting, as the config spells them."""
Refusal = tuple[Place, RefusedSetting]


def mistakes(document: Mapping[str, object], releases: Iterable[str], earlier: Iterable[str]) -> list[RefusedSetting]:
    """What each of `releases` refuses, and none of the `earlier` ones takes."""
    found = [_refused(document, each) for each in releases]
    told = {at: setting for at, setting in found[-1].items() if all(at in each for each in found)}
    for each in earlier if told else ():
        refused = _refused(document, each)
        told = {at: setting for at, setting in told.items() if _within(at, refused)}
    return list(told.values())


def mistakes_of_rows(rows: object, release: str, earlier: str) -> Iterator[RefusedSetting]:
    """Those in `agents.list` of `release`, which moves its rows to `agents.entries`, and does not know the list."""
    for at, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, dict):
            continue
        moved = {name: value for name, value in row.items() if name not in ("id", "default")}
        found = _refused(moved, release, ("agents", "entries", "*"), "agents.list", str(at))
        before = _refused(row, earlier, ("agents", "list", "0"), "agents.list", str(at))
        yield from (setting for place, setting in found.items() if _within(place, before))


def _within(at: Place, refused: Mapping[Place, RefusedSetting]) -> bool:
    """Whether this place or one around it is refused."""
    return any(at[:length] in refused for length in range(len(at) + 1))


def _refused(
    value: object, release: str, place: Iterable[str] = (), section: str = "", name: str = ""
) -> dict[Place, RefusedSetting]:
    """What the shape at a place of the config refuses of a value, by the place in the value."""
    known = _known(release)
    number = known.top
    for each in place:
        shape = known[number]
        number = shape.names.get(each) or shape.others or shape.each if shape else 0
    return dict(_Reader(known).of(number, value, section, name, ()))


@cache
def _known(release: str) -> _Shapes:
    text = pkgutil.get_data("gatewaydoctor.state.config", KNOWN) or b""
    start = text.index(f'{{"release":"{release}"'.encode())
    return msgspec.json.decode(text[start : text.index(b"\n", start)], type=_Shapes)


class _Reader:
    def __init__(self, shapes: _Shapes) -> None:
        self._shapes = shapes

    def of(self, number: int, value: object, section: str, name: str, at: Place) -> Iterator[Refusal]:
        """What is wrong with a value. A variable may be set where the gateway runs, so it may be anything."""
        shape = self._shapes[number]
        if shape is None or (isinstance(value, str) and "${" in value):
            return
        if shape.kind == "one of":
            yield from self._one_of(shape, value, section, name, at)
        elif not _fits(shape, value):
            short = isinstance(value, str | list) and shape.kind in ("text", "list")
            what = "too short" if short and _fits(replace(shape, length=0), value) else self._wanted(value, [number])
            yield at, RefusedSetting(section, name, what)
        elif isinstance(value, dict):
            yield from self._within(shape, value, f"{section}.{name}".lstrip("."), at)
        elif isinstance(value, list):
            for nth, each in enumerate(value):
                inner = str(nth)
                yield from self.of(shape.each, each, f"{section}.{name}".lstrip("."), inner, (*at, inner))

    def _within(self, shape: _Shape, value: dict[str, object], path: str, at: Place) -> Iterator[Refusal]:
        for name, inner in value.items():
            number = shape.names.get(name, shape.others)
            if name in SPECIAL:
                continue
            if number is None:
                yield (*at, name), RefusedSetting(path, name, UNKNOWN_NAME, meant(name, set(shape.names)))
            else:
                yield from self.of(number, inner, path, name if name in shape.names else _ANY_NAME, (*at, name))
        for name in shape.needs:
            if name not in value:
                yield (*at, name), RefusedSetting(path, name, "missing")

    def _one_of(self, shape: _Shape, value: object, section: str, name: str, at: Place) -> Iterator[Refusal]:
        """Of several shapes of the value's own type the one that it is nearest to."""
        shapes = [(int(number or 0), self._shapes[int(number or 0)]) for number in shape.of]
        near = [number for number, each in shapes if each is None or self._may_be(each, value)]
        if not near:
            yield at, RefusedSetting(section, name, self._wanted(value, [number for number, _ in shapes]))
            return
        yield from min((list(self.of(number, value, section, name, at)) for number in near), key=len)

    def _may_be(self, shape: _Shape, value: object) -> bool:
        if shape.kind != "one of":
            return _fits(shape, value)
        inner = (self._shapes[int(number or 0)] for number in shape.of)
        return any(each is None or self._may_be(each, value) for each in inner)

    def _wanted(self, value: object, numbers: list[int]) -> str:
        return f"{kind_of(value)}, not {_either([each for number in numbers for each in self._kinds(number)])}"

    def _kinds(self, number: int) -> Iterator[str]:
        shape = self._shapes[number]
        if shape is not None and shape.kind == "one of":
            for each in shape.of:
                yield from self._kinds(int(each or 0))
        elif shape is not None:
            yield _words(shape)


def _fits(shape: _Shape, value: object) -> bool:
    """Whether a value is of the type, one of the words and within the bounds; what is in it is not asked."""
    match shape.kind:
        case "object":
            return isinstance(value, dict)
        case "list":
            return isinstance(value, list) and len(value) >= shape.length
        case "text":
            return isinstance(value, str) and len(value) >= shape.length
        case "flag":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "word":
            return any(type(each) is type(value) and each == value for each in shape.of)
        case _:
            return _is_number(shape, value)


def _is_number(shape: _Shape, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if shape.kind == "whole" and isinstance(value, float) and not value.is_integer():
        return False
    return (
        (shape.least is None or value >= shape.least)
        and (shape.above is None or value > shape.above)
        and (shape.most is None or value <= shape.most)
    )


_KINDS = {
    "object": "an object",
    "text": "text",
    "list": "a list",
    "flag": "true or false",
    "null": "null",
    "number": "a number",
}


def _words(shape: _Shape) -> str:
    match shape.kind:
        case "word" if len(shape.of) > _MOST_WORDS:
            return f"one of {len(shape.of)} words"
        case "word":
            return _either([msgspec.json.encode(each).decode().strip('"') for each in shape.of])
        case "whole" | "number":
            return f"a{' whole' if shape.kind == 'whole' else ''} number{_bounds(shape)}"
        case kind:
            return _KINDS.get(kind, "what it has to be")


def _either(words: list[str]) -> str:
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} or {last}" if first else last


def _bounds(shape: _Shape) -> str:
    parts = [f"from {shape.least:g}"] if shape.least is not None else []
    parts += [f"above {shape.above:g}"] if shape.above is not None else []
    parts += [f"up to {shape.most:g}"] if shape.most is not None else []
    return " " + " ".join(parts) if parts else ""


def kind_of(value: object) -> str:
    """The JSON type of a value, in words, without its contents."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text" if value else "empty text"
        case list():
            return "a list"
        case _:
            return "an object"
