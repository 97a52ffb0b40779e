"""Files of the file era that a start wants in a database before it comes up (docs/database.md, section 4). Nothing is
judged."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.health import OldFile
from gatewaydoctor.storage.database.header import MAGIC
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.system.fs import is_there
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.config import AgentSettings, Config
    from gatewaydoctor.system.fs import ReadFs

_CLAIM = ".doctor-importing"
"""Suffix under which the gateway's doctor takes such a file while it imports it."""
_IMPORTED = (
    "acp/event-ledger.json",
    "bindings/current-conversations.json",
    "commitments/commitments.json",
    "debug-proxy/capture.sqlite",
    "devices/paired.json",
    "exec-approvals.json",
    "flows/registry.sqlite",
    "identity/device-auth.json",
    "identity/device.json",
    "logs/config-health.json",
    "memory/main.sqlite",
    "node.json",
    "plugin-state/state.sqlite",
    "plugins/installs.json",
    "push/apns-registrations.json",
    "push/vapid-keys.json",
    "push/web-push-subscriptions.json",
    "settings/voicewake-routing.json",
    "settings/voicewake.json",
    "tasks/runs.sqlite",
    "tui/last-session.json",
    "update-check.json",
)
_FOLDERS = (
    ("credentials", "-pairing.json"),
    ("credentials", "-allowFrom.json"),
    ("delivery-queue", ".json"),
    ("media/outgoing/records", ".json"),
)
"""Directories with several such files, and how their names end."""
_HEADER = b"openclaw-workspace-attestation:v1\n"
_MOST_BYTES = 1 << 20
_SETUP = ("openclaw-workspace-state.json", ".openclaw/workspace-state.json")


def old_files(fs: ReadFs, state_dir: Path, config: Config) -> Iterator[OldFile]:
    """Those of each configured agent that are there, be it as a link to nothing."""
    for agent in config.agents:
        for path in _of_workspace(state_dir, agent):
            for each in (path, path.with_name(f"{path.name}{_CLAIM}")):
                if is_there(fs, each):
                    yield OldFile(each, agent.agent_id, _is_sound(fs, each))
        beside = agent.workspace.with_name(f"{agent.workspace.name}.attested")
        if _read(fs, beside).startswith(_HEADER):  # another file of that name is not the gateway's
            yield OldFile(beside, agent.agent_id, sound=True)
    yield from _torn(fs, state_dir)


def _torn(fs: ReadFs, state_dir: Path) -> Iterator[OldFile]:
    """Old files that are neither JSON nor a database, each of which was seen to end the startup migrations."""
    for path in (*(state_dir / name for name in _IMPORTED), *_in_folders(fs, state_dir)):
        try:
            data = read_up_to(fs, path, _MOST_BYTES)
        except OSError:
            continue
        sound = not data or data.startswith(MAGIC) if path.suffix == ".sqlite" else _is_json(data)
        if not sound and len(data) < _MOST_BYTES:
            yield OldFile(path, None, sound=False)


def _in_folders(fs: ReadFs, state_dir: Path) -> Iterator[Path]:
    for folder, ending in _FOLDERS:
        try:
            names = sorted(name for name in fs.names(state_dir / folder) if name.endswith(ending))
        except OSError:
            continue
        yield from (state_dir / folder / name for name in names)


def _is_json(data: bytes) -> bool:
    try:
        parse(data)
    except Illegal:
        return False
    return True


def _is_sound(fs: ReadFs, path: Path) -> bool:
    data = _read(fs, path)
    try:
        return data.startswith(_HEADER) or isinstance(parse(data), dict)
    except Illegal:
        return False


def _read(fs: ReadFs, path: Path) -> bytes:
    """Empty where it cannot be read."""
    try:
        return read_up_to(fs, path, _MOST_BYTES)
    except OSError:
        return b""


def _of_workspace(state_dir: Path, agent: AgentSettings) -> Iterator[Path]:
    """Where releases of the file era noted that the workspace of an agent was set up."""
    yield from (agent.workspace / name for name in _SETUP)
    digest = sha256(str(agent.workspace).encode()).hexdigest()
    yield state_dir / "workspace-attestations" / f"{digest}.attested"
