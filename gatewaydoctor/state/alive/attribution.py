"""Which running OpenClaw processes work on this state directory, and which on another one (gateway.md section 6).

Only OpenClaw itself and JavaScript runtimes are asked about. A shell, editor, pager or grep that has the directory in
its arguments or environment is not a gateway: an exported variable is in everything started from that shell. Own
parents that are runtimes (npx, a process manager) are left out too, but an OpenClaw among them counts: an agent may
run this tool from inside the very gateway in question.

Every source is asked about every candidate (`signs`). A directory that is used proves life; one that is named counts
unless another source names a different one: then it is unknown.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from gatewaydoctor.state.alive.programs import is_openclaw, is_runtime, is_worker
from gatewaydoctor.state.alive.signs import Owner, Sign, SignReader, Weight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatewaydoctor.model.gateway.liveness import LockPayload
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.system.fs import ReadFs
    from gatewaydoctor.system.processes import Processes, ProcessInfo

_OTHERS_MAY_WRITE = 0o022


class Claim(Struct, frozen=True):
    """What is known of one process. `sure` is False where only the default directory of its home tells. A `worker`
    is a helper of the gateway that started it."""

    pid: int
    parent: int
    owner: Owner
    text: str
    sure: bool = True
    worker: bool = False


class Attribution(Struct, dict=True):
    """`held` has the payloads of gateway locks by the pid of their live owner. `holders` are the pids whose lock is
    that of this directory or its config."""

    fs: ReadFs
    place: Place
    processes: Processes
    held: Mapping[int, tuple[LockPayload, ...]] = field(default_factory=dict)
    holders: frozenset[int] = frozenset()

    @cached_property
    def owners(self) -> tuple[Claim, ...]:
        """A claim for each process that may be a gateway, by pid. Raises OSError without a process table."""
        openclaw: dict[int, Claim] = {}
        others: list[Claim] = []
        for pid, argv in self.processes.command_lines():
            if argv is None or pid == self.processes.own_pid:
                continue
            if is_openclaw(argv) or pid in self.held:
                if claim := self._openclaw(pid, argv):
                    openclaw[pid] = claim
            elif self._is_runtime(pid, argv) and pid not in self._ancestors and (claim := self._runtime(pid)):
                others.append(claim)
        return tuple(sorted([*self._by_family(openclaw), *others], key=lambda claim: claim.pid))

    @cached_property
    def reader(self) -> SignReader:
        return SignReader(self.fs, self.place, self.processes, self.held, self.holders)

    def _is_runtime(self, pid: int, argv: Sequence[str]) -> bool:
        return is_runtime(argv) or is_runtime((self.processes.executable(pid) or "",))

    def _openclaw(self, pid: int, argv: Sequence[str]) -> Claim | None:
        info = self._running(pid)
        if info is None:
            return None
        deciding = _decided(self.reader.signs(info, argv))
        if deciding.owner is Owner.CANNOT_TELL:
            if self._running(pid) is None:
                return None  # it ended while it was asked about
            if not self._may_write_here(info, root_too=True):
                deciding = Sign(Owner.OTHER, Weight.NAMED, "may not write here")
        name = argv[0].split(" ", 1)[0].rpartition("/")[2][:40]
        text = f"Process {pid} ({name}) {deciding.text}."
        return Claim(pid, info.parent, deciding.owner, text, deciding.weight is not Weight.DEFAULT, is_worker(argv))

    def _runtime(self, pid: int) -> Claim | None:
        """A runtime that is not known to be OpenClaw is worth a word only if it touches this directory. Its home and
        a working directory below this one tell nothing: agents start servers in their workspaces."""
        info = self._running(pid)
        if info is None:
            return None
        signs = self.reader.signs(info, ())
        ours = [sign for sign in signs if sign.owner is Owner.OURS and sign.weight >= Weight.NAMED]
        unasked = [sign for sign in signs if sign.owner is Owner.CANNOT_TELL and sign.weight is Weight.NAMED]
        found = max((*ours, *unasked[:1]), key=lambda sign: sign.weight, default=None)
        if found is None or self._running(pid) is None:
            return None
        if found.owner is Owner.CANNOT_TELL and not self._may_write_here(info, root_too=False):
            return None
        owner = Owner.OURS if found.weight is Weight.PROOF else Owner.CANNOT_TELL
        return Claim(pid, info.parent, owner, f"Process {pid} is a JavaScript runtime that {found.text}.")

    def _running(self, pid: int) -> ProcessInfo | None:
        info = self.processes.info(pid)
        return None if info is None or info.zombie else info

    def _may_write_here(self, info: ProcessInfo, *, root_too: bool) -> bool:
        """A gateway must be able to write its state directory."""
        if info.uid == self.place.owner or (root_too and info.uid == 0):
            return True
        try:
            return bool(self.fs.stat(self.place.real_dir).mode & _OTHERS_MAY_WRITE)
        except OSError:
            return True

    @cached_property
    def _ancestors(self) -> frozenset[int]:
        found: set[int] = set()
        pid = self.processes.own_pid
        while (info := self.processes.info(pid)) and info.parent > 0 and info.parent not in found:
            pid = info.parent
            found.add(pid)
        return frozenset(found)

    def _by_family(self, claims: Mapping[int, Claim]) -> list[Claim]:
        """What a process is not sure of, others of its family may tell. Where one is sure to work here, all count. A
        launcher works where the gateway that it started works: it is the direct parent, and holds no lock itself. A
        child of a gateway elsewhere is probably its helper, but agents start other gateways too."""
        return [claim if claim.sure else self._by_relatives(claim, claims) for claim in claims.values()]

    def _by_relatives(self, claim: Claim, claims: Mapping[int, Claim]) -> Claim:
        root = _line(claim, claims)[-1]
        family = [each for each in claims.values() if _line(each, claims)[-1] is root and each.sure]
        if any(each.owner is Owner.OURS for each in family):
            return replace(claim, owner=Owner.OURS)
        started = [each for each in family if each.owner is Owner.OTHER and each.parent == claim.pid]
        if started and not self.reader.holds_lock(claim.pid):
            return replace(claim, owner=Owner.OTHER)
        if claim.worker and _works_elsewhere(_line(claim, claims)[1:]):
            return replace(claim, owner=Owner.OTHER)
        above = [each for each in _line(claim, claims)[1:] if each.sure and each.owner is Owner.OTHER]
        if above and claim.owner is Owner.OURS:
            text = f"{claim.text[:-1]}, but was started by process {above[0].pid} of another one."
            return replace(claim, owner=Owner.CANNOT_TELL, text=text)
        return claim


def _works_elsewhere(above: Sequence[Claim]) -> bool:
    """Whether the gateway that a worker belongs to, perhaps through another worker, is sure to work elsewhere."""
    gateway = next((each for each in above if each.sure or not each.worker), None)
    return gateway is not None and gateway.sure and gateway.owner is Owner.OTHER


def _line(claim: Claim, claims: Mapping[int, Claim]) -> list[Claim]:
    """The claim, that of its parent, and so on."""
    line = [claim]
    while (parent := claims.get(line[-1].parent)) and parent not in line:
        line.append(parent)
    return line


def _decided(signs: Sequence[Sign]) -> Sign:
    """What the sources say together: the first of the signs that decide."""
    if proof := [sign for sign in signs if sign.weight is Weight.PROOF]:
        return proof[0]
    by_owner = {owner: [sign for sign in signs if sign.owner is owner] for owner in Owner}
    ours, others = by_owner[Owner.OURS], by_owner[Owner.OTHER]
    named = [sign for sign in ours if sign.weight is Weight.NAMED]
    named_others = [sign for sign in others if sign.weight is Weight.NAMED]
    if named and not named_others:
        return named[0]
    if named and named_others:
        return Sign(Owner.CANNOT_TELL, Weight.NAMED, f"{named[0].text}, and {named_others[0].text}")
    if unasked := [sign for sign in by_owner[Owner.CANNOT_TELL] if sign.weight is not Weight.DEFAULT]:
        return max(unasked, key=lambda sign: (sign.weight, "inspected" in sign.text))
    default = [sign for sign in ours if sign.weight is Weight.DEFAULT]
    hints = [sign for sign in ours if sign.weight is Weight.HINT]
    if hints and not default:
        return Sign(Owner.CANNOT_TELL, Weight.NAMED, f"{hints[0].text}, and {others[0].text}")
    return next(iter((*named_others, *default, *by_owner[Owner.CANNOT_TELL], *others)))
