"""Sessions out of a gateway's sight: taken out of their store by `park`, next to it until `unpark`.

    parked-<ms>.json           one session's row, as it was in sessions.json
    parked-<ms>.sqlite         one session of a database, with all that belongs to it
    parked-<ms>.<name>.kept    a file as it was: a transcript of that session, or whatever a whole agent had

No release reads, sweeps or deletes such a name (docs/gateway.md sections 2 and 5): none ends in .jsonl or .tmp, none
begins with sessions.json.
"""

from __future__ import annotations

import re

from gatewaydoctor.model.regex import regex

_NAME = regex(r"parked-([0-9]{1,16})\.(json|sqlite|(.+)\.kept)", re.DOTALL | re.ASCII)
ROWS_IN_FILE, ROWS_IN_DATABASE = "json", "sqlite"
LONGEST_NAME = 255
"""Bytes that file systems take."""


def parked_rows(at: int, kind: str) -> str:
    """The name for the row of one session: `kind` is one of the two above."""
    return f"parked-{at}.{kind}"


def parked_file(at: int, name: str) -> str:
    """The name for a file that is kept as it was."""
    return f"parked-{at}.{name}.kept"


def parked_name(name: str) -> tuple[int, str | None] | None:
    """When (epoch ms), and the name that a kept file had, None for a session's row; None for any other name."""
    found = _NAME.fullmatch(name)
    return None if found is None else (int(found[1]), found[3])
