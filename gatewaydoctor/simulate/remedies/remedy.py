"""What a remedy is: a change to a plan, and the figure its report promises to change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Better(StrEnum):
    """Which way the promised figure should go. A figure that is None (never happened) is the best `later`."""

    LESS = "less"
    MORE = "more"
    LATER = "later"


class Who(StrEnum):
    """Who can apply a remedy."""

    OPERATOR = "operator"
    JOBS = "jobs"
    PATCH = "patch"


@dataclass(frozen=True, slots=True)
class Remedy:
    """`apply` takes the scenario's plan and returns the changed one; `why` says in a sentence why it helps. `who` can
    apply it, `how` in words: the setting, the change in the jobs, or the patch."""

    name: str
    scenario: str
    apply: Callable[[Any], Any]
    promises: str
    better: Better
    why: str
    who: Who = Who.PATCH
    how: str = "needs a patched gateway"

    def keeps_promise(self, before: float | None, after: float | None) -> bool:
        """Whether the promised figure went the promised way."""
        if self.better is Better.LATER:
            return before is not None and (after is None or after > before)
        if before is None or after is None:
            return False
        return after < before if self.better is Better.LESS else after > before
