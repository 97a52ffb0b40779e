"""Real shells, made to complete a line. A shell that is not installed skips the test."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.completion.shells import KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPTS = Path(__file__).parent.parent.parent / "completions"
PATIENCE = 20.0
"""Seconds until a shell that says nothing has failed."""

_BASH = r"""
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
current=${COMP_WORDS[COMP_CWORD]}
case $current in [=:]*) current= ;; [\'\"]*) current=${current:1} ;; esac
_gatewaydoctor gatewaydoctor "$current" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()=>][A-Z0-9]?|[\r\x07\x08]")


def script(shell: str) -> Path:
    return SCRIPTS / KEPT[shell]


def need(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def bash_words(line: str) -> list[str]:
    """The line as bash takes it apart: at blanks outside of quotes, and at "=" and ":"."""
    words: list[str] = []
    for part in re.findall(r"(?:'[^']*'?|\"[^\"]*\"?|\\.|\S)+", line):
        words += re.findall(r"[=:]+|(?:'[^']*'?|\"[^\"]*\"?|\\.|[^=:])+", part)
    return [*words, ""] if line.endswith(" ") else words


def bash(line: str, env: Mapping[str, str]) -> list[str]:
    """What the completion function of bash replies at the end of a line."""
    command = [
        need("bash"),
        "--norc",
        "--noprofile",
        "-u",
        "-c",
        _BASH,
        "bash",
        str(script("bash")),
        *bash_words(line),
    ]
    return _lines(command, env)


def fish(line: str, env: Mapping[str, str]) -> list[str]:
    """What fish offers at the end of a line: word, tab, description."""
    command = f"source {script('fish')}; complete -C {_fish_quoted(line)}"
    return _lines([need("fish"), "--no-config", "-c", command], env)


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _lines(command: Sequence[str], env: Mapping[str, str]) -> list[str]:
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ran.stderr == ""
    return [line for line in ran.stdout.split("\n") if line]


SETUP = {
    "bash": (
        ["--norc", "--noprofile", "-i"],
        ["PS1='> '; bind 'set enable-bracketed-paste off'", f"source {script('bash')}"],
    ),
    "zsh": (
        ["-f", "-i"],
        ["PS1='> '; autoload -Uz compinit && compinit -D -u; LISTMAX=0", f"source {script('zsh')}"],
    ),
}


def screen(shell: str, line: str, env: Mapping[str, str], until: str) -> str:
    """What a terminal shows once a line was typed and Tab pressed twice, up to the text it waits for."""
    arguments, setup = SETUP[shell]
    child, terminal = pty.fork()
    if child == 0:
        os.execve(need(shell), [shell, *arguments], dict(env))
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        for command in (*setup, 'echo "rea""dy"'):
            os.write(terminal, f"{command}\n".encode())
        _read(terminal, "\nready")
        os.write(terminal, f"{line}\t\t".encode())
        return _read(terminal, until)
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(child, 0)


def _read(terminal: int, until: str) -> str:
    """What comes until `until` has come and nothing more does."""
    seen, end = "", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.5)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
            seen = _ESCAPES.sub("", seen)
        elif until in seen:
            break
    assert until in seen, seen
    return seen
