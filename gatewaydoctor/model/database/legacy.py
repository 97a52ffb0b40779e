"""Small files of earlier releases that a start takes over into its databases, and what each holds."""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.database.refusals import Damage

if TYPE_CHECKING:
    from pathlib import Path


class LegacyForm(Enum):
    """What a start has to find in a file: JSON of any kind, a JSON object, a JSON document in each line that is not
    blank, or an SQLite database. Credentials it does not take over: `doctor --fix` does, and no start goes on
    before."""

    JSON = auto()
    OBJECT = auto()
    LINES = auto()
    DATABASE = auto()
    CREDENTIALS = auto()


class LegacyFile(Struct, frozen=True):
    """`pattern` is its path below the state directory, with `*` for part of its name. `holds` says what is in it,
    `damage` which releases it stops."""

    pattern: str
    holds: str
    form: LegacyForm = LegacyForm.JSON
    damage: Damage = Damage.LEGACY


class LegacyFault(StrEnum):
    """Why a start cannot take a file over."""

    EMPTY = "empty"
    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    BAD_LINE = "bad-line"
    NOT_A_DATABASE = "not-a-database"
    LEFT = "left"

    @property
    def text(self) -> str:
        return _TEXTS[self]


_TEXTS = {
    LegacyFault.EMPTY: "is empty",
    LegacyFault.NOT_JSON: "is not JSON",
    LegacyFault.NOT_AN_OBJECT: "is not a JSON object",
    LegacyFault.BAD_LINE: "has a line that is not JSON",
    LegacyFault.NOT_A_DATABASE: "is not a database",
    LegacyFault.LEFT: "is still there",
}


class WorkspaceFile(Struct, frozen=True):
    """A file about the workspace of an agent that no database has taken yet. `sound`: an import can read it."""

    path: Path
    agent_id: str
    sound: bool


class FoundLegacyFile(Struct, frozen=True):
    """A file that a start stops at. `offset` is the byte where what can be read ends."""

    path: Path
    known: LegacyFile
    fault: LegacyFault
    bytes: int
    offset: int


TAKEN_OVER = (
    LegacyFile(
        "agents/main/agent/auth-profiles.json",
        "credentials of model providers",
        LegacyForm.CREDENTIALS,
        Damage.CREDENTIALS,
    ),
    LegacyFile(
        "agents/main/agent/auth.json", "credentials of model providers", LegacyForm.CREDENTIALS, Damage.CREDENTIALS
    ),
    LegacyFile(
        "credentials/oauth.json", "credentials of model providers", LegacyForm.CREDENTIALS, Damage.CREDENTIALS
    ),
    LegacyFile(
        "agent/auth-profiles.json",
        "credentials of model providers",
        LegacyForm.CREDENTIALS,
        Damage.CREDENTIALS_BEFORE_AGENTS,
    ),
    LegacyFile("exec-approvals.json", "which commands may run without asking", LegacyForm.OBJECT),
    LegacyFile("plugins/installs.json", "which plugins are installed", LegacyForm.OBJECT, damage=Damage.LEGACY_OLDER),
    LegacyFile("identity/device.json", "the gateway's own device key", LegacyForm.OBJECT, damage=Damage.LEGACY_OLDER),
    LegacyFile("identity/device-auth.json", "the gateway's own device tokens", LegacyForm.OBJECT),
    LegacyFile("devices/paired.json", "the paired devices"),
    LegacyFile("nodes/paired.json", "the paired nodes"),
    LegacyFile("node.json", "the id of this node"),
    LegacyFile("credentials/*-pairing.json", "requests to pair with a channel", damage=Damage.LEGACY_OLDER),
    LegacyFile("credentials/*-allowFrom.json", "who may write on a channel", damage=Damage.LEGACY_OLDER),
    LegacyFile("delivery-queue/*.json", "a message that waits to be sent", damage=Damage.LEGACY_OLDER),
    LegacyFile(
        "bindings/current-conversations.json", "which chats are bound to sessions", damage=Damage.LEGACY_OLDER
    ),
    LegacyFile("commitments/commitments.json", "what agents have promised to do"),
    LegacyFile("push/apns-registrations.json", "the phones that get notices"),
    LegacyFile("push/web-push-subscriptions.json", "the browsers that get notices"),
    LegacyFile("push/vapid-keys.json", "the key of notices to browsers"),
    LegacyFile("settings/voicewake.json", "the wake words", damage=Damage.LEGACY_OLDER),
    LegacyFile("settings/voicewake-routing.json", "where wake words go", damage=Damage.LEGACY_OLDER),
    LegacyFile("tui/last-session.json", "the last session of the terminal"),
    LegacyFile("acp/event-ledger.json", "events of ACP sessions"),
    LegacyFile("logs/config-health.json", "the last config that was sound", damage=Damage.LEGACY_OLDER),
    LegacyFile("update-check.json", "when updates were looked for", damage=Damage.LEGACY_OLDER),
    LegacyFile("logs/config-audit.jsonl", "a record of config changes", LegacyForm.LINES),
    LegacyFile("audit/system-agent.jsonl", "a record of what the system agent did", LegacyForm.LINES),
    LegacyFile("audit/crestodian.jsonl", "a record of what the rescue agent did", LegacyForm.LINES),
    LegacyFile("media/outgoing/records/*.json", "a picture that was sent"),
    LegacyFile(
        "plugin-state/state.sqlite", "what plugins have kept", LegacyForm.DATABASE, damage=Damage.LEGACY_OLDER
    ),
    LegacyFile("tasks/runs.sqlite", "runs of background tasks", LegacyForm.DATABASE, damage=Damage.LEGACY_OLDER),
    LegacyFile("flows/registry.sqlite", "flows of background tasks", LegacyForm.DATABASE, damage=Damage.LEGACY_OLDER),
    LegacyFile("memory/main.sqlite", "an index of memory", LegacyForm.DATABASE, damage=Damage.LEGACY_OLDER),
    LegacyFile("debug-proxy/capture.sqlite", "captured requests", LegacyForm.DATABASE, damage=Damage.LEGACY_OLDER),
)
"""Each was put damaged into a sound directory of 2026.9.6, whose migrations were due, and which then did not start
(docs/database.md, section 4). In the directory of another agent than main the same names stopped nothing."""
