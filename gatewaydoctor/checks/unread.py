"""Texts for what could not be read. The gateway may run as another user, so they say what happens if it cannot
either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.registry import Family, Rule
from gatewaydoctor.model.command import Command
from gatewaydoctor.model.gateway.files import Obstacle, Unreadable
from gatewaydoctor.model.outcome.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.outcome.finding import Finding

DENIED = Rule(
    id="permission-denied",
    family=Family.OTHERS,
    severity=Severity.ERROR,
    title="Permission to read or write is missing",
    meaning="The user who owns most of the tree, as whom the gateway is taken to run, may not read the config, a "
    "store or cron's jobs, or may not write to the state directory or a sessions directory. Or whoever runs "
    "gatewaydoctor may not read them, so that nothing is known of what is in them.",
    cause="A volume made by root, a command run as root or with sudo, a copy without -p.",
    gateway="It refuses to start with a config it has no permission to read (exit 1 in 2026.3.28, exit "
    "78 since 2026.4.25). Up to 2026.5.22 a store it may not read loads as EMPTY, and without "
    "permission to write it starts and saves nothing there. 2026.9.6 refuses to start for each "
    "of them but cron's jobs (exit 78).",
    remedy="Give the paths to the gateway's user with chown, or scan as that user with sudo -u.",
)

CHANGING = "changedWhileRead"
"""Evidence that what seems damaged may be a save that was not finished."""


def denied(x: Examination, problem: Unreadable, what: str, then: str, agent_id: str | None = None) -> Finding:
    """Something that whoever runs this may not read. `what` begins a sentence; `then` is as for `consequence`."""
    user = x.census.majority if x.census.majority is not None else x.place.owner
    foreign = any(each.path == problem.path for each in x.census.strangers)
    give = give_to(user, [problem.path]) if foreign else open_to_owner([problem.path])
    scan = scan_as(x, user)
    mine = user == x.own_uid
    first = give if mine else scan
    return DENIED.finding(
        f"{what} is not readable by this user: {problem.reason}.",
        consequence(problem, then),
        agent_id=agent_id,
        path=problem.path,
        evidence={"reason": problem.reason, "obstacle": problem.obstacle.value, "command": str(first)},
        by_hand=f"Let the gateway's user read it: {give}. To scan as that user: {scan}."
        if mine
        else f"Scan as the gateway's user: {scan}. If that user may not read it either: {give}.",
        access=first,
    )


def give_to(user: int, paths: Iterable[Path]) -> Command:
    """The command that gives paths to a user."""
    return Command(("chown", str(user), *map(str, paths)), program=("sudo",))


def open_to_owner(paths: Iterable[Path]) -> Command:
    """The command that lets the owner of paths read and write them."""
    return Command(("chmod", "u+rwX", *map(str, paths)), program=("sudo",))


def scan_as(x: Examination, user: int) -> Command:
    """The command that scans this directory as another user."""
    config = () if x.config.path.parent == x.place.state_dir else ("--config", str(x.config.path))
    return Command(("scan", "--state-dir", str(x.place.state_dir), *config), user=user, placed=True)


_BY_HAND = {
    Obstacle.FORBIDDEN: "Scan again as the user the gateway runs as.",
    Obstacle.NOT_A_FILE: "Check what is in its place. With the gateway stopped, move that away and restore the file.",
    Obstacle.BEYOND_LIMIT: "Inspect it with another tool, and find out what made it so large.",
}


def by_hand(problem: Unreadable) -> str:
    """What to do about it, in whole sentences."""
    return _BY_HAND.get(
        problem.obstacle, "Scan again as the user the gateway runs as. If that fails too, check the disk."
    )


def consequence(problem: Unreadable, then: str) -> str:
    """`then` says, without its full stop, what the gateway does where it cannot read the file either."""
    match problem.obstacle:
        case Obstacle.NOT_A_FILE:
            return f"The gateway cannot read it either: {then}."
        case Obstacle.BEYOND_LIMIT:
            return f"The gateway may still be able to read it; if not, {then}."
        case _:
            return f"If the gateway cannot read it either, {then}."
