"""What a gate decided, as the document tells it, and the baseline file it compares with."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from gatewaydoctor.model.outcome.finding import SeverityWord  # noqa: TC001 - msgspec resolves it

FailOn = Literal["critical", "error", "warning", "info", "never"]
Standing = Literal["new", "grown", "worse", "known"]


class VerdictInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The gate's verdict on one finding; verdicts are in the order of the findings.

    `standing`: not in the baseline, there with fewer things, there with a milder severity, or known. `fails`: it is
    not known and reaches the threshold. `fingerprint` is None under `--redact`: short names could be guessed from it.
    `baseline_count`: how many things the baseline knows of it.
    """

    standing: Standing
    fails: bool
    fingerprint: str | None
    baseline_count: int | None = None


class SourcedValue(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A setting and who gave it: `command line`, `gatewaydoctor.toml`, `pyproject.toml` or `default`. `unit` is that
    of a number, None for one without."""

    value: Any
    origin: str
    unit: Literal["ms", "bytes"] | None = None


class BaselineUse(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`gone` counts findings of the baseline that were not found again. `written`: this very run wrote the file."""

    path: str
    written: bool
    gone: int


class GateInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`rules` were checked; `left_out` counts findings of the others. `failing` and `known` count findings, also
    those a capped list leaves out. `settings` only with `--verbose`."""

    fail_on: FailOn
    rules: tuple[str, ...]
    failing: int
    known: int
    left_out: int
    baseline: BaselineUse | None
    verdicts: tuple[VerdictInfo, ...]
    settings: dict[str, SourcedValue] | None = None


class KnownFinding(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A finding as a baseline keeps it. Only `fingerprint`, `severity` and `count` are compared; the rest is for
    readers, and None under `--redact`."""

    fingerprint: str
    rule: str
    severity: SeverityWord
    count: Annotated[int, msgspec.Meta(ge=1)]
    agent_id: str | None = None
    path: str | None = None
    key: str | None = None


class Baseline(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The findings one agreed to live with, at `now` (epoch ms)."""

    schema_version: str
    now: int
    findings: tuple[KnownFinding, ...]
