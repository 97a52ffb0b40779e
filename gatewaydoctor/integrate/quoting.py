"""One word of text as each kind of file spells it. None of them holds control characters: see site.checked()."""

from __future__ import annotations

import json
import re
from textwrap import indent

from gatewaydoctor.model.errors import UsageError


def systemd(text: str) -> str:
    """An argument in Exec…= (systemd.service, "Command lines"): neither specifiers nor variables are left in it."""
    return f'"{_systemd_escaped(text)}"'


def systemd_path(text: str) -> str:
    """A path in a setting that takes paths, where variables are not replaced."""
    return f'"{_c_escaped(text)}"'.replace("%", "%%")


def _systemd_escaped(text: str) -> str:
    return _c_escaped(text).replace("%", "%%").replace("$", "$$")


def _c_escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def yaml(text: str) -> str:
    """A double-quoted scalar; what JSON writes, YAML reads."""
    return json.dumps(text, ensure_ascii=False)


def yaml_block(text: str, depth: int) -> str:
    """The lines of a literal block below `|`, `depth` blanks in, without a newline at the end."""
    return indent(text.rstrip("\n"), " " * depth)


def kubernetes(text: str) -> str:
    """An entry of `command` or `args`, where `$(NAME)` is replaced and `$$` means `$`."""
    return yaml(re.sub(r"\$(?=[$(])", "$$", text))


def ansible(text: str) -> str:
    """A scalar that Ansible takes as it is, whatever its templates would read in it."""
    return f"!unsafe {yaml(text)}"


def cron(command: str) -> str:
    """A command in a crontab, where `%` ends it unless a backslash is before. Raises UsageError for a backslash
    before a `%`, which cron gives no way to write."""
    if "\\%" in command:
        raise UsageError(
            "A path contains a backslash before a percent sign, which a crontab cannot contain.",
            "Rename it, or use a symbolic link to it.",
        )
    return command.replace("%", "\\%")
