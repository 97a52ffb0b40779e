"""How large V8 lets the heap of this gateway grow (docs/gateway.md).

What sets it, strongest first: --max-old-space-size where the service starts node, NODE_OPTIONS, and Node's default
for the memory there is. A control group or MemoryMax below any of them kills first.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.liveness import HeapLimit
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.config.units import parse_bytes
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.system.fs import ReadFs

_MIB = 1024 * 1024
_LARGE = 15 * 1024 * _MIB
"""Memory from which V8 allows itself twice as much."""
_OPTION = regex(r"--max[-_]old[-_]space[-_]size(-percentage|_percentage)?(?:=|\s+)([0-9]{1,9}(?:\.[0-9]{1,9})?)")
_MEMORY_MAX = regex(r"^\s*MemoryMax\s*=\s*([0-9]{1,15}[KMGT]?)\s*$", re.MULTILINE)
_SETTING = regex(r"^\s*(ExecStart|Environment)\s*=\s*(.*)$", re.MULTILINE)
_LARGEST = 256 * 1024


def heap_limit(fs: ReadFs, place: Place, env: Mapping[str, str], memory: int | None) -> HeapLimit | None:
    """The limit, None where nothing tells one. `memory` is what a process here may have (bytes), None where that is
    not known. Nothing is raised."""
    services = list(_services(fs, place, env))
    limits = [each.memory for each in services if each.memory is not None]
    memory = min((*limits, *([] if memory is None else [memory])), default=None)
    told = (
        *((each.command, f"{each.name}") for each in services),
        (_own_options(env, services), "NODE_OPTIONS"),
        *((each.options, f"NODE_OPTIONS in {each.name}") for each in services),
    )
    given = next((limit for text, source in told if (limit := _option(text, source, memory))), None)
    if given is not None:
        tight = memory is not None and memory < given.bytes
        return HeapLimit(memory, "memory limit") if tight and memory is not None else given
    return None if memory is None else HeapLimit(_usual(memory), "Node's default for the memory here")


def _usual(memory: int) -> int:
    """Measured with Node 20 and 24: half of the memory, 2 GiB at most, but 4 GiB on a large machine."""
    return 4096 * _MIB if memory >= _LARGE else min(memory // 2, 2048 * _MIB)


def _own_options(env: Mapping[str, str], services: list[_Service]) -> str:
    """NODE_OPTIONS of this environment. A shell's own say nothing of a gateway that a service starts; INVOCATION_ID
    tells that systemd started this process."""
    return env.get("NODE_OPTIONS", "") if not services or "INVOCATION_ID" in env else ""


def _option(text: str, source: str, memory: int | None) -> HeapLimit | None:
    found = _OPTION.findall(text)
    if not found:
        return None
    percentage, value = found[-1]
    if percentage:
        return HeapLimit(int(memory * float(value) / 100), source) if memory else None
    count = int(float(value) * _MIB)
    return HeapLimit(count, f"--max-old-space-size in {source}") if count else None


class _Service:
    """What a service definition says: its command line, its NODE_OPTIONS, and its memory limit in bytes."""

    def __init__(self, name: str, command: str, options: str, memory: int | None) -> None:
        self.name, self.command, self.options, self.memory = name, command, options, memory


def _services(fs: ReadFs, place: Place, env: Mapping[str, str]) -> Iterator[_Service]:
    """The definitions the gateway installs, and what was added to them, unless they name another state directory."""
    home = Path(env.get("HOME") or "/")
    suffix = place.state_dir.name.removeprefix(".openclaw") if place.state_dir.name.startswith(".openclaw-") else ""
    unit = f"openclaw-gateway{suffix}.service"
    for directory in (home / ".config/systemd/user", Path("/etc/systemd/user"), Path("/etc/systemd/system")):
        text = "\n".join(_unit_texts(fs, directory, unit))
        if text and not _elsewhere(text, place):
            yield _of_unit(unit, text)
    label = f"ai.openclaw.{suffix.removeprefix('-') or 'gateway'}"
    if agent := _plist(fs, home / "Library/LaunchAgents" / f"{label}.plist"):
        yield _of_agent(label, agent)


def _unit_texts(fs: ReadFs, directory: Path, unit: str) -> Iterator[str]:
    added = directory / f"{unit}.d"
    try:
        names: Iterable[str] = sorted(name for name in fs.names(added) if name.endswith(".conf"))
    except OSError:
        names = ()
    for path in (directory / unit, *(added / name for name in names)):
        try:
            yield read_up_to(fs, path, _LARGEST).decode("utf-8", "replace")
        except OSError:
            continue


def _elsewhere(text: str, place: Place) -> bool:
    found = re.findall(r"OPENCLAW_STATE_DIR=([^\s\"']+)", text)
    return bool(found) and found[-1] not in (str(place.state_dir), str(place.real_dir))


def _of_unit(name: str, text: str) -> _Service:
    commands, options = "", ""
    for setting, value in _SETTING.findall(text.replace("\\\n", " ")):
        if setting == "ExecStart":
            commands = value
        else:
            options = next((word[13:] for word in _words(value) if word.startswith("NODE_OPTIONS=")), options)
    limits = [limit for found in _MEMORY_MAX.findall(text) if (limit := parse_bytes(found)) is not None]
    return _Service(name, commands, options, limits[-1] if limits else None)


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()


def _plist(fs: ReadFs, path: Path) -> Mapping[str, object] | None:
    try:
        data = read_up_to(fs, path, _LARGEST)
    except OSError:
        return None
    import plistlib  # macOS alone has such files
    from xml.parsers.expat import ExpatError

    try:
        agent = plistlib.loads(data)
    except (ValueError, ExpatError, plistlib.InvalidFileException):
        return None
    return agent if isinstance(agent, dict) else None


def _of_agent(label: str, agent: Mapping[str, object]) -> _Service:
    words, env = agent.get("ProgramArguments"), agent.get("EnvironmentVariables")
    command = " ".join(map(str, words)) if isinstance(words, list) else ""
    options = str(env.get("NODE_OPTIONS", "")) if isinstance(env, dict) else ""
    return _Service(label, command, options, None)
