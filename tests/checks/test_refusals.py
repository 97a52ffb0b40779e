"""What is told of a start by the release in use, and of 2026.9.6 where that release was not tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewaydoctor.checks.effects import start_effect
from gatewaydoctor.checks.stores.healthrules import CORRUPT, finding_of, refuses, severity_of
from gatewaydoctor.model.database.health import DatabaseHealth
from gatewaydoctor.model.database.refusals import CODES, DUE, NEWEST, STARTS, Damage, seen_start
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.gateway.release import Release
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Effect


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("2026.8.1", "A 2026.8.1 gateway refuses to start (exit 1)."),
        ("2026.9.6", "A 2026.9.6 gateway refuses to start (exit 78)."),
        ("2026.9.4", "A 2026.9.6 gateway refuses to start (exit 78); 2026.9.4 was not tried."),
        (None, "A 2026.9.6 gateway refuses to start (exit 78)."),
    ],
)
def test_a_refusal_names_the_release_that_was_seen(release: str | None, said: str) -> None:
    assert refuses(seen_start(Damage.FOREIGN_KEYS, release)) == said


def test_a_release_that_starts_over_what_the_newest_refuses_is_warned_of_the_update() -> None:
    start = seen_start(Damage.OWNER_LEASE, "2026.8.1")
    assert refuses(start) == "A 2026.8.1 gateway starts with it; 2026.9.6 refuses to."
    assert severity_of(start) is Severity.WARNING
    assert severity_of(seen_start(Damage.OWNER_LEASE, "2026.9.6")) is None


def test_due_migrations_change_what_a_release_does() -> None:
    assert seen_start(Damage.EMPTY, NEWEST, due=True).code == 78
    assert seen_start(Damage.EMPTY, NEWEST).code == STARTS
    assert seen_start(Damage.EMPTY, "2026.8.1", due=True).code == STARTS
    assert seen_start(Damage.LEGACY_OLDER, "2026.8.1", due=True).code == 1
    assert seen_start(Damage.LEGACY_OLDER, "2026.8.1").code == STARTS


def test_2026_9_6_does_without_an_agent_that_is_not_its_default() -> None:
    start = seen_start(Damage.AGENT, NEWEST, apart=True)
    assert refuses(start) == "A 2026.9.6 gateway starts without the sessions of this agent until it is repaired."
    assert severity_of(start) is None  # an error all the same
    assert seen_start(Damage.NEWER, NEWEST, apart=True).code == 78
    assert seen_start(Damage.AGENT, "2026.9.3", apart=True).code == 1


def test_every_damage_was_seen_with_the_newest_release() -> None:
    assert set(CODES) == set(Damage)
    assert all(NEWEST in codes for codes in CODES.values())
    assert set(DUE) <= set(Damage)


def effect_of(damage: Damage, release: str, *, agent: str | None = "main") -> tuple[Effect, str]:
    role = DatabaseRole.AGENT if agent else DatabaseRole.STATE
    health = DatabaseHealth(role, Path("/s/x.sqlite"), agent)
    finding = finding_of(CORRUPT, health, "It is damaged.", seen_start(damage, release), {})
    found = start_effect(finding, Release(version=release), ())
    assert found is not None
    return found.effect, found.reason


def test_2026_9_5_does_without_the_sessions_of_any_agent() -> None:
    told = "A 2026.9.5 gateway starts without the sessions of this agent until it is repaired."
    assert effect_of(Damage.AGENT, "2026.9.5") == (Effect.RISKS, told)


def test_2026_7_1_starts_with_a_damaged_page_of_its_database_and_not_without_a_header() -> None:
    told = "A 2026.7.1 gateway starts without what it cannot read there, such as cron jobs."
    assert effect_of(Damage.STATE_PAGE, "2026.7.1", agent=None) == (Effect.RISKS, told)
    assert effect_of(Damage.STATE, "2026.7.1", agent=None)[0] is Effect.FAILS
    assert effect_of(Damage.STATE_PAGE, NEWEST, agent=None)[0] is Effect.FAILS


def test_that_a_release_refuses_which_was_not_tried_is_a_risk() -> None:
    effect, reason = effect_of(Damage.AGENT, "2026.9.4")
    assert effect is Effect.RISKS
    assert reason.endswith("refuses to start (exit 78); 2026.9.4 was not tried.")
    assert effect_of(Damage.AGENT, "2026.9.3")[0] is Effect.FAILS
