"""Hosts behind bad lines: what they fetch, do and say, and what they say that is not so."""

import base64
import functools
from datetime import timedelta
from typing import Any, Final, Protocol

import msgspec
from tests.respond.agent_host import AgentHost
from tests.respond.host_truth import Truth
from tests.respond.made_kernel import DEEDS, MEASURES
from tests.respond.simulated_host import SimulatedHost
from tests.respond.stage import KEY, Stage, host
from tests.respond.world import TENANT

from vedette.agent.door import Answer, Unreachable
from vedette.core import (
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    Conflict,
    NotFound,
    Record,
    Verb,
)
from vedette.seal import sign_command

__all__ = ["LIES", "TROUBLES", "AgentLine", "Fate", "Line", "SimulatedLine"]

S = ActionState
# What can happen to a poll of any host; `at` is the write at which an agent dies.
TROUBLES: Final = (
    *("once", "once", "twice", "lost", "late", "dies", "starts", "reboots"),
    *("replayed", "nonce", "nonce after a start", "expired", "misdirected", "wrong time"),
)
# What a host says that is not so; out of order is not a lie, but as bad.
LIES: Final = ("", "", "", "claims", "stretches", "gone", "anothers", "backwards", "bundle")


class Fate(Record, frozen=True, kw_only=True):
    """Of one poll: how the commands come, what is said that is not so, and what becomes of each word.

    That is taken, lost, or unheard: taken without the host hearing so.
    """

    how: str = "once"
    lie: str = ""
    told: tuple[str, ...] = ()
    at: int = 0


WELL: Final = Fate()
_QUARTER: Final = timedelta(minutes=15)


class Line(Protocol):
    """One host and its way to the server."""

    number: int
    liar: set[ActionId]

    def poll(self, fate: Fate = WELL) -> None: ...
    def pass_time(self) -> None: ...
    def mend(self) -> None: ...
    def in_force(self) -> set[ActionId]: ...
    def kinds_held(self) -> list[str]: ...
    def probed(self, action: ActionId) -> bool: ...


class _Way:
    """What the server gives this host and hears of it. A revoked one is given nothing and not heard."""

    def __init__(self, stage: Stage, number: int, truth: Truth) -> None:
        self.stage, self.number, self.truth = stage, number, truth
        self.liar: set[ActionId] = set()
        self.late: list[Command] = []

    @property
    def lead(self) -> timedelta:
        """Of the server's clock over the true one: a host learns it from a refused request."""
        return self.stage.clock.now() - self.truth.true_time

    def fetch(self, how: str) -> list[Command]:
        """What comes of a poll; `late`: what was given now comes with the next one."""
        if self.number in self.truth.revoked:
            return []
        given = self.stage.pending(self.number)
        for command in given:
            self.truth.handed(self.number, command)
        if how == "lost":
            return []
        before, self.late = self.late, given if how == "late" else []
        return before + ([] if how == "late" else given) * (2 if how == "twice" else 1)

    def hear(self, result: CommandResult) -> bool:
        """Whether the server takes it."""
        if self.number in self.truth.revoked:
            return False
        try:
            self.stage.answer(self.number, result)
        except NotFound:
            return False
        self.truth.said(self.number, result)
        return True


class SimulatedLine(_Way):
    """A host of tests.respond.simulated_host. It may lie."""

    def __init__(self, stage: Stage, number: int, truth: Truth) -> None:
        super().__init__(stage, number, truth)
        self.machine = SimulatedHost()
        self.unsaid: list[CommandResult] = []
        self.seen: list[Command] = []
        self.runs = True

    def poll(self, fate: Fate = WELL) -> None:
        if fate.how in {"starts", "reboots"}:
            self._start()
        if not self.runs:
            return
        self._fetch(fate.how)
        if fate.lie == "backwards":
            self.unsaid.reverse()
        elif fate.lie and self.runs:
            self._lie(fate.lie)
        self._tell(list(fate.told))

    def pass_time(self) -> None:
        """The kernel ends leases in any case; the agent goes on with graces only while it runs."""
        self.machine.expire(self.truth.true_time)
        if self.runs:
            self.unsaid += self.machine.tend(self.truth.true_time)

    def mend(self) -> None:
        self._start()

    def in_force(self) -> set[ActionId]:
        return set(self.machine.in_force)

    def kinds_held(self) -> list[str]:
        return self.machine.kinds_held()

    def probed(self, action: ActionId) -> bool:
        return self.machine.verified[action] > 0

    def _start(self) -> None:
        """The agent is started anew, alone or with its machine: a reboot ends no lease."""
        self.runs = True
        self.unsaid += self.machine.start_agent(self.truth.true_time)
        self.unsaid += self.machine.tend(self.truth.true_time)

    def _fetch(self, how: str) -> None:
        self.machine.ahead = self.lead + timedelta(hours=how == "wrong time")
        now = self.truth.true_time
        commands = self.fetch(how)
        if how == "replayed":
            commands = self.seen[-3:] + commands
        for command in commands:
            if how == "dies" and command is commands[-1]:
                self.machine.die_in(command, now)
                self.runs = False
            else:
                self.unsaid += self.machine.obey(command, now)
            self.seen.append(command)

    def _tell(self, fates: list[str]) -> None:
        """What is unsaid, in order."""
        while self.unsaid and self.runs:
            fate = fates.pop(0) if fates else "taken"
            if fate == "lost":
                return
            self.hear(self._with_bundle(self.unsaid[0]))
            if fate == "unheard":
                return
            self.unsaid.pop(0)

    def _with_bundle(self, result: CommandResult) -> CommandResult:
        """What a host says of evidence it says once that is delivered."""
        digest = result.data.get("digest")
        if digest is None or result.data.get("kept") is False:
            return result
        try:
            self.stage.deliver(self.number, result.command, digest)
        except (Conflict, NotFound) as error:
            return msgspec.structs.replace(result, state=S.FAILED, detail=error.detail, data={})
        self.truth.delivered.setdefault(result.command, digest)
        return result

    def _lie(self, how: str) -> None:
        """Of the last command that it was given, in the place of what is so; or of one that another was given."""
        told = self.truth.given_to_others(self.number) if how == "anothers" else self.seen
        if not told:
            return
        last = told[-1]
        self.liar.add(last.action)
        self.truth.reached[f"lied: {how}"] += 1
        until = self.stage.clock.now() + timedelta(days=10)
        probe: dict[str, Any] = {"probe": {"server": True}, "until": until.isoformat()}
        state, data = {
            "claims": (S.VERIFIED, {}),
            "stretches": (S.VERIFIED, probe),
            "gone": (S.RELEASED, {"restored": True}),
            "anothers": (S.VERIFIED, probe),
            "bundle": (S.VERIFIED, probe | {"digest": "sha256:none", "kept": False}),
        }[how]
        self.unsaid = [one for one in self.unsaid if one.command != last.id]
        self.unsaid.append(self._result(last.id, state, data))

    def _result(self, command: CommandId, state: ActionState, data: dict[str, Any]) -> Any:
        at = self.truth.true_time
        return CommandResult(command=command, state=state, at=at, data=data)


class AgentLine(_Way):
    """A host with the real agent, which never lies."""

    def __init__(self, stage: Stage, number: int, truth: Truth) -> None:
        super().__init__(stage, number, truth)
        self._fate, self._told = WELL, [""]
        self._brought: list[Command] = []
        self._granted: dict[ActionId, float] = {}

    @functools.cached_property
    def agent(self) -> AgentHost:
        """Made when it is first needed."""
        folder = self.stage.folder / f"agent-{self.number}"
        folder.mkdir()
        return AgentHost(folder, self.stage.clock, host(self.number), self, KEY.public)

    def poll(self, fate: Fate = WELL) -> None:
        if fate.how == "reboots":
            self.agent.boot()
        elif fate.how in {"starts", "nonce after a start"}:
            self.agent.restart()
        if fate.how == "dies" and self.agent.runs:
            self.agent.fuse.left = fate.at
        self._fate, self._told, self._brought = fate, list(fate.told), []
        before = self._begun()
        self.agent.step()
        self.agent.fuse.left = None
        for action in self._begun() - before:
            self.truth.begun_at_host(self.number, action, self._brought)
        self._check_switches()

    def pass_time(self) -> None:
        self.agent.tend()
        self._check_switches()

    def mend(self) -> None:
        """A dead agent is started; a machine that is under something is, so that this has to outlive a reboot."""
        if not self.agent.runs:
            self.agent.start()
        elif self.agent.kernel.held:
            self.agent.boot()
        self._check_switches()

    def in_force(self) -> set[ActionId]:
        return set(self.agent.kernel.in_force())

    def kinds_held(self) -> list[str]:
        return self.agent.kernel.kinds()

    def probed(self, action: ActionId) -> bool:
        return action in self.agent.kernel.probed

    def request(self, method: str, path: str, *, body: bytes = b"", **_: Any) -> Answer:
        """As the agent's door does."""
        if method == "GET":
            return self._commands()
        result = msgspec.json.decode(body, type=CommandResult)
        assert path == f"/v1/commands/{result.command}/result"
        fate = self._told.pop(0) if self._told else "taken"
        if fate == "lost":
            raise Unreachable("it was lost on its way")
        taken = self.hear(result)
        if fate == "unheard":
            raise Unreachable("the answer was lost on its way")
        return Answer(status=200 if taken else 404, body=b"{}")

    def _commands(self) -> Answer:
        how = self._fate.how
        if abs(self.lead.total_seconds() - self.agent.journal.offset) > 300:
            self.agent.journal.set_offset(self.lead.total_seconds())
        self._brought = self.fetch(how) + self._strange(how)
        if how == "lost":
            raise Unreachable("no network", reached=False)
        for one in self._brought:
            if one.verb in {Verb.APPLY, Verb.RENEW}:
                seconds = float(one.parameters.get("lease_seconds", 0.0))
                until = self.agent.kernel.seconds + seconds
                self._granted[one.action] = max(self._granted.get(one.action, 0.0), until)
        blobs = [base64.b64encode(sign_command(one, KEY)).decode() for one in self._brought]
        return Answer(status=200, body=msgspec.json.encode({"commands": blobs}))

    def _strange(self, how: str) -> list[Command]:
        """What no server should send: what it sent before, to this host or another; what is another's, or over; a nonce again."""
        if how == "replayed":
            mine = [one for number, one in self.truth.given if number == self.number]
            return mine[-3:] + self.truth.given_to_others(self.number)[-1:]
        now = self.stage.clock.now()
        if how == "expired":
            # By more than this host's clock may be off.
            return self._forged(issued_at=now - 4 * _QUARTER, expires_at=now - _QUARTER)
        if how == "misdirected":
            return self._forged(host=host(self.number + 1))
        if how.startswith("nonce"):
            known = self._begun()
            used = [one.nonce for _, one in self.truth.given if one.action in known]
            return self._forged(nonce=used[0]) if used else []
        return []

    def _forged(self, **wrong: Any) -> list[Command]:
        """Well signed, and of a kind that nothing stands in the way of but what is wrong with it."""
        kinds = self.agent.kernel.kinds()
        kind = next((one for one in (*MEASURES, *DEEDS) if one not in kinds), "")
        ident = f"forged-{self.number}-{self.stage.clock.monotonic()}"
        now = self.stage.clock.now()
        given: dict[str, Any] = {
            "host": host(self.number),
            "nonce": ident,
            "issued_at": now,
            "expires_at": now + _QUARTER,
        }
        made = Command(
            id=CommandId(ident),
            tenant=TENANT,
            action=ActionId(ident),
            kind=kind,
            verb=Verb.APPLY,
            parameters={"lease_seconds": 600.0, "grace_seconds": 60.0},
            dry_run=False,
            **(given | wrong),
        )
        self.truth.forged(made)
        return [made] if kind else []

    def _begun(self) -> set[ActionId]:
        return set(self.agent.kernel.begun)

    def _check_switches(self) -> None:
        """The agent may be dead from now on: the kernel ends all by itself, no later than the server asked for."""
        for action, until in self.agent.kernel.in_force().items():
            assert until <= self._granted[action] + 1.0, "a switch outlasts its lease"
