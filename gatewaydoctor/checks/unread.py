"""Words about what could not be read here. The gateway may run as another user: what it meets is told with an if."""

from __future__ import annotations

from gatewaydoctor.model.gateway.files import Obstacle, Unreadable

_BY_HAND = {
    Obstacle.FORBIDDEN: "Look again as the user the gateway runs as.",
    Obstacle.NOT_A_FILE: "See what stands in its place. With the gateway stopped, move that away and put the file "
    "back.",
    Obstacle.BEYOND_LIMIT: "Look at it by other means, and find out what made it so large.",
}


def by_hand(problem: Unreadable) -> str:
    """What to do about it, in whole sentences."""
    return _BY_HAND.get(
        problem.obstacle, "Look again as the user the gateway runs as. If that fails too, check the disk."
    )


def consequence(problem: Unreadable, then: str) -> str:
    """`then` says, without its full stop, what the gateway does where it cannot read the file either."""
    match problem.obstacle:
        case Obstacle.NOT_A_FILE:
            return f"The gateway cannot read it either: {then}."
        case Obstacle.BEYOND_LIMIT:
            return f"The gateway may read it all the same; where it cannot, {then}."
        case _:
            return f"Where the gateway cannot read it either, {then}."
