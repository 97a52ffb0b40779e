"""From a judgement to a decision and to what the document says of it; `scan` and `check` share it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.checks.baseline import Identity, remember
from gatewaydoctor.checks.gate import Decision, decide, select_rules
from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.cli.gate.baselinefile import read_baseline, write_baseline
from gatewaydoctor.cli.gate.settings import KEYS, LOOKING_KEYS, Settings, settle
from gatewaydoctor.cli.shell.examining import exit_code
from gatewaydoctor.cli.shell.output import places_of, target
from gatewaydoctor.cli.shell.run import working_directory
from gatewaydoctor.model.errors import ExitCode, UsageError
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.gate import BaselineUse, GateInfo, SourcedValue, VerdictInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.cli.gate.settings import GateOptions, Sourced
    from gatewaydoctor.cli.shell.run import Run
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.outcome.gate import Baseline, FailOn
    from gatewaydoctor.report.names import Names


class Gate(Struct, frozen=True):
    """What was decided before anything was examined: the settings, the rules that count, the known findings."""

    settings: Settings
    rules: tuple[str, ...]
    baseline: Baseline | None = None
    write: bool = False

    @property
    def fail_on(self) -> Severity | None:
        word = self.settings.fail_on.value
        return None if word == "never" else Severity[word.upper()]


class Gated(Struct, frozen=True):
    """A judgement of the rules that count, and the decision over it."""

    judgement: Judgement
    decision: Decision
    info: GateInfo

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.FINDINGS if self.decision.failing else ExitCode.OK


def settings_for(run: Run, options: GateOptions, *, gate: bool = False) -> Settings:
    """For a verb that is a `gate` a settings file may set everything, for others only what is looked for. Under
    --format nagios the threshold is `warning` unless one is set: it has a state for warnings."""
    nagios = run.options.format == "nagios" and not run.options.json
    default: FailOn = "warning" if nagios else "error" if gate else "never"
    return settle(run.fs, working_directory(), options, default, KEYS if gate else LOOKING_KEYS)


def open_gate(run: Run, settings: Settings, *, write: bool = False) -> Gate:
    """Raises UsageError for a pattern that matches no rule, BadBaseline for a baseline that cannot be used."""
    rules = select_rules([rule.id for rule in all_rules()], settings.only.value, settings.skip.value)
    spelled = settings.baseline.value
    if write and spelled is None:
        raise UsageError("--write-baseline needs to know where.", "Add --baseline FILE.")
    known = None if spelled is None or write else read_baseline(run.fs, Path(spelled))
    return Gate(settings, rules, known, write)


def pass_through(gate: Gate, judgement: Judgement, names: Names, run: Run) -> Gated:
    """Decide, and write the baseline where that was asked for and something could be read: else the old one would
    lose what could not be seen. Raises UsageError for settings or a baseline inside the state directory, and
    CannotWrite."""
    x = judgement.examination
    _trust(gate.settings, x)
    identity = Identity(tuple(dict.fromkeys((x.place.state_dir, x.place.real_dir))))
    judged = frozenset(gate.rules)
    baseline = gate.baseline
    spelled = gate.settings.baseline.value
    writes = gate.write and exit_code(x) is ExitCode.OK
    if spelled is not None:
        path = target(spelled, "--baseline", places_of(x))
        if writes:
            counted = (finding for finding in judgement.findings if finding.rule in judged)
            baseline = remember(counted, identity, x.now, nameless=names.redact)
            write_baseline(path, baseline)
    decision = decide(judgement.findings, gate.rules, gate.fail_on, identity, baseline)
    info = _info(gate, decision, names, run, written=writes)
    return Gated(replace(judgement, findings=decision.findings), decision, info)


def _trust(settings: Settings, x: Examination) -> None:
    """What lies in the state directory is examined, not obeyed: an agent may have written it."""
    directory = settings.directory
    if directory is not None and any(directory.resolve().is_relative_to(place) for place in places_of(x)):
        raise UsageError(
            "The settings file in the working directory lies inside the state directory.",
            "Run from another directory; settings files there are not trusted.",
        )


def _info(gate: Gate, decision: Decision, names: Names, run: Run, *, written: bool) -> GateInfo:
    spelled = gate.settings.baseline.value
    return GateInfo(
        fail_on=gate.settings.fail_on.value,
        rules=decision.rules,
        failing=decision.failing,
        known=decision.known,
        left_out=decision.left_out,
        baseline=BaselineUse(path=names.path(spelled), written=written, gone=decision.gone) if spelled else None,
        verdicts=tuple(
            VerdictInfo(
                standing=verdict.compared.standing,
                fails=verdict.fails,
                fingerprint=None if names.redact else verdict.compared.fingerprint,
                baseline_count=verdict.compared.known.count if verdict.compared.known else None,
            )
            for verdict in decision.verdicts
        ),
        settings=_told(gate.settings.told(), names) if run.options.verbose else None,
    )


def _told(settings: Mapping[str, Sourced[Any]], names: Names) -> dict[str, SourcedValue]:
    return {
        name: SourcedValue(
            value=names.path(each.value) if name == "baseline" and each.value else each.value,
            origin=each.origin,
            unit=each.unit,
        )
        for name, each in settings.items()
    }
