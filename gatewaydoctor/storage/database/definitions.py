"""The parts of a CREATE TABLE statement that a start compares with those of its release: each column's text, the
constraints, the options. White space and comments do not count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TOKEN = regex(
    r"""(?P<gap>\s+|--[^\n]*|/\*.*?(?:\*/|$))|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\w+|.""",
    re.DOTALL,
)
_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
_PLAIN_TYPES = frozenset({"ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"})


class Definition(Struct, frozen=True):
    """`columns` by name in lower case, each with its whole text; `rest` is the constraints in alphabetical order and
    what follows the last parenthesis, such as STRICT. All of a virtual table is in `rest`."""

    columns: Mapping[str, str]
    rest: str

    def is_plain(self, column: str) -> bool:
        """Whether a column is a name and a type of strict tables, and nothing else."""
        words = self.columns[column].split()
        return len(words) == 2 and words[1].upper() in _PLAIN_TYPES


def definition(statement: str) -> Definition:
    tokens = tuple(found[0] for found in _TOKEN.finditer(statement) if not found["gap"])
    if "(" not in tokens or [token.upper() for token in tokens[:2]] != ["CREATE", "TABLE"]:
        return Definition({}, " ".join(tokens))
    start = tokens.index("(") + 1
    columns: dict[str, str] = {}
    constraints: list[str] = []
    parts = tuple(_parts(tokens, start))
    for _, part in parts:
        if part and part[0].upper() in _CONSTRAINTS:
            constraints.append(" ".join(part))
        elif part:
            columns[_name(part[0])] = " ".join(part)
    options = " ".join(tokens[parts[-1][0] + 1 :] if parts else ()).upper()
    return Definition(columns, "; ".join([*sorted(constraints), options]))


def _parts(tokens: tuple[str, ...], start: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """What the commas of a list divide, each with the place of the comma or parenthesis that ends it."""
    depth, begun = 0, start
    for place in range(start, len(tokens)):
        token = tokens[place]
        if depth == 0 and token in (",", ")"):
            yield place, tokens[begun:place]
            begun = place + 1
            if token == ")":
                return
        depth += (token == "(") - (token == ")")


def _name(token: str) -> str:
    return (token[1:-1] if token[0] in "\"`['" else token).lower()
