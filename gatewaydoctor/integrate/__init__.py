"""Ready snippets for the programs that start, watch and test a gateway.

A snippet is text made from a Site and nothing else; each target has a module with its forms, the usual one first.
"""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.integrate.site import Where, checked
from gatewaydoctor.model.errors import unknown_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.integrate.site import Site


class Target(StrEnum):
    """What a snippet is for."""

    SHELL = "shell"
    SYSTEMD = "systemd"
    LAUNCHD = "launchd"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    CRON = "cron"
    GITHUB_ACTIONS = "github-actions"
    PROMETHEUS = "prometheus"
    ANSIBLE = "ansible"


class About(Struct, frozen=True):
    """One line for people, the forms there are (the usual one first), where the paths of a snippet are valid, the
    options that mean something to it besides those every target knows, and what starts gatewaydoctor where that is
    not on this machine."""

    summary: str
    forms: tuple[str, ...]
    where: Where
    options: frozenset[str] = frozenset()
    program: str = "gatewaydoctor"


TARGETS: dict[Target, About] = {
    Target.SHELL: About("a script that asks the gate before a start", ("script",), Where.HERE, frozenset({"limit"})),
    Target.SYSTEMD: About(
        "a drop-in with the gate for the gateway's unit",
        ("user", "system"),
        Where.HERE,
        frozenset({"unit", "limit"}),
    ),
    Target.LAUNCHD: About(
        "the gateway's LaunchAgent with the gate",
        ("agent",),
        Where.HERE,
        frozenset({"unit", "limit", "gateway"}),
    ),
    Target.DOCKER: About(
        "the gateway's image with the gate at its entrypoint, and a HEALTHCHECK",
        ("dockerfile", "compose"),
        Where.CONTAINER,
        frozenset({"image", "limit", "gateway", "package"}),
        "/opt/gatewaydoctor/bin/gatewaydoctor",
    ),
    Target.KUBERNETES: About(
        "an init container with the gate, and a CronJob that reports",
        ("patch", "cronjob"),
        Where.CONTAINER,
        frozenset({"image", "limit", "unit", "package"}),
    ),
    Target.CRON: About("a daily check with mail only about what is new", ("mail",), Where.HERE),
    Target.GITHUB_ACTIONS: About(
        "a workflow that validates the fixtures of a repository",
        ("workflow",),
        Where.ELSEWHERE,
        frozenset({"fixtures", "package"}),
    ),
    Target.PROMETHEUS: About(
        "metrics for node_exporter, and alerts",
        ("cron", "service", "timer", "alerts"),
        Where.HERE,
        frozenset({"textfile_dir"}),
    ),
    Target.ANSIBLE: About("reports from every host of an inventory", ("playbook",), Where.ELSEWHERE),
}


def form_of(target: Target, asked: str | None) -> str:
    """The form asked for, or the usual one. Raises UsageError for one the target has not."""
    forms = TARGETS[target].forms
    form = forms[0] if asked is None else asked
    if form not in forms:
        raise unknown_word(f"form of {target}:", form, forms)
    return form


def snippet(target: Target, form: str, site: Site) -> str:
    """The text of a snippet; it ends with a newline. Raises UsageError for what the target cannot express."""
    module = import_module(f"gatewaydoctor.integrate.{target.replace('-', '_')}")
    render: Callable[[Site], str] = module.FORMS[form]
    return render(checked(site))
