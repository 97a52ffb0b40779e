"""From a judgement and a baseline file to a decision, and to what the document says of it; `scan` and `check` share
it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.checks.baseline import SCHEMA_VERSION, Identity, remember
from gatewaydoctor.checks.gate import Decision, decide, select_rules
from gatewaydoctor.checks.judge import all_rules
from gatewaydoctor.cli.gate.settings import KEYS, LOOKING_KEYS, Settings, settle
from gatewaydoctor.cli.shell.examining import exit_code
from gatewaydoctor.cli.shell.output import places_of, target
from gatewaydoctor.cli.shell.run import working_directory
from gatewaydoctor.model.errors import DoctorError, ExitCode, UsageError
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.gate import Baseline, BaselineUse, GateInfo, KnownFinding, SourcedValue, VerdictInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.cli.gate.settings import GateOptions, Sourced
    from gatewaydoctor.cli.shell.run import Run
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.outcome.gate import FailOn
    from gatewaydoctor.report.names import Names
    from gatewaydoctor.system.fs import ReadFs


LARGEST = 64 * 1024 * 1024


class BadBaseline(DoctorError):
    """The baseline cannot be compared with; passing or failing without it would both be wrong."""

    code: ClassVar[str] = "baseline"


def read_baseline(fs: ReadFs, path: Path) -> Baseline:
    """Raises BadBaseline where there is none, or it is damaged or of another version."""
    import msgspec

    try:
        with fs.open(path) as stream:
            data = b""
            while len(data) <= LARGEST and (block := stream.read(LARGEST)):
                data += block
    except FileNotFoundError:
        raise BadBaseline(f"Baseline not found: {path}.", "To create it, add --write-baseline.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadBaseline(f"The baseline {path} could not be read: {reason}.", "Fix that first.") from error
    try:
        baseline = msgspec.json.decode(data, type=Baseline)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadBaseline(
            f"{path} is not a baseline: {error}.", "To write a new one, add --write-baseline."
        ) from error
    if baseline.schema_version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        version = baseline.schema_version
        raise BadBaseline(
            f"The baseline {path} has version {version!r}.", "To write a new one, add --write-baseline."
        )
    return baseline


def write_baseline(path: Path, baseline: Baseline) -> None:
    """A new baseline keeps the mode of the one it replaces; the first one is private, for it holds session keys.
    Raises CannotWrite."""
    import msgspec

    from gatewaydoctor.cli.shell.output import PRIVATE, kept_mode, write
    from gatewaydoctor.report.printer import encode

    baseline = msgspec.structs.replace(baseline, findings=tuple(map(_shown, baseline.findings)))
    write(path, f"{encode(baseline, indent=2)}\n", kept_mode(path, PRIVATE))


def _shown(known: KnownFinding) -> KnownFinding:
    """Names as people may read them; a lone surrogate would make the file one that cannot be read back."""
    import msgspec

    from gatewaydoctor.report.words import harmless

    names = {name: getattr(known, name) for name in ("agent_id", "path", "key")}
    shown = {name: harmless(text) for name, text in names.items() if text is not None}
    return msgspec.structs.replace(known, **shown)


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
    info = _info(gate, decision, identity, names, run, written=writes)
    return Gated(replace(judgement, findings=decision.findings), decision, info)


def _trust(settings: Settings, x: Examination) -> None:
    """What lies in the state directory is examined, not obeyed: an agent may have written it."""
    directory = settings.directory
    if directory is not None and any(directory.resolve().is_relative_to(place) for place in places_of(x)):
        raise UsageError(
            "The settings file in the working directory lies inside the state directory.",
            "Run from another directory; settings files there are not trusted.",
        )


def _info(gate: Gate, decision: Decision, identity: Identity, names: Names, run: Run, *, written: bool) -> GateInfo:
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
                fingerprint=identity.of(verdict.finding) if run.wants_all and not names.redact else None,
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
