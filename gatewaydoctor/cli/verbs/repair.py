"""`repair`: the plan, and doing exactly that plan."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import to_builtins
from msgspec.structs import replace

from gatewaydoctor.cli.shell.output import PRIVATE, places_of, target, write
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.shell.writing import (
    GatewayStopped,
    Vault,
    WorkDir,
    WriteSession,
    Yes,
    before_writing,
    cap,
    confirm,
    no_directory,
    person_confirms,
    require_own_clock,
    write_session,
)
from gatewaydoctor.cli.verbs.repair_options import (
    Apply,
    Disable,
    Drop,
    Enable,
    EndAs,
    JobOption,
    KeepPerJob,
    KindOption,
    MaxEntries,
    Name,
    OlderThan,
    Park,
    PlanFile,
    PlanOut,
    RepairNames,
    Resume,
    Retrying,
    StatusOption,
    Transcripts,
    Unpark,
    end_status,
    goes_to_vault,
    kept_per_job,
    repairs_named,
)
from gatewaydoctor.cli.words.choices import chosen_words, job_ids
from gatewaydoctor.cli.words.durations import parse_span
from gatewaydoctor.model.command import Command
from gatewaydoctor.model.errors import DoctorError, ExitCode, UsageError
from gatewaydoctor.model.gateway.entry import DISPOSABLE, DISPOSABLE_WHEN_NAMED, Kind, Status
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.model.words import plural, size
from gatewaydoctor.repair.drafting.options import CronOptions, Options, Repair, TrimOptions
from gatewaydoctor.repair.writing.errors import BadPlan, FixedClock, NoSpace, Refused
from gatewaydoctor.state.history.pathmap import parse_path_map

if TYPE_CHECKING:
    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.repair.plan import Plan, Refusal
    from gatewaydoctor.model.repair.receipt import Receipt
    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.report.names import Names


CLOCK_SLACK_MS = 5 * 60_000
"""A plan from a machine whose clock is ahead by less is taken as made now."""


def repair(
    run: Run,
    *,
    repairs: RepairNames = None,
    apply: Apply = False,
    yes: Yes = False,
    plan: PlanFile = None,
    plan_out: PlanOut = None,
    resume: Resume = None,
    vault: Vault = None,
    work_dir: WorkDir = None,
    gateway_stopped: GatewayStopped = False,
    name: Name = None,
    kind: KindOption = None,
    status: StatusOption = None,
    job: JobOption = None,
    older_than: OlderThan = None,
    keep_per_job: KeepPerJob = "1",
    max_entries: MaxEntries = None,
    transcripts: Transcripts = "vault",
    end_as: EndAs = "failed",
    disable: Disable = None,
    enable: Enable = None,
    park: Park = None,
    unpark: Unpark = None,
    drop: Drop = None,
    retrying: Retrying = None,
) -> Outcome:
    """Shows what would go, what would stay, which conversations change, and what the next start would do. With
    --apply it does exactly that, keeps every original in the vault, verifies the result, and shows how to undo it."""
    only_formats(run, "repair", "text", "json")
    if plan_out is not None and run.options.redact:
        raise UsageError(
            "--plan-out: a plan without its names could not be applied.",
            "To share it: `gatewaydoctor repair --json --redact`.",
        )
    if apply or resume is not None:
        require_own_clock(run)
    chosen = repairs_named(repairs)
    with write_session(run, vault=vault, gateway_stopped=gateway_stopped, work_dir=work_dir) as work:
        if resume is not None:
            return _resume(run, work, resume, yes=yes)
        if plan is not None:
            if not apply or repairs:
                raise UsageError(
                    "--plan FILE needs --apply and takes no repair names.",
                    "Run `gatewaydoctor repair --apply --plan FILE`.",
                )
            return _apply_saved(run, work, Path(plan), yes=yes)
        span = parse_span(older_than, "--older-than") if older_than else None
        removable = DISPOSABLE | DISPOSABLE_WHEN_NAMED
        kinds = chosen_words(Kind, kind, "--kind", removable)
        if protected := kinds - removable:
            words = ", ".join(sorted(protected))
            raise UsageError(
                f"--kind {words}: trim never removes conversations by kind.",
                "Remove a single one with --name KEY.",
            )
        if max_entries is not None and max_entries < 0:
            raise UsageError(f"--max-entries {max_entries} is not a count.", "Use 0 or more.")
        options = Options(
            TrimOptions(
                kinds,
                span,
                kept_per_job(keep_per_job),
                max_entries,
                chosen_words(Status, status, "--status"),
                job_ids(run, work.found, job) if job else frozenset(),
                goes_to_vault(transcripts),
            ),
            frozenset(name or ()),
            end_status(end_as),
            span,
            tuple(parse_path_map(text, str(Path.cwd())) for text in run.options.path_map),
            _cron(repairs, disable, enable, park, unpark, drop),
            disable_retrying=person_confirms(yes=yes) if retrying is None else retrying,
        )
        return plan_or_apply(run, work, chosen, options, apply=apply, yes=yes, out=plan_out)


repair.__doc__ = f"{repair.__doc__} Repairs: {', '.join(Repair)}."


def _cron(repairs: list[str] | None, *jobs: list[str] | None) -> CronOptions:
    """The jobs named for --disable, --enable, --park, --unpark and --drop. Raises UsageError for a job under two of
    them, and where the repair was not named: these options do nothing else."""
    named = [frozenset(words or ()) for words in jobs]
    if any(named) and repairs != [Repair.CRON.value]:
        raise UsageError(
            "--disable, --enable, --park, --unpark and --drop go with the repair cron.",
            "Try `gatewaydoctor repair cron --disable JOB`.",
        )
    twice = sorted({word for words in named for word in words if sum(word in each for each in named) > 1})
    if twice:
        raise UsageError(f"{twice[0]!r} is named for two things at once.", "Name a job with one option.")
    return CronOptions(*named)


def plan_or_apply(
    run: Run,
    work: WriteSession,
    repairs: tuple[Repair, ...],
    options: Options,
    *,
    apply: bool,
    yes: bool,
    out: str | None,
) -> Outcome:
    """The plan of these repairs; with `apply` what came of it."""
    from gatewaydoctor.cli.shell.examining import exit_code, look, view
    from gatewaydoctor.model.outcome.report import ErrorInfo
    from gatewaydoctor.repair.drafting.origins import planned_origins
    from gatewaydoctor.repair.planner.build import build_plan
    from gatewaydoctor.repair.run.apply import hindrance
    from gatewaydoctor.repair.vault.codec import encode
    from gatewaydoctor.report.screens import repair as screens

    judgement = look(run)
    _require_known(work, judgement.examination, repairs, options)
    made = build_plan(judgement.examination, judgement.findings, repairs, options, work.tools.fs, work.tools.progress)
    seen = view(run, judgement.examination)
    if out is not None:
        path = target(out, "--plan-out", places_of(judgement.examination))
        write(path, encode(made).decode(), PRIVATE)
    if apply and Repair.SPACE in repairs:
        _require_other_disk(work)
    before = None if apply else hindrance(made, work.tools, work.permission, work.vault, work.work_dir)
    again = None if apply else _again(run, work, repairs, out, asserted=before is not None and before.by_word)
    sources = planned_origins(work.tools.fs, made, cap(run))
    show = partial(
        screens.plan, plan=made, judgement=judgement, view=seen, again=again, sources=sources, hindrance=before
    )
    if apply and (refused := _refused(made, repairs)):
        first = refused[0]
        raise Refused(
            f"Did not apply: {first.target}: {first.reason}",
            first.hint or "Run it without --apply to see the plan.",
        )
    if yes and not apply:
        from gatewaydoctor.report.printer import print_warning

        print_warning("this is a dry run: --yes without --apply writes nothing.")
    if not apply or made.empty:
        details = {"plan": to_builtins(made), "receipt": None, "provenance": [each.as_json() for each in sources]}
        if before is not None:
            details["hindrance"] = to_builtins(ErrorInfo(code=before.code, message=before.message, hint=before.hint))
        code = exit_code(judgement.examination) if made.empty else ExitCode.OK
        step = NextStep(command=again, why=screens.applying(before)) if again and not made.empty else None
        if made.empty:
            step = screens.step_without_acts(made, judgement, seen)
        return Outcome("repair", code, run, judgement, seen.names, details=details, screen=show, next=step)
    before_writing(run, made, seen, show, yes=yes)
    return carry_out(run, work, made, yes=yes, names=seen.names)


def _require_other_disk(work: WriteSession) -> None:
    """Raises NoSpace where the vault is on the disk that is to get room."""
    from gatewaydoctor.repair.vault.directory import existing, vault_root

    fs = work.tools.fs
    vault = existing(fs, vault_root(work.tools, work.state_dir, work.vault))
    if fs.stat(vault).dev == fs.stat(work.state_dir).dev:
        free = fs.space(work.state_dir).available
        raise NoSpace(
            f"The vault is on the disk of {work.state_dir} ({size(free)} free): moving files there frees nothing.",
            "Name a vault on another disk: --vault DIR.",
        )


def _refused(plan: Plan, asked: tuple[Repair, ...]) -> list[Refusal]:
    """What makes the whole plan refused: a repair that was named does nothing but refuse, or none was named and
    nothing can be done. What else is in the plan does not matter."""
    if not asked:
        return list(plan.refusals) if plan.empty else []
    does = {step.repair for step in plan.steps}
    # A move to the vault is refused for whichever repair wanted it: with nothing else to do, for one that was named.
    about = {*asked, "all"} | ({"vault"} if plan.empty else set())
    return [each for each in plan.refusals if each.repair in about - does]


def _require_known(work: WriteSession, x: Examination, repairs: tuple[Repair, ...], options: Options) -> None:
    """Raises UsageError where nothing at all is called what was named."""
    from gatewaydoctor.repair.drafting.named import require_parkable, unknown_jobs, unknown_names
    from gatewaydoctor.repair.repairs.cron.choice import jobs_of, require_known

    if x.cron.store.reason is None:
        require_known(jobs_of(x), options.cron)
    require_parkable(work.tools.fs, x, repairs, options.names)
    parks = {Repair.PARK, Repair.UNPARK} & {*repairs}
    if options.names and not parks and unknown_names(x, options.names) == options.names:
        raise UsageError(
            "--name: no session key and no file here is called so.",
            "`gatewaydoctor sessions` lists keys, `gatewaydoctor orphans` lists files.",
        )
    if options.trim.jobs and unknown_jobs(x, options.trim.jobs) == options.trim.jobs:
        raise UsageError(
            "--job: no cron job and no row here has this id or name.", "`gatewaydoctor cron` lists the jobs."
        )


def _again(run: Run, work: WriteSession, repairs: tuple[Repair, ...], out: str | None, *, asserted: bool) -> Command:
    """The command that does the plan just shown: the saved one where it was saved, else what was typed, and
    --apply. `asserted`: it is refused without --gateway-stopped, which has not been typed."""
    word = ("--gateway-stopped",) * (asserted or work.permission.operator_says_stopped)
    if out is not None:
        words = ["repair", "--apply", "--plan", out]
        if work.vault is not None:
            words += ["--vault", str(work.vault)]
        if work.work_dir is not None:
            words += ["--work-dir", str(work.work_dir)]
        return run.invocation.command(*words, *word)
    if run.options.redact:
        return run.invocation.command("repair", *(each.value for each in repairs), "--apply", *word)
    return Command((*run.typed[1:], "--apply", *(word if asserted else ())), run.invocation.program, placed=True)


def _apply_saved(run: Run, work: WriteSession, path: Path, *, yes: bool) -> Outcome:
    from gatewaydoctor.cli.shell.examining import view_with
    from gatewaydoctor.repair.vault.codec import read_plan
    from gatewaydoctor.report.document import names_of_place
    from gatewaydoctor.report.screens import repair as screens
    from gatewaydoctor.report.screens.blocks.parts import moment

    plan = read_plan(work.tools.fs, work.tools.fs.realpath(path))
    if Path(plan.state_dir) != work.state_dir:
        hint = f"Pass that directory: --state-dir {plan.state_dir}"
        raise BadPlan(f"The plan is for {plan.state_dir}, not for {work.state_dir}.", hint)
    if plan.created_at > run.clock.machine + CLOCK_SLACK_MS and not run.clock.fixed:
        raise FixedClock(
            f"The plan was made for {moment(plan.created_at)} UTC, which is after this machine's clock.",
            "Make a new plan, or apply this one by its own clock: --now TIME.",
        )
    names = names_of_place(work.found.place, redact=run.options.redact)
    seen = view_with(run, names, 40)
    if not plan.empty:
        before_writing(run, plan, seen, partial(screens.approved, plan=plan, view=seen), yes=yes)
    return carry_out(run, work, plan, yes=yes, names=names)


def carry_out(
    run: Run,
    work: WriteSession,
    plan: Plan,
    *,
    yes: bool,
    names: Names,
    takes_back: RunInfo | None = None,
) -> Outcome:
    """Ask, apply, and report. `takes_back` is the run whose missing files the plan restores; one that was
    interrupted is ended first. Raises what `apply` raises, and Refused where the plan is not confirmed."""
    from gatewaydoctor.cli.shell.examining import view_with
    from gatewaydoctor.repair.run.apply import apply
    from gatewaydoctor.repair.run.merge_run import merge
    from gatewaydoctor.report.screens.runs import ended

    ends = takes_back is not None and takes_back.pending
    if not plan.empty or ends:
        confirm(f"Apply this plan ({_extent(plan)})?", yes=yes)
    with work.stoppable() as tools:
        if takes_back is None:
            receipt = apply(plan, tools, work.permission, work.vault, work.work_dir)
        else:
            plan, receipt = merge(takes_back, plan, tools, work.permission, work.vault)
    told = _told(run, work, plan, receipt, names)
    if receipt is None and takes_back is not None and ends:
        return replace(told, screen=partial(ended, run_id=takes_back.run_id, view=view_with(run, names, 40)))
    return told


def _extent(plan: Plan) -> str:
    """How much a yes does: rows and files as the steps count them, in how many places."""
    return f"{plural(sum(step.count for step in plan.steps), 'change')} in {plural(len(plan.acts), 'file')}"


def _resume(run: Run, work: WriteSession, asked: str, *, yes: bool) -> Outcome:
    from gatewaydoctor.repair.run.undo import check_resume, resume
    from gatewaydoctor.repair.vault.catalog import find_run
    from gatewaydoctor.report.document import names_of_place

    no_directory(asked, "a run")
    found = find_run(work.tools, work.state_dir, work.vault, asked)
    check_resume(found, work.permission)
    confirm(f"Finish the interrupted run {found.run_id}?", yes=yes)
    with work.stoppable() as tools:
        receipt = resume(found, tools, work.permission)
    return _told(run, work, None, receipt, names_of_place(work.found.place, redact=run.options.redact))


def _told(run: Run, work: WriteSession, plan: Plan | None, receipt: Receipt | None, names: Names) -> Outcome:
    from gatewaydoctor.cli.shell.examining import view_with
    from gatewaydoctor.repair.drafting.origins import kept_origins
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.report.screens import receipt as screens

    place = RunPlace(Path(receipt.vault), work.state_dir) if receipt else None
    sources = kept_origins(work.tools.fs, place, cap(run)) if place else ()
    details = {
        "plan": to_builtins(plan),
        "receipt": to_builtins(receipt),
        "provenance": [each.as_json() for each in sources],
    }
    undo = run.invocation.command("undo", *([receipt.run_id] if receipt else []))
    whole = replace(run, options=replace(run.options, agent=None))
    seen = view_with(whole, names, 40)
    now = _found_afterwards(whole) if receipt else None
    screen = partial(screens.receipt, receipt=receipt, view=seen, undo=undo, plan=plan, now=now, sources=sources)
    wrote = receipt is not None
    step = screens.step_after(receipt, plan, seen, now)
    return Outcome("repair", ExitCode.OK, run, names=names, details=details, screen=screen, wrote=wrote, next=step)


def _found_afterwards(run: Run) -> Judgement | None:
    """What a scan after the run finds, of every agent: a start takes them all. None where it fails or is interrupted.
    The run is done, whatever becomes of it."""
    from gatewaydoctor.cli.shell.examining import look

    try:
        return look(run)
    except (DoctorError, OSError, KeyboardInterrupt):
        return None
