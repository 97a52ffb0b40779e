"""A frozen class behaves as the frozen dataclass with slots that its author would have written."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, dataclass, field
from typing import ClassVar, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.frozen import frozen

T = TypeVar("T")


@frozen
class Point:
    """Two numbers and what is said of them."""

    code: ClassVar[str] = "point"
    x: int
    y: int = 7
    tags: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.x + self.y


@dataclass(frozen=True, slots=True)
class PointOfDataclass:
    code: ClassVar[str] = "point"
    x: int
    y: int = 7
    tags: list[str] = field(default_factory=list)


@frozen
class Marked(Point):
    mark: str = ""


@frozen
class Single(Generic[T]):
    only: T


@frozen
class Nothing:
    pass


@frozen
class Checked:
    text: str

    def __post_init__(self) -> None:
        if not self.text:
            raise ValueError("empty")
        object.__setattr__(self, "text", self.text.strip())


@given(st.integers(), st.integers(), st.lists(st.text(max_size=3), max_size=3), st.integers())
def test_it_is_what_dataclass_makes(x: int, y: int, tags: list[str], other: int) -> None:
    made, expected = Point(x, y, tags), PointOfDataclass(x, y, tags)
    assert repr(made) == repr(expected).replace("PointOfDataclass", "Point")
    assert dataclasses.asdict(made) == dataclasses.asdict(expected)
    assert dataclasses.replace(made, y=other) == Point(x, other, tags)
    assert (made == Point(other, y, tags)) is (expected == PointOfDataclass(other, y, tags))
    assert made != expected
    assert made.total == x + y


def test_positions_names_and_defaults() -> None:
    assert Point(1) == Point(x=1, y=7, tags=[])
    assert Point(1).tags is not Point(1).tags
    assert Marked(1, 2, [], "m") == Marked(1, 2, mark="m")
    assert [each.name for each in dataclasses.fields(Marked)] == ["x", "y", "tags", "mark"]
    assert Point.__match_args__ == ("x", "y", "tags")
    assert Point.code == "point"
    for wrong in (lambda: Point(), lambda: Point(1, z=2), lambda: Nothing(1)):  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            wrong()


def test_a_subclass_is_not_its_base() -> None:
    assert Marked(1) != Point(1)
    match Marked(1, 2, [], "m"):
        case Marked(x, y, _, mark):
            assert (x, y, mark) == (1, 2, "m")


def test_nothing_is_assigned_or_deleted() -> None:
    for value in (Point(1), Marked(1)):
        with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
            value.x = 2  # type: ignore[misc]
        with pytest.raises(FrozenInstanceError):
            value.new = 2  # type: ignore[attr-defined]
        with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
            del value.x
        assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("value", [Single(3), Nothing(), Checked("a "), Single(Single("x"))], ids=repr)
def test_hashed_copied_and_pickled(value: object) -> None:
    alike = copy.deepcopy(value)
    assert alike == value
    assert hash(alike) == hash(value)
    assert pickle.loads(pickle.dumps(value)) == value
    assert len({value, alike}) == 1


def test_lists_are_not_hashed() -> None:
    with pytest.raises(TypeError):
        hash(Point(1))


def test_what_is_checked_after_making() -> None:
    assert Checked(" a ").text == "a"
    with pytest.raises(ValueError, match="empty"):
        Checked("")
    assert dataclasses.replace(Checked("a"), text=" b").text == "b"
