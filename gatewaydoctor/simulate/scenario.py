"""The scenarios by name: their options, plan, model and remedies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from gatewaydoctor.model.errors import nearest
from gatewaydoctor.simulate.options import Option, describe
from gatewaydoctor.simulate.releases import RELEASES
from gatewaydoctor.simulate.remedies import REMEDIES, Remedy
from gatewaydoctor.simulate.scenarios import cap_storm, chat_buffers, stuck_cron, subagent_maps, usage_scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gatewaydoctor.simulate.values import Result, Save


class Model(Protocol):
    """A scenario's model: runs a plan in virtual time."""

    def __call__(self, plan: Any, *, policy: str, seed: int, remedies: tuple[str, ...]) -> Result: ...


class UnknownName(ValueError):
    """No scenario, remedy or policy of this name; the message lists those there are."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`policy` is the release of the report. `saves` lists the store operations for `--clock wall`, if any."""

    name: str
    incident: str
    title: str
    policy: str
    options: type
    plan: Callable[[Any], Any]
    simulate: Model
    saves: Callable[..., list[Save]] | None = None

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        return tuple(remedy for remedy in REMEDIES if remedy.scenario == self.name)

    def describe_options(self) -> tuple[Option, ...]:
        """Its options with units, defaults and where they are from."""
        return describe(self.options)

    def remedies_named(self, names: Iterable[str]) -> tuple[Remedy, ...]:
        """These remedies, each once, in the scenario's own order; `all` names every one. Raises UnknownName."""
        wanted = set(names)
        known = {remedy.name for remedy in self.remedies} | {"all"}
        if unknown := sorted(wanted - known):
            near = nearest(unknown[0], known)
            meant = f"did you mean {near}?" if near else f"use one of: {', '.join(sorted(known))}"
            raise UnknownName(f"unknown remedy {unknown[0]!r} of {self.name}; {meant}")
        return tuple(remedy for remedy in self.remedies if remedy.name in wanted or "all" in wanted)

    def plan_with(self, options: Any, remedies: Iterable[Remedy]) -> Any:
        """The plan of these options, with the remedies applied."""
        plan = self.plan(options)
        for remedy in remedies:
            plan = remedy.apply(plan)
        return plan


_ALL: Final = (
    Scenario(
        cap_storm.NAME, "72826", "a store at its cap, a pass for every burst of new sessions", "2026.4.25",
        cap_storm.CapStorm, cap_storm.Plan, cap_storm.simulate, cap_storm.saves,
    ),
    Scenario(
        stuck_cron.NAME, "61633", "cron runs that never end, and a store that no longer loads", "2026.3.28",
        stuck_cron.StuckCron, stuck_cron.Plan, stuck_cron.simulate, stuck_cron.saves,
    ),
    Scenario(
        subagent_maps.NAME, "52725", "three maps that let nothing go", "2026.3.28",
        subagent_maps.SubagentMaps, subagent_maps.Plan, subagent_maps.simulate,
    ),
    Scenario(
        chat_buffers.NAME, "51821", "buffers of runs that never end", "2026.3.28",
        chat_buffers.ChatBuffers, chat_buffers.Plan, chat_buffers.simulate,
    ),
    Scenario(
        usage_scan.NAME, "003", "usage calls that starve the event loop", "2026.5.22",
        usage_scan.UsageScan, usage_scan.Plan, usage_scan.simulate,
    ),
)  # fmt: skip

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType({scenario.name: scenario for scenario in _ALL})


def scenario_named(name: str) -> Scenario:
    """Raises UnknownName."""
    if name not in SCENARIOS:
        raise UnknownName(f"no scenario {name}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


def run(
    name: str,
    options: Any = None,
    *,
    seed: int = 1,
    policy: str | None = None,
    remedies: Iterable[str] = (),
    duration: float | None = None,
) -> Result:
    """Simulate one scenario in virtual time. `options` default to the incident's figures, `policy` to its release,
    `duration` (seconds) to the options' own. Raises UnknownName or options.BadOption.
    """
    scenario = scenario_named(name)
    options = options_for(scenario, options, duration)
    chosen = scenario.remedies_named(remedies)
    plan = scenario.plan_with(options, chosen)
    release = policy_named(policy or scenario.policy)
    return scenario.simulate(plan, policy=release, seed=seed, remedies=tuple(remedy.name for remedy in chosen))


def options_for(scenario: Scenario, options: Any, duration: float | None) -> Any:
    """The options as given or the defaults, with this duration."""
    options = options if options is not None else scenario.options()
    return options if duration is None else replace(options, duration=duration)


def policy_named(release: str) -> str:
    """Raises UnknownName."""
    if release not in RELEASES:
        raise UnknownName(f"no policy {release}; there are {', '.join(RELEASES)}")
    return release
