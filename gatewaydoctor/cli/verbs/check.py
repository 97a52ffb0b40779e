"""`check`: the gate."""

from __future__ import annotations

from typing import Annotated

from gatewaydoctor.cli.gate.settings import FAIL_WORDS, GateOptions, MaxAge, ThresholdOption
from gatewaydoctor.cli.parser.parameters import option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.report.formats.formats import FORMATS

FailOn = Annotated[
    str | None,
    option(
        "--fail-on",
        metavar="SEVERITY",
        help=f"Fail on findings of this severity or worse: {', '.join(FAIL_WORDS)}. "
        "[default: error; with --format nagios warning]",
    ),
]
Only = Annotated[
    list[str] | None, option("--only", metavar="RULE", help="Check only these rules; globs, repeatable.")
]
Skip = Annotated[list[str] | None, option("--skip", metavar="RULE", help="Leave these rules out; globs, repeatable.")]
BaselineFile = Annotated[
    str | None,
    option("--baseline", metavar="FILE", help="Findings in this file do not fail until they grow or worsen."),
]
WriteBaseline = Annotated[
    bool, option("--write-baseline", help="Write what is found now to the baseline file, and pass.")
]
Output = Annotated[
    str | None,
    option("--output", metavar="FILE", help="Write the output to FILE atomically."),
]
Verify = Annotated[bool, option("--verify", help="Also verify every -wal checksum and index entry of databases.")]


def check(
    run: Run,
    *,
    fail_on: FailOn = None,
    only: Only = None,
    skip: Skip = None,
    baseline: BaselineFile = None,
    write_baseline: WriteBaseline = False,
    max_age: MaxAge = None,
    threshold: ThresholdOption = None,
    verify: Verify = False,
    output: Output = None,
) -> Outcome:
    """Makes one decision from the findings of `scan`: exit 0 if nothing fails, 1 if something does, 2 if it could not
    scan. Settings come from the command line, else from gatewaydoctor.toml or [tool.gatewaydoctor] of pyproject.toml
    in the working directory; --verbose shows the source of each. A finding in the baseline fails again if its count
    grew by more than a tenth, or it became worse. Formats: text, json, ndjson, junit, github, prometheus, nagios,
    markdown, html; nagios has the exit codes 0 to 3 of its own."""
    from gatewaydoctor.cli.gate.gating import open_gate, pass_through, settings_for
    from gatewaydoctor.cli.shell.examining import exit_code, look
    from gatewaydoctor.cli.shell.report_output import outside
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.report.document import names_for

    only_formats(run, "check", *FORMATS)
    options = GateOptions(fail_on, only, skip, baseline, max_age, threshold)
    settings = settings_for(run, options, gate=True)
    gate = open_gate(run, settings, write=write_baseline)
    depth = Depth(stuck_after=settings.max_age.value, verify=verify, hashed=run.wants_all)
    judgement = look(run, depth, settings.thresholds)
    names = names_for(judgement.examination, redact=run.options.redact)
    path = outside(output, judgement.examination)
    gated = pass_through(gate, judgement, names, run)
    return Outcome(
        "check",
        exit_code(judgement.examination) or gated.exit_code,
        run,
        gated.judgement,
        names,
        gate=gated.info,
        output=path,
    )
