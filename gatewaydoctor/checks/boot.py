"""What the next start will do, release by release, as half sentences behind "A 2026.3.28 gateway"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.gateway.release import Policy, numbers

if TYPE_CHECKING:
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.release import Release

NOTHING_BY_ITSELF = "A start changes nothing about this."


class NextBoot(Struct, frozen=True):
    """What a gateway does at its next start. Each text completes "A <release> gateway" without the full stop; a
    release without one does what the one before it does. `unknown` is a whole sentence for a directory that does not
    tell its release, and says what differs."""

    v3_28: str
    unknown: str
    v4_25: str | None = None
    v5_22: str | None = None
    v9_6: str | None = None

    def of(self, x: Examination) -> str:
        """The whole sentence for the release of this directory."""
        policy = x.config.release.policy
        return self.unknown if policy is None else f"{a_gateway(x)} {self._text(policy)}."

    def _text(self, policy: Policy) -> str:
        said = self.v3_28
        for each, text in zip(Policy, (self.v3_28, self.v4_25, self.v5_22, self.v9_6), strict=True):
            said = text or said
            if each is policy:
                break
        return said


def a_gateway(x: Examination) -> str:
    """`A 2026.4.22 gateway`, by the version the directory names, else by the rules it lives under; `The gateway`
    where neither is known."""
    name = release_name(x.config.release)
    return f"A {name} gateway" if name else "The gateway"


def release_name(release: Release) -> str | None:
    """The version the directory names, else the one whose rules it lives under. The version is text from the config:
    only its numbers may reach a sentence."""
    found = numbers(release.version)
    if found:
        return ".".join(map(str, found))
    return release.policy.value if release.policy else None


def release_decides(x: Examination) -> bool:
    """Whether there are sessions in files and nothing tells which release will start: 2026.8.1, 2026.9.3 and 2026.9.5
    refuse them, and the others were seen to start (docs/database.md, section 3)."""
    in_files = any(store.read.ref.exists for store in x.stores)
    return not x.config.release.known and in_files and x.place.store is None


def keeps_files(x: Examination) -> bool:
    """Whether the gateway of this directory works on sessions.json, as far as is known."""
    return not x.config.release.behaviour.sessions_in_database
