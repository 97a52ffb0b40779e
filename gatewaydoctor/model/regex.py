"""Regular expressions of modules, each compiled when it is first used: a start-up needs few of them."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class Uncompiled:
    """Stands for a compiled expression."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self._source: tuple[Any, int] = (pattern, flags)

    def __getattr__(self, name: str) -> Any:
        """An attribute of the compiled expression, kept here so that it is found at once from then on."""
        value = getattr(re.compile(*self._source), name)
        setattr(self, name, value)
        return value


def regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As re.compile, but a mistake in the pattern is raised at its first use."""
    return cast("re.Pattern[AnyStr]", Uncompiled(pattern, flags))
