"""Rule about sessions and agents that were parked and not put back."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import ago, capital, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.parked import Parked
    from gatewaydoctor.model.outcome.finding import Finding

PARKED = Rule(
    id="session-parked",
    family=Family.SESSIONS,
    severity=Severity.INFO,
    title="Parked sessions",
    meaning="The command `park` took these sessions, or all that an agent has, out of their store. They wait next to "
    "it in files named parked-<number>, which hold all of them.",
    cause="An operator parked them, for example because a start resumed a session that makes the gateway crash.",
    gateway="It does not know them: they are not listed, not resumed and not deleted. A new message to such a "
    "session begins a new one under the same key.",
    remedy="Put them back when the cause is settled: `gatewaydoctor unpark KEY`, also after the gateway has run. If "
    "a session has begun under the same key since, park that one first. To move one to the vault that is not wanted "
    "any more: `gatewaydoctor unpark KEY --to-vault`.",
)


_TORN = (
    "A file that holds a parked session is damaged or was edited. The vault has the session until `runs prune`: "
    "`gatewaydoctor runs list` lists the run that parked it, and `gatewaydoctor undo RUN --merge` adds back what "
    "that run removed."
)


@REGISTRY.check(PARKED)
def session_parked(x: Examination, t: Thresholds) -> Iterator[Finding]:
    by_agent: defaultdict[str, list[Parked]] = defaultdict(list)
    for each in x.parked:
        by_agent[each.agent_id].append(each)
    for agent_id, parked in sorted(by_agent.items()):
        sessions = [each for each in parked if not each.whole]
        said = [plural(len(sessions), "session is parked", "sessions are parked")] if sessions else []
        said += ["all that the agent has is parked"] if len(sessions) < len(parked) else []
        since = ago(x.now - min(each.at for each in parked))
        torn = [each for each in parked if not each.whole and each.key is None]
        said += [plural(len(torn), "file cannot be read", "files cannot be read")] if torn else []
        place = parked[0].rows or parked[0].files[0].kept
        yield PARKED.finding(
            f"{capital('; '.join(said))}, the first {since}.",
            "The gateway does not see them until they are put back.",
            count=len(parked),
            severity=Severity.WARNING if torn else None,
            by_hand=_TORN if torn else None,
            agent_id=agent_id,
            path=place.parent,
            key=parked[0].key,
            evidence={
                "parked": [
                    {
                        "key": each.key,
                        "whole": each.whole,
                        "parkedAt": each.at,
                        "files": len(each.paths),
                        "bytes": sum(file.size for file in each.files),
                        "readable": each.whole or each.key is not None,
                        "names": [path.name for path in each.paths[:EXAMPLES]],
                    }
                    for each in parked[:EXAMPLES]
                ]
            },
        )
