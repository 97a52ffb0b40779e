"""Carrying out a plan: refuse, keep, write next to, swap, look again, and only then let the old go.

The order of an apply (docs/architecture.md section 8). Until the first swap a failure leaves nothing behind and is a
refusal. From
then on a failure puts everything back. A crash leaves a journal that says what to do: `resume` or `undo`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Literal as OneOf

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.model.command import typed
from gatewaydoctor.model.repair.plan import Move, Plan, Transact
from gatewaydoctor.model.repair.receipt import Receipt, Result, RunState, Verified
from gatewaydoctor.model.repair.way_out import steps_of
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.drafting.origins import keep_origins
from gatewaydoctor.repair.run.acts import perform, performed, sync
from gatewaydoctor.repair.run.context import RunContext
from gatewaydoctor.repair.run.directory_times import directory_times, times_now, times_of_databases
from gatewaydoctor.repair.run.kept import keep_list
from gatewaydoctor.repair.run.originals import remove_leftovers
from gatewaydoctor.repair.run.putback import abandon, put_back_after, said
from gatewaydoctor.repair.run.returns import way_out
from gatewaydoctor.repair.run.staging import stage
from gatewaydoctor.repair.run.verify import second_look
from gatewaydoctor.repair.run.watch import Watch
from gatewaydoctor.repair.vault.catalog import check_alone, check_idle, find_run, interrupted_runs, own_mark
from gatewaydoctor.repair.vault.codec import encode
from gatewaydoctor.repair.vault.directory import (
    attributes_of,
    existing,
    narrowed,
    note,
    open_run,
    owner_for,
    refusal,
    remove_waiting,
    vault_root,
    work_place,
)
from gatewaydoctor.repair.vault.intake import Room, fill, growth, room_for
from gatewaydoctor.repair.vault.journal import Journal
from gatewaydoctor.repair.vault.layout import SETTLED
from gatewaydoctor.repair.writing.errors import LeftHalfway, Refused, RunPending, Stopped
from gatewaydoctor.repair.writing.guard import (
    check_bounds,
    check_gateway,
    check_space,
    check_unchanged,
    check_unused,
    check_writable,
    databases_of,
    full_disks,
    require_writable,
    target_of,
)
from gatewaydoctor.repair.writing.storelock import check_locks
from gatewaydoctor.repair.writing.stream import replace_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewaydoctor.model.gateway.liveness import GatewayState
    from gatewaydoctor.repair.run.staging import Staged
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Permission, Tools

MOVES_A_LINE = 500
"""Moves announced by one line of the journal: each can be repeated, and a sync for each would take longer than it."""


def apply(
    plan: Plan, tools: Tools, permission: Permission, vault: Path | None = None, work: Path | None = None
) -> Receipt | None:
    """Do exactly this plan. Databases are worked on in the directory `work`, or else in the vault. None where there
    is nothing to do. Raises Refused with nothing changed, PutBack or Stopped with everything put back,
    LeftHalfway where that failed."""
    if plan.empty:
        return None
    began = tools.clock()
    bounds = _check(plan, tools, permission, vault, work)
    return carry_out(_prepare(plan, tools, permission, bounds), permission, began)


def hindrance(
    plan: Plan, tools: Tools, permission: Permission, vault: Path | None = None, work: Path | None = None
) -> Refused | None:
    """Why this plan would be refused now before anything is written; None where it would not. Writes nothing. What a
    word of the operator helps against comes last."""
    try:
        _check(plan, tools, permission, vault, work)
    except Refused as error:
        if not error.by_word or permission.operator_says_stopped:
            return error
        return hindrance(plan, tools, replace(permission, operator_says_stopped=True), vault, work) or error
    return None


class _Bounds(Struct, frozen=True):
    """Where a run works: the state directory, the vault's root, the room there is, and the directory for private
    copies, None for the vault."""

    state_dir: Path
    root: Path
    room: Room
    work: Path | None


def _check(plan: Plan, tools: Tools, permission: Permission, vault: Path | None, work: Path | None) -> _Bounds:
    """Everything that can be asked before anything is written. Raises Refused."""
    check_gateway(permission.gateway, operator_says_stopped=permission.operator_says_stopped)
    state_dir = Path(plan.state_dir)
    check_bounds(tools.fs, plan, find_run(tools, state_dir, vault, plan.undoes).place.files if plan.undoes else None)
    root = vault_root(tools, state_dir, vault)
    _check_none_pending(tools, state_dir, root)
    check_unchanged(tools.fs, plan)
    check_locks(tools, plan, operator_says_stopped=permission.operator_says_stopped)
    check_unused(tools.processes, databases_of(plan))
    check_writable(tools.fs, plan, tools.processes.own_uid)
    work = work_place(tools, state_dir, work)
    for directory in (existing(tools.fs, root), *([work] if work else ())):
        require_writable(tools.fs, directory, "Run as a user who may, or name another directory.")
    room = room_for(tools, state_dir, root, plan, work)
    check_space(tools.fs, room.needs, _room_elsewhere(plan, vault, work))
    return _Bounds(state_dir, root, room, work)


def _check_none_pending(tools: Tools, state_dir: Path, vault: Path) -> None:
    """Raises RunPending where an earlier run left the directory between two states."""
    for run in interrupted_runs(tools.fs, tools.processes, state_dir, vault):
        check_idle(run)
        steps = steps_of(way_out(run, tools))
        commands = [run.place.command(*verb, options=options) for verb, options in steps.verbs]
        raise RunPending(f"Run {run.run_id} was interrupted.", steps.told(commands))


def _check_places(tools: Tools, place: RunPlace, plan: Plan, staged: Mapping[int, Staged]) -> None:
    """Each new database that waits in the vault fits where the old one is, which goes first. Raises NoSpace."""
    swapped = ((act, staged[number]) for number, act in enumerate(plan.acts) if isinstance(act, Transact))
    more = max((growth(act, plan, new.size) for act, new in swapped if new.aside), default=0)
    check_space(tools.fs, ((place.state_dir, more),), "Free that much there, then try again.", margin=0)


def _room_elsewhere(plan: Plan, vault: Path | None, work: Path | None) -> str:
    """What helps against a disk without room: what does not go to another one yet."""
    others = []
    if vault is None:
        others.append("--vault DIR for the originals")
    if work is None and any(isinstance(act, Transact) for act in plan.acts):
        others.append("--work-dir DIR for the copies that are edited")
    another = f", or use another disk: {', '.join(others)}" if others else ""
    if Repair.SPACE in plan.repairs:
        return f"Free space there{another}."
    return f"Free space there (`{typed('repair', Repair.SPACE)}` shows what can go){another}."


def _prepare(plan: Plan, tools: Tools, permission: Permission, bounds: _Bounds) -> RunContext:
    """Fill the vault and stage the new files, and see that no gateway has started meanwhile. On any failure nothing
    stays behind."""
    place: RunPlace | None = None
    state_dir, root, work = bounds.state_dir, bounds.root, bounds.work
    times = directory_times(tools, plan)
    try:
        place = replace(open_run(tools, state_dir, root, plan), work=work)
        told = narrowed(tools, root)
        journal = Journal(tools.fs, place.journal, tools.clock, owner_for(tools, state_dir, root))
        where = {} if work is None else {"work": str(work)}
        databases = times_of_databases(tools.fs, plan)
        journal.say(RunState.PREPARING, before=times, databases=databases, **own_mark(tools), **where)
        check_alone(tools, place, root)
        manifest = fill(tools, place, plan, root, times)
        journal.say(RunState.VAULTED)
        staged = stage(tools, place, plan, manifest, bounds.room.aside)
        _check_places(tools, place, plan, staged)
        keep_origins(tools, place, plan)
        check_gateway(permission.gateway, operator_says_stopped=permission.operator_says_stopped)
        check_unused(tools.processes, databases_of(plan))
        return RunContext(tools, place, plan, manifest, staged, journal, databases, told=told)
    except BaseException as error:
        full = full_disks(tools.fs, filter(None, (root, work, state_dir)), error)
        if place is not None:
            # What cannot be taken away now stays a run that was interrupted before it changed anything.
            with suppress(OSError):
                abandon(tools, place, plan, times)
        if isinstance(error, OSError):
            what = "Nothing was changed: could not fill the vault and make the new files"
            raise refusal(error, what, full) from error
        if isinstance(error, KeyboardInterrupt):
            raise Stopped("Stopped; nothing was changed.", "Run the same command to start again.") from None
        raise


def carry_out(context: RunContext, permission: Permission, began: int | None = None) -> Receipt:
    """Perform every act not yet performed, look again, and finish. Can be repeated after a crash at any point.
    `began` is when the originals began to be kept (epoch ms), None where that was done before."""
    context = replace(context, operator_says_stopped=permission.operator_says_stopped)
    watch = Watch(permission, context.tools.clock)
    try:
        started, gateway = context.tools.clock() if began is None else began, permission.gateway
        new = {str(number): [each.sha256, each.size, each.dev, each.ino] for number, each in context.staged.items()}
        aside = [number for number, each in context.staged.items() if each.aside]
        context.journal.say(RunState.ACTING, new=new, aside=aside, **own_mark(context.tools))
        for group in _groups(context.plan):
            context.journal.say(RunState.ACTING, acts=[group[0], group[-1]])
            for number in group:
                if not performed(context, number):
                    context.tools.check_stop()
                    watch.check(often=number != group[0])
                    perform(context, number)
            sync(context, group)
        return _finish(context, permission, gateway, started)
    except LeftHalfway:
        raise
    except BaseException as error:
        put_back_after(context, error)


def _groups(plan: Plan) -> Iterator[range]:
    """Consecutive acts announced together: a rewrite alone, moves by the hundred."""
    start, count = 0, len(plan.acts)
    while start < count:
        stop = start + 1
        while stop < min(count, start + MOVES_A_LINE) and _both_move(plan, start, stop):
            stop += 1
        yield range(start, stop)
        start = stop


def _both_move(plan: Plan, one: int, other: int) -> bool:
    return isinstance(plan.acts[one], Move) and isinstance(plan.acts[other], Move)


def _finish(context: RunContext, permission: Permission, gateway: GatewayState, started: int) -> Receipt:
    """Second look, receipt, tidying. A gateway that appeared after the last rename undoes nothing: it has read what
    the run wrote, and the receipt tells of it."""
    context.tools.fs.fsync_dir(context.place.files)
    verified = (*((told, Verified.OTHER) for told in context.told), *second_look(context))
    keep_list(context)
    afterwards = permission.gateway
    receipt = Receipt(
        run_id=context.place.run_id,
        plan_id=context.plan.plan_id,
        state_dir=str(context.place.state_dir),
        vault=str(context.place.directory),
        outcome="done",
        started_at=started,
        finished_at=context.tools.clock(),
        steps=context.plan.steps,
        results=tuple(_result(context, number) for number in range(len(context.plan.acts))),
        verified=tuple(sentence for sentence, _ in verified),
        verified_of=tuple(about for _, about in verified),
        evidence=tuple(each.text for each in gateway.evidence),
        gateway_stopped_by_word=context.operator_says_stopped,
        fixed_clock=permission.fixed_clock,
        gateway_afterwards=afterwards.liveness.value,
        evidence_afterwards=tuple(each.text for each in afterwards.evidence if each.says is afterwards.liveness),
        cautions=context.plan.cautions,
        undo=str(typed("undo", context.place.run_id)),
    )
    _write_receipt(context, receipt)
    context.journal.say(RunState.APPLIED)
    _close(context)
    return receipt


def _close(context: RunContext) -> None:
    """The displaced originals go last: with them the way back needs no room. Once they begin to go nothing is taken
    back: raises LeftHalfway where the run cannot be closed."""
    numbers = range(len(context.plan.acts))
    try:
        for number in numbers:
            remove_leftovers(context, number)
        # Before the run is over: a power cut would restore what no command names any more.
        sync(context, numbers)
        remove_waiting(context.tools.fs, context.place)
        context.journal.say(RunState.DONE, directories=times_now(context))
    except OSError as error:
        place = context.place
        raise LeftHalfway(
            f"The repair is done and checked, but run {place.run_id} could not be closed. {said(error)}",
            f"`{place.command('repair', '--resume')}` closes it once the cause is gone.",
            place.run_id,
        ) from error
    with suppress(OSError):
        note(context.tools, context.place, SETTLED)


def _result(context: RunContext, number: int) -> Result:
    target = target_of(context.plan.acts[number], context.plan)
    kept, staged = context.manifest.items[number], context.staged.get(number)
    if kept is not None and staged is None:
        return Result(target=target, action="vaulted", bytes=kept.size, sha256=kept.sha256)
    assert staged is not None
    action: OneOf["rewritten", "created"] = "created" if kept is None else "rewritten"
    return Result(target=target, action=action, bytes=staged.size, sha256=staged.sha256)


def _write_receipt(context: RunContext, receipt: Receipt) -> None:
    owner = owner_for(context.tools, context.place.state_dir, context.place.directory)
    replace_whole(context.tools.fs, context.place.receipt, encode(receipt), attributes_of(owner))
