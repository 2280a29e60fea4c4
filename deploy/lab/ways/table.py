"""A table of the recorded ways, for people: what happened in which order, and what was logged.

It is made from the recorded files, not from memory. Pure but for reading them.
"""

from collections.abc import Mapping
from pathlib import Path

Headers = dict[str, str]

END = b"\r\n\r\n"

FIELDS: dict[str, tuple[str, ...]] = {
    "AgentCalled": ("Interface", "DestChannel"),
    "AgentComplete": ("Interface", "Reason"),
    "AgentConnect": ("Interface", "DestChannel"),
    "AgentDump": ("Interface",),
    "AgentLogin": ("Agent", "Channel"),
    "AgentLogoff": ("Agent", "Channel"),
    "AgentRingNoAnswer": ("Interface", "DestChannel"),
    "AttendedTransfer": (
        "Result", "DestType", "DestBridgeUniqueid", "DestApp", "LocalOneChannel",
        "DestTransfererChannel",
    ),
    "BlindTransfer": ("Result", "TransfererChannel", "Extension"),
    "BridgeEnter": ("Channel", "BridgeUniqueid"),
    "BridgeLeave": ("Channel", "BridgeUniqueid"),
    "BridgeMerge": ("FromBridgeUniqueid", "ToBridgeUniqueid"),
    "ChanSpyStart": ("SpyerChannel", "SpyeeChannel"),
    "ChanSpyStop": ("SpyerChannel", "SpyeeChannel"),
    "ConfbridgeJoin": ("Channel",),
    "ConfbridgeLeave": ("Channel",),
    "DialBegin": ("Channel", "DestChannel"),
    "DialEnd": ("Channel", "DestChannel", "DialStatus"),
    "Hangup": ("Channel", "Cause"),
    "Hold": ("Channel",),
    "LocalBridge": ("LocalOneChannel", "LocalTwoChannel"),
    "LocalOptimizationBegin": ("LocalOneChannel", "SourceChannel"),
    "LocalOptimizationEnd": ("LocalOneChannel",),
    "Newchannel": ("Channel", "Exten"),
    "OriginateResponse": ("Response", "Channel"),
    "ParkedCall": ("ParkeeChannel", "ParkingSpace"),
    "ParkedCallGiveUp": ("ParkeeChannel",),
    "ParkedCallTimeOut": ("ParkeeChannel",),
    "ParkedCallSwap": ("ParkeeChannel",),
    "Pickup": ("Channel", "TargetChannel"),
    "QueueCallerAbandon": ("Queue",),
    "QueueCallerJoin": ("Queue", "Channel"),
    "QueueCallerLeave": ("Queue", "Channel"),
    "QueueMemberPause": ("Interface", "Paused"),
    "QueueMemberRemoved": ("Interface",),
    "Rename": ("Channel", "Newname"),
    "UnParkedCall": ("ParkeeChannel", "RetrieverChannel"),
    "Unhold": ("Channel",),
    "VarSet": ("Variable", "Channel", "Value"),
}  # fmt: skip
"""The events that tell the way of a call, and what of each the table shows."""

VARIABLES = frozenset({"ATTENDEDTRANSFER", "BLINDTRANSFER", "QUEUESTATUS"})
"""Variables whose VarSet is kept."""

HEAD = """\
# Recorded ways of a call

What Asterisk 22 (chan_pjsip) sent and logged for every way that a call can go through a PBX with
queues: for each way the AMI stream (`.ami`) and the rows of queue_log (`.queue_log`). The ways are
functions in `deploy/lab/ways`; this page is generated with the files:
`cd deploy && ../.venv/bin/python -m lab.ways ../tests/recorded/ways`.

The streams were read as the user of `asterisk/manager/ccm.conf`; those of the ways `campaign_…`
with what `ccm-dial.conf` adds, UserEvents. Events and headers that say
nothing about the way of a call were left out (Newexten, most variables, device states, music,
caller ids, Priority, Language …: see `deploy/lab/ways/capture.py`); the rest is as it came.

Below, *caller* is the caller's channel, *1001* that of a phone, *1001'* a second one of the same
phone, *L1;1* one half of a Local channel, *B1* a bridge. *linkedid* lines are no events: they show
where the Linkedid of a channel, as its events have it, is another than before.

"""


def table(directory: Path, descriptions: Mapping[str, str]) -> str:
    """README of a directory of recorded ways."""
    rows = [
        "| way | what happens | events | queue_log |\n|---|---|---|---|\n",
        *(_row(directory, name, words) for name, words in descriptions.items()),
    ]
    return HEAD + "".join(rows)


def _row(directory: Path, name: str, words: str) -> str:
    stream = directory / f"{name}.ami"
    if not stream.exists():
        return ""
    told = "<br>".join(story(stream.read_bytes()))
    logged = "<br>".join(log_story((directory / f"{name}.queue_log").read_text()))
    return f"| {name} | {words} | {told} | {logged} |\n"


def events_of(stream: bytes) -> list[Headers]:
    """The events of a stream."""
    found = []
    for frame in stream.split(END):
        lines = (line.partition(": ") for line in frame.decode("utf-8", "replace").split("\r\n"))
        headers = {name.rstrip(":"): value for name, _, value in lines if name}
        if "Event" in headers:
            found.append(headers)
    return found


def significant(stream: bytes) -> set[str]:
    """The names of the events that tell the way, with the variable of a VarSet."""
    return {
        f"{event['Event']} {event.get('Variable', '')}".rstrip()
        for event in events_of(stream)
        if event["Event"] in FIELDS and event.get("Variable", "QUEUESTATUS") in VARIABLES
    }


def verbs(queue_log: str) -> list[str]:
    """The events of queue_log rows, without those that tell of members logging in."""
    found = [line.split("|")[4] for line in queue_log.splitlines() if line.count("|") >= 4]
    return [verb for verb in found if verb not in ("ADDMEMBER", "QUEUESTART")]


def story(stream: bytes) -> list[str]:
    """The significant events in their order, with short names."""
    names = _Names()
    lines = []
    for event in events_of(stream):
        names.see(event)
        lines += names.linkedids(event)
        fields = FIELDS.get(event["Event"])
        if fields is None:
            continue
        said = [names.short(event[field]) for field in fields if event.get(field)]
        lines.append(" ".join([event["Event"], *said]))
    return lines


def log_story(queue_log: str) -> list[str]:
    """queue_log rows without time, call id and the members' logging in."""
    lines = []
    for line in queue_log.splitlines():
        _, _, queue, agent, verb, *data = line.split("|")
        if verb not in ("ADDMEMBER", "QUEUESTART"):
            lines.append(" ".join([queue, agent, verb, *filter(None, data)]))
    return lines


class _Names:
    """Short names for channels and bridges, in the order in which they appear."""

    def __init__(self) -> None:
        self._short: dict[str, str] = {}
        self._owner: dict[str, str] = {}
        self._linkedid: dict[str, str] = {}
        self._locals = 0
        self._bridges = 0

    def see(self, event: Headers) -> None:
        """Name what is new in an event."""
        for key, value in event.items():
            if key.endswith("BridgeUniqueid") and value and value not in self._short:
                self._bridges += 1
                self._short[value] = f"B{self._bridges}"
        channel, newname = event.get("Channel", ""), event.get("Newname")
        if event["Event"] == "Newchannel":
            self._name(channel)
            self._owner[event["Uniqueid"]] = channel
        elif newname:
            self._short.setdefault(newname, self._base(newname))

    def _name(self, channel: str) -> None:
        if channel in self._short:
            return
        short = self._base(channel)
        if channel in self._short:  # half of a Local channel
            return
        while short in self._short.values():
            short += "'"
        self._short[channel] = short

    def _base(self, channel: str) -> str:
        if channel.startswith("Local/"):
            name, _, half = channel.partition(";")
            if f"{name};1" not in self._short:
                self._locals += 1
                self._short[f"{name};1"] = f"L{self._locals};1"
                self._short[f"{name};2"] = f"L{self._locals};2"
            return self._short[f"{name};{half[:1]}"] + half[1:]
        peer = channel.rpartition("-")[0].partition("/")[2] or channel
        return "caller" if peer == "trunk" else peer

    def short(self, value: str) -> str:
        """The short name of a channel or a bridge; other values as they are."""
        return self._short.get(value, value.replace("|", "&#124;").removeprefix("PJSIP/"))

    def linkedids(self, event: Headers) -> list[str]:
        """Whether a channel has another Linkedid than before."""
        lines = []
        for prefix in ("", "Dest"):
            uniqueid = event.get(f"{prefix}Uniqueid", "")
            linkedid = event.get(f"{prefix}Linkedid", "")
            if not uniqueid or not linkedid:
                continue
            before = self._linkedid.get(uniqueid, linkedid)
            self._linkedid[uniqueid] = linkedid
            if before != linkedid:
                whose, old, new = (self._of(one) for one in (uniqueid, before, linkedid))
                lines.append(f"*linkedid {whose}: {old} → {new}*")
        return lines

    def _of(self, uniqueid: str) -> str:
        return self.short(self._owner.get(uniqueid, uniqueid))
