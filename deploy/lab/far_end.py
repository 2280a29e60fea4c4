"""Everybody outside, in one SIPp process: the number that is called decides what happens.

What it saw of each call is in its log, which is the truth that dialers are compared with.
"""

import asyncio
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.parties import ANSWERS, STATUS, Party
from lab.phones import LogLine, Sipp, target_of
from lab.root import Servers
from lab.scenario import END, OK, OUR_TAG, Dialog, label, log, recv, response, sdp, send, whole

FOR_EVER = 3600
"""Seconds."""

HELLO, GREETING = "hello", "greeting"
"""Voices: a person says one word and listens, a machine talks for some seconds."""


@dataclass(frozen=True)
class Call:
    """One call as the far end saw it. Times are seconds of its own clock; None: it did not happen.

    ``ended_by``: "us" is the party, "them" the PBX; empty when it was not answered.
    """

    number: str
    offered: float
    answered: float | None = None
    refused: float | None = None
    cancelled: float | None = None
    ended: float | None = None
    ended_by: str = ""

    @property
    def over(self) -> float | None:
        """When it was over; None while it is on."""
        times = (self.ended, self.refused, self.cancelled)
        return next((at for at in times if at is not None), None)


class FarEnd(Sipp):
    """Whoever is called through the trunk ``outside``; a number that is nobody's is refused (404).

    As many calls at once as there are: each takes one line of SIPp's table and a stream of audio.
    """

    def __init__(
        self,
        servers: Servers,
        directory: Path,
        ip: str,
        pbx: tuple[str, int],
        sounds: Mapping[str, str],
        parties: Sequence[Party],
    ) -> None:
        super().__init__(servers, directory, "far-end", ip)
        self.parties = {party.number: party for party in parties}
        self._pbx = pbx
        self._sounds = sounds

    async def start(self) -> None:
        """Plug it in; it takes calls when this returns."""
        table = self._base.with_name("far-end.csv")
        # SIPp takes the number 0 for a variable that is not set: nobody has the first line.
        lines = ["SEQUENTIAL\n", ";\n", *map(line, self.parties.values())]
        table.write_text("".join(lines))
        if self._servers.owner is not None:
            os.chown(table, *self._servers.owner)
        # SIPp knows the file by its name without a path.
        self._run(
            far_end_scenario(table.name, self._sounds, old=await self._is_old()),
            "-inf", self._servers.inside(table), "-infindex", table.name, "0",
            target_of(self._pbx),
        )  # fmt: skip
        await self.plugged_in()

    async def _is_old(self) -> bool:
        process = await asyncio.create_subprocess_exec(
            *self._servers.command(self._servers.sipp, "-v"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 20)
        found = re.search(rb"SIPp v(\d+)\.(\d+)", output)
        return found is not None and (int(found[1]), int(found[2])) < (3, 7)

    def calls(self) -> list[Call]:
        """All calls so far, in the order in which they came."""
        return told(self.log())


def line(party: Party) -> str:
    """What the table has of a party: number, SIP status, ring and talk, voice.

    SIPp takes no limit of a wait from a table, so both are so many seconds and tenths.
    """
    status = "200 OK" if party.kind in ANSWERS else STATUS[party.kind]
    voice = GREETING if party.kind == "machine" else HELLO
    return f"{party.digits};{status};{_parts(party.ring)};{_parts(party.talk)};{voice}\n"


def _parts(seconds: float) -> str:
    whole_seconds, tenths = divmod(round(min(seconds, FOR_EVER) * 10), 10)
    return f"{whole_seconds};{tenths}"


def told(lines: Iterable[LogLine]) -> list[Call]:
    """The calls of a log: each line has SIPp's number of the call, and the number called."""
    calls: dict[str, Call] = {}
    for one in lines:
        name, *rest = one.rest.split()
        if one.word == "offered":
            calls[name] = Call(f"+{rest[0]}", one.at)
        elif name in calls:
            calls[name] = _then(calls[name], one, "".join(rest))
    return list(calls.values())


def _then(call: Call, one: LogLine, rest: str) -> Call:
    match one.word:
        case "answered":
            return replace(call, answered=one.at)
        case "refused":
            return replace(call, refused=one.at)
        case "cancelled":
            return replace(call, cancelled=one.at)
        case "ended":
            return replace(call, ended=one.at, ended_by=rest)
        case _:
            return call


# -- the scenario -------------------------------------------------------------------------------

WAITS = ("ring", "ring_tenths", "talk", "talk_tenths")


def far_end_scenario(table: str, sounds: Mapping[str, str], *, old: bool = False) -> str:
    """SIPp XML. ``table`` is the name of the file of lines, ``sounds`` files by voice.

    ``old``: for a SIPp before 3.7.
    """
    dialog = Dialog(f"From:[$to];{OUR_TAG}", "To:[$from]", "", "[call_number] ")
    voices = list(sounds)
    offered = [
        '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>',
        '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>',
        '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>',
        '<ereg regexp="sip:([0-9]+)@" search_in="hdr" header="To:" assign_to="uri,number"/>',
        f'<lookup assign_to="line" file="{table}" key="[$number]"/>',
        '<test assign_to="known" variable="line" compare="greater_than" value="0"/>',
        log("offered", "[call_number] [$number]"),
    ]
    decided = [
        *(
            f'<assignstr assign_to="{name}" value={_cell(table, column, old)}/>'
            for column, name in enumerate(("status", *WAITS, "voice"), 1)
        ),
        *(f'<todouble assign_to="{name}_left" variable="{name}"/>' for name in WAITS),
        *(_matches(name, "0") for name in WAITS),
        *(_matches("status", status) for status in STATUS.values()),
        *(_matches("voice", name) for name in voices[1:]),
    ]
    cancel = ("CANCEL", "cancelled", log("cancelled", "[call_number]"))
    bye = ("BYE", "them", log("ended", "[call_number] them"))
    return whole(
        "far end",
        [
            recv("request", "INVITE", rrs=True, do=offered),
            _go("known", "known"),
            *_refuse("404 Not Found"),
            label("known"),
            f"<nop><action>{''.join(decided)}</action></nop>",
            send(response("180 Ringing")),
            *_while("ring", 1.0, cancel),
            *_while("ring_tenths", 0.1, cancel),
            *(_go(_name(status), f"status_is_{_name(status)}") for status in STATUS.values()),
            _go("taken"),
            # SIPp wants to see the number of a status in the scenario.
            *(part for one in STATUS.values() for part in (label(_name(one)), *_refuse(one))),
            label("taken"),
            send(response("200 OK", sdp("sendrecv")), again=True),
            recv("request", "ACK", do=[log("answered", "[call_number]")]),
            *(_go(name, f"voice_is_{name}") for name in voices[1:]),
            *(part for name in voices for part in _says(name, sounds[name])),
            label("said"),
            *_while("talk", 1.0, bye),
            *_while("talk_tenths", 0.1, bye),
            *dialog.hang_up([log("ended", "[call_number] us")]),
            *dialog.endings(),
            label("cancelled"),
            send(OK),
            send(response("487 Request Terminated"), again=True),
            recv("request", "ACK"),
            END,
        ],
        ["cseq", "from", "to", "uri"],
    )


def _cell(table: str, column: int, old: bool) -> str:
    """An attribute with quotes within: an old SIPp knows no single ones around it."""
    quote, inner = ('"', '\\"') if old else ("'", '"')
    return f"{quote}[field{column} file={inner}{table}{inner} line={inner}[$line]{inner}]{quote}"


def _matches(variable: str, value: str) -> str:
    """Set ``<variable>_is_<value>`` when it is so."""
    name = f"{variable}_is_{_name(value)}"
    return f'<ereg regexp="^{value}$" search_in="var" variable="{variable}" assign_to="{name}"/>'


def _while(name: str, tick: float, ends: tuple[str, str, str]) -> list[str]:
    """Wait for so many ticks; a request ends that: its method, where to go on, what is logged."""
    request, then, logged = ends
    over, late, more = f"{name}_over", f"{name}_late", f"{name}_more"
    less = (
        f'<subtract assign_to="{name}_left" value="1"/>'
        f'<test assign_to="{more}" variable="{name}_left" compare="greater_than" value="0"/>'
    )
    return [
        _go(over, f"{name}_is_0"),
        label(name),
        recv("request", request, tick, late, then, do=[logged]),
        label(late),
        f'<nop next="{name}" test="{more}"><action>{less}</action></nop>',
        label(over),
    ]


def _go(where: str, when: str = "") -> str:
    """Go on elsewhere, if the variable ``when`` is set."""
    test = f' test="{when}"' if when else ""
    return f'<nop next="{where}"{test}></nop>'


def _name(text: str) -> str:
    return text.replace(" ", "_")


def _refuse(status: str) -> list[str]:
    acknowledged = recv("request", "ACK", do=[log("refused", "[call_number]")])
    return [send(response(status), again=True), acknowledged, END]


def _says(voice: str, sound: str) -> list[str]:
    speak = f'<exec rtp_stream="{sound},-1,8,PCMA/8000"/>'
    return [label(voice), f'<nop next="said"><action>{speak}</action></nop>']
