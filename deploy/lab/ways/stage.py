"""What a way has in its hands: phones, callers, the PBX's own tools, and what the PBX says."""

import asyncio
import contextlib
from collections.abc import Sequence
from urllib.parse import quote

from lab.ami import Ami, Headers
from lab.asterisk import Asterisk
from lab.errors import LabError
from lab.phones import Caller, Dialog, Phone
from lab.script import Answer, Obey, Step, Talk

ON_CUE: tuple[Step, ...] = (Answer(0.3), Obey())
"""What every phone does unless a way says otherwise: answer, and do what it is told."""

TALK = 1.2
"""Seconds that people talk, at least, before something happens."""


class Stage:
    """One PBX while one way is played on it.

    ``watch`` is a session of the user that ships to operators: it heard everything since the way
    began. ``operator`` is one that may act.
    """

    def __init__(self, pbx: Asterisk, watch: Ami, operator: Ami) -> None:
        self.pbx = pbx
        self.watch = watch
        self.operator = operator
        self.callers: list[Caller] = []
        self.callbacks = 0
        self.attempts = 0
        self._members: list[tuple[str, str]] = []

    # Before the call -----------------------------------------------------------------------

    async def members(self, queue: str, *interfaces: str, **more: str) -> None:
        """Log in to a queue: extensions, or interfaces (with a slash); ``more`` as in QueueAdd."""
        for interface in interfaces:
            headers = {"Queue": queue, "Interface": interface, **more}
            if "/" not in interface:
                headers["Interface"] = f"PJSIP/{interface}"
                headers["MemberName"] = self.pbx.plan.agent(interface).name
            await self.operator.action("QueueAdd", 10, **headers)
            self._members.append((queue, headers["Interface"]))

    def phone(self, extension: str) -> Phone:
        """The phone of an agent; "outside" is that of somebody outside."""
        return next(phone for phone in self.pbx.phones if phone.extension == extension)

    async def phones(self, **scripts: Sequence[Step]) -> None:
        """Phones that do something else than ON_CUE in this way: a1002=[Ring()]."""
        for name, script in scripts.items():
            await self.phone(name.removeprefix("a")).replug(script)

    # Calls ---------------------------------------------------------------------------------

    async def call(
        self, did: str, *script: Step, number: str = "12025550199", name: str = "Zoë Ångström"
    ) -> Caller:
        """Somebody outside calls; returns at once. Without a script the caller obeys cues."""
        return await self._start(self.pbx.caller(did, list(script) or [Obey()], number, name))

    async def dial(self, extension: str, number: str, *script: Step) -> Caller:
        """An agent dials, on a second line of the phone; returns at once."""
        return await self._start(self.pbx.agent_call(extension, number, list(script) or [Obey()]))

    async def cold_call(self, did: str, patience: float) -> Caller:
        """Somebody outside calls, and gives up after ``patience`` seconds without an answer."""
        return await self._start(self.pbx.caller(did, [Talk()], patience=patience))

    async def cold_dial(self, extension: str, number: str, patience: float) -> Caller:
        """An agent dials, and gives up after ``patience`` seconds without an answer."""
        return await self._start(self.pbx.agent_call(extension, number, [Talk()], patience))

    async def _start(self, caller: Caller) -> Caller:
        self.callers.append(caller)
        await caller.start()
        return caller

    def address(self, number: str, replaces: Dialog | None = None) -> str:
        """A Refer-To address on this PBX; with Replaces (RFC 3891) for an attended transfer."""
        host, port = self.pbx.sip
        address = f"sip:{number}@{host}:{port}"
        if replaces is None:
            return address
        tags = f"to-tag={replaces.their_tag};from-tag={replaces.our_tag}"
        return f"{address}?Replaces={quote(f'{replaces.call_id};{tags}', safe='')}"

    # The PBX's own tools -------------------------------------------------------------------

    async def redirect(self, channel: str, extension: str, extra: str = "") -> None:
        """AMI Redirect of a channel (and an ``extra`` one) to what an agent's phone may dial."""
        headers = {"Channel": channel, "Context": "agents", "Exten": extension, "Priority": "1"}
        if extra:
            headers |= {
                "ExtraChannel": extra,
                "ExtraContext": "agents",
                "ExtraExten": extension,
                "ExtraPriority": "1",
            }
        await self.operator.action("Redirect", 10, **headers)

    async def originate(self, endpoint: str, extension: str) -> str:
        """AMI Originate: ring ``endpoint``, connect it to ``extension``; the channel's name."""
        await self.operator.action(
            "Originate", Channel=endpoint, Context="agents", Exten=extension, Priority="1",
            CallerID='"The PBX" <100>', Async="true",
        )  # fmt: skip
        answered = await self.event("OriginateResponse", Response="Success")
        return answered["Channel"]

    # What the PBX says ---------------------------------------------------------------------

    async def event(
        self, name: str, times: int = 1, seconds: float = 20, **headers: str
    ) -> Headers:
        """Wait until that was told so many times, with these headers; the last one."""
        return await nth(self.watch, name, times, seconds, headers)

    async def connected(self, times: int = 1, seconds: float = 20) -> Headers:
        """Wait for AgentConnect, and let them talk."""
        connect = await self.event("AgentConnect", times, seconds)
        await self.talk()
        return connect

    async def talk(self, seconds: float = TALK) -> None:
        """Time that passes."""
        await asyncio.sleep(seconds)

    # After it ------------------------------------------------------------------------------

    async def over(self, seconds: float = 20) -> None:
        """Wait until every channel that came has gone, and nothing more is told."""
        await self.event("Newchannel")
        await self.watch.drain(0.3)
        try:
            async with asyncio.timeout(seconds):
                while left := self._channels():
                    await self.watch.drain(0.3)
        except TimeoutError:
            raise LabError(f"Channels are left: {', '.join(sorted(left))}.") from None
        await self.watch.drain(0.7)

    def _channels(self) -> set[str]:
        """Names of channels that came and did not go."""
        alive: dict[str, str] = {}
        for event in self.watch.events:
            match event["Event"]:
                case "Newchannel":
                    alive[event["Uniqueid"]] = event["Channel"]
                case "Hangup":
                    alive.pop(event["Uniqueid"], None)
        return set(alive.values())

    async def tidy(self) -> None:
        """Whatever happened: no calls and no members left."""
        for channel in self._channels():
            with contextlib.suppress(LabError):  # it may be gone by now
                await self.operator.action("Hangup", Channel=channel)
        for caller in self.callers:
            await caller.stop()
        for queue, interface in self._members:
            with contextlib.suppress(LabError):  # the way may have removed it
                await self.operator.action("QueueRemove", Queue=queue, Interface=interface)


async def nth(
    session: Ami, name: str, times: int, seconds: float, headers: dict[str, str]
) -> Headers:
    """The ``times``-th event of that name with these headers that a session hears."""
    found: list[Headers] = []

    def fits(frame: Headers) -> bool:
        if any(frame is one for one in found):
            return False
        if any(not frame.get(key, "").startswith(value) for key, value in headers.items()):
            return False
        found.append(frame)
        return len(found) == times

    return await session.event(name, seconds, fits)
