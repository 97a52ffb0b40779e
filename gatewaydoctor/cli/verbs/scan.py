"""`scan`: the default verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from gatewaydoctor.cli.gate.settings import FAIL_WORDS, GateOptions, MaxAge, ThresholdOption
from gatewaydoctor.cli.parser.parameters import option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.verbs.check import Output, Verify
from gatewaydoctor.model.outcome.verdict import Start
from gatewaydoctor.report.formats.formats import FORMATS

if TYPE_CHECKING:
    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.outcome.forecast import Forecast

StuckAfter = Annotated[
    str, option("--stuck-after", metavar="TIME", help="Silence after which a session marked running is stuck.")
]
FailOn = Annotated[
    str | None,
    option(
        "--fail-on",
        metavar="SEVERITY",
        help=f"Exit 1 on findings of this severity or worse: {', '.join(FAIL_WORDS)}. "
        "[default: never; with --format nagios warning]",
    ),
]


def scan(
    run: Run,
    *,
    fail_on: FailOn = None,
    max_age: MaxAge = None,
    threshold: ThresholdOption = None,
    verify: Verify = False,
    output: Output = None,
) -> Outcome:
    """Shows the verdict on the next start, what is at stake, why and what to type, then a line for each finding. With
    --verbose also eras, stores, sessions by kind and status, cron jobs, transcripts, locks and disk space, and every
    finding with its evidence. Exits 0 if it could examine the directory, whatever it found, unless --fail-on is
    given. Takes max-age and thresholds from a settings file (see check). Formats: text, json, ndjson, junit, github,
    prometheus, nagios, markdown, html (one page with charts)."""
    from gatewaydoctor.cli.gate.gating import open_gate, pass_through, settings_for
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.cli.shell.report_output import outside
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.report.screens import scan as screen

    only_formats(run, "scan", *FORMATS)
    settings = settings_for(run, GateOptions(fail_on, max_age=max_age, thresholds=threshold))
    depth = Depth(stuck_after=settings.max_age.value, verify=verify, hashed=run.wants_all)
    judgement = look(run, depth, settings.thresholds)
    seen = view(run, judgement.examination)
    path = outside(output, judgement.examination)
    gated = pass_through(open_gate(run, settings), judgement, seen.names, run)
    return Outcome(
        "scan",
        exit_code(judgement.examination) or gated.exit_code,
        run,
        judgement,
        seen.names,
        details=_charted(judgement) if run.options.format == "html" else {},
        screen=lambda console: screen.show(console, judgement, seen, _ahead(judgement)),
        gate=gated.info,
        output=path,
    )


def _forecast(judgement: Judgement) -> Forecast:
    from gatewaydoctor.checks.start.forecast import forecast
    from gatewaydoctor.checks.start.state import as_it_is

    return forecast(as_it_is(judgement.examination, judgement.verdict))


def _ahead(judgement: Judgement) -> str:
    """What the next start does, in a line; nothing where it may not come to that. It walks over all rows twice."""
    if judgement.verdict.start is not Start.YES:
        return ""
    from gatewaydoctor.report.screens.forecast import in_brief

    return in_brief(_forecast(judgement))


def _charted(judgement: Judgement) -> dict[str, Any]:
    from gatewaydoctor.cli.verbs.forecast import told

    return {"forecast": told(_forecast(judgement)), "growth": _growth(judgement)}


def _growth(judgement: Judgement) -> list[list[dict[str, Any]]]:
    """Sessions by the day they began, for each store in the order of the document."""
    from gatewaydoctor.examine.sessions.ages import days

    x = judgement.examination
    of_stores = [*(store.sessions for store in x.stores), *(each.sessions for each in x.databases)]
    found = [days(entry for _, entry in sessions.rows()) if sessions else () for sessions in of_stores]
    return [
        [{"startAtMs": day.start_at, "sessions": day.sessions, "bytes": day.bytes} for day in each] for each in found
    ]
