"""`@frozen`: what `@dataclass(frozen=True, slots=True)` makes of a class, at a twentieth of its price at import.

dataclasses compiles six functions for a class while its module loads, which takes 0.6 ms: half the start-up time of a
program that defines two hundred values. Here comparing, hashing and printing go through the fields, and __init__ is
compiled when the first value of the class is made. `replace`, `fields` and `match` work as with a dataclass, and type
checkers take the class for one. Of `field()` only a default and a default_factory are allowed.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """The class with slots, an __init__ of its fields, equality, hash, repr, and no way to assign.

    `__frozen_defaults__` of such a class maps each field, inherited ones first, to its default, Field or MISSING;
    `__frozen_values__` makes of an instance the tuple of its class, twice (of one name it would make no tuple), and
    its fields.
    """
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    own = [name for name, kind in cls.__annotations__.items() if not str(kind).startswith("ClassVar")]
    defaults = {
        name: value for base in cls.__bases__ for name, value in getattr(base, "__frozen_defaults__", {}).items()
    }
    slots = [name for name in own if name not in defaults]
    defaults.update((name, body.pop(name, MISSING)) for name in own)
    body.update(
        __slots__=tuple(slots),
        __match_args__=tuple(defaults),
        __frozen_defaults__=defaults,
        __frozen_values__=attrgetter("__class__", "__class__", *defaults),
        __dataclass_fields__=_DataclassFields(),
        __setattr__=_no_assignment,
        __delattr__=_no_deletion,
        __reduce__=_reduced,
    )
    for name, method in (("__eq__", _equal), ("__hash__", _hashed), ("__repr__", _shown)):
        body.setdefault(name, method)
    metaclass: Any = type(cls)
    made = metaclass(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    made.__init__ = _first_init(made)
    return made  # type: ignore[no-any-return]


def _first_init(cls: Any) -> Callable[..., None]:
    def __init__(self: object, *args: object, **options: object) -> None:
        cls.__init__ = _compiled_init(cls)
        cls.__init__(self, *args, **options)

    return __init__


def _compiled_init(cls: Any) -> Callable[..., None]:
    """def __init__(self, NAME, NAME=DEFAULT, ...), which sets each slot past __setattr__."""
    known: dict[str, object] = {"MISSING": MISSING}
    parameters, lines = ["self"], []
    for name, default in cls.__frozen_defaults__.items():
        known[f"set_{name}"] = getattr(cls, name).__set__
        value, parameter = name, name
        if isinstance(default, Field):
            if default.default_factory is not MISSING:
                known[f"make_{name}"] = default.default_factory
                value, default = f"make_{name}() if {name} is MISSING else {name}", MISSING
                parameter = f"{name}=MISSING"
            else:
                default = default.default
        if default is not MISSING:
            known[f"default_{name}"] = default
            parameter = f"{name}=default_{name}"
        parameters.append(parameter)
        lines.append(f" set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines or [" pass"]), known)
    init: Any = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init  # type: ignore[no-any-return]


class _DataclassFields:
    """What dataclasses.fields and replace ask a class for; dataclasses makes it when it is first asked for."""

    def __get__(self, instance: object, cls: Any) -> dict[str, Field[Any]]:
        defaults = cls.__frozen_defaults__
        body = {name: default for name, default in defaults.items() if default is not MISSING}
        body["__annotations__"] = {name: _annotation(cls, name) for name in defaults}
        alike: Any = dataclass(init=False, repr=False, eq=False)(type(cls.__name__, (), body))
        cls.__dataclass_fields__ = alike.__dataclass_fields__
        return alike.__dataclass_fields__  # type: ignore[no-any-return]


def _annotation(cls: type, name: str) -> object:
    return next(each.__annotations__[name] for each in cls.__mro__ if name in getattr(each, "__annotations__", {}))


def _equal(self: Any, other: Any) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = self.__frozen_values__
    return values(self) == values(other)


def _hashed(self: Any) -> int:
    return hash(self.__frozen_values__(self))


def _shown(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name in self.__frozen_defaults__)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _reduced(self: Any) -> tuple[object, ...]:
    return self.__class__, self.__frozen_values__(self)[2:]


def _no_assignment(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_deletion(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
