"""What a phone or a caller does in a call, as a list of steps, and the SIPp scenario made of it.

A scenario logs a line for each thing that happens ("answered 1234 …", with SIPp's clock in
milliseconds), which is how the lab learns the fate of a call. A step that lasts ends early when the
other side hangs up. SIPp's scenario language: https://sipp.readthedocs.io/en/latest/scenarios/
"""

from collections.abc import Sequence
from dataclasses import dataclass

FOR_EVER = 600.0
"""Seconds after which a step without an end ends anyway, so that nothing is left running."""


@dataclass(frozen=True)
class Answer:
    """Phones only: ring for ``after`` seconds, then answer."""

    after: float = 0.3


@dataclass(frozen=True)
class Ring:
    """Phones only: ring until the caller's side gives up."""


@dataclass(frozen=True)
class Decline:
    """Phones only: refuse the call with a SIP status (486 busy, 603 declined)."""

    status: int = 486
    reason: str = "Busy Here"
    after: float = 0.0


@dataclass(frozen=True)
class Talk:
    """Speak for some seconds; without seconds until the other side hangs up."""

    seconds: float = FOR_EVER


@dataclass(frozen=True)
class Hold:
    """Put the other side on hold for some seconds (re-INVITE with sendonly), and take it back."""

    seconds: float


@dataclass(frozen=True)
class Dtmf:
    """Press keys (SIP INFO, application/dtmf-relay)."""

    digits: str


@dataclass(frozen=True)
class Hangup:
    """Hang up. Without this step at the end, a script waits for the other side to do it."""


Step = Answer | Ring | Decline | Talk | Hold | Dtmf | Hangup


def phone_scenario(script: Sequence[Step], sound: str) -> str:
    """SIPp XML for a phone (UAS): what it does with each call that comes."""
    dialog = _Dialog("From:[$to];tag=[pid]-[call_number]", "To:[$from]", sound)
    if not script or not isinstance(script[0], Answer | Ring | Decline):
        raise ValueError("a phone's script begins with Answer, Ring or Decline")
    first, talk = script[0], script[1:]
    parts = [
        _OFFERED,
        dialog.log("offered [call_number] [$from]"),
        _ANSWER.format(status="180 Ringing", body=""),
    ]
    if isinstance(first, Decline):
        parts += [_pause(first.after), _refuse(first), dialog.log(f"declined {first.status}"), _END]
    else:
        parts.append(_ringing(first.after if isinstance(first, Answer) else FOR_EVER))
        parts += [_label("answer"), _ACCEPT, dialog.log("answered"), dialog.sound("play")]
        parts += dialog.steps(talk)
    parts += [*dialog.endings(), _label("cancelled"), _CANCELLED, dialog.log("cancelled"), _END]
    return _scenario("phone", parts, "cseq,from,to")


def caller_scenario(
    script: Sequence[Step], sound: str, did: str, number: str, extra: str, patience: float
) -> str:
    """SIPp XML for a caller (UAC). ``patience`` is how long it waits for an answer, in seconds.

    The From display name comes in the global variable ``shown``, ready for SIP.
    """
    if any(isinstance(step, Answer | Ring | Decline) for step in script):
        raise ValueError("Answer, Ring and Decline are for phones; a caller dials by itself")
    dialog = _Dialog(
        f"From: [$shown]<sip:{number}@[local_ip]:[local_port]>;tag=[pid]-[call_number]",
        f"To: <sip:{did}@[remote_ip]:[remote_port]>[peer_tag_param]",
        sound,
    )
    parts = [
        _invite(did, dialog.ours, extra),
        dialog.log("dialled"),
        _waiting(patience),
        _label("answer"),
        "<send><![CDATA[\n" + dialog.head("ACK", "[cseq]") + "Content-Length: 0\n\n]]></send>",
        dialog.log("answered"),
        dialog.sound("play"),
        *dialog.steps(script),
        *dialog.endings(),
        _label("refused"),
        _REFUSED_ACK.format(ours=dialog.ours),
        dialog.log("refused [$status]"),
        _END,
        _label("impatient"),
        _CANCEL.format(did=did, ours=dialog.ours),
        dialog.log("cancelled"),
        '<recv response="200" optional="true"></recv>',
        '<recv response="487" timeout="5000" ontimeout="end" next="refused">'
        '<action><assignstr assign_to="status" value="487"/></action></recv>',
        _END,
    ]
    return _scenario("caller", parts, "status", '<Global variables="shown"/>')


class _Dialog:
    """The parts of a call after its answer, the same for both sides but for two headers."""

    def __init__(self, ours: str, theirs: str, sound: str) -> None:
        self.ours = ours
        self.theirs = theirs
        self._sound = sound
        self._labels = 0

    def steps(self, script: Sequence[Step]) -> list[str]:
        """The script, and then waiting for the other side unless it hung up itself."""
        parts = []
        for step in (*script, Talk()):
            match step:
                case Talk(seconds):
                    parts.append(self._listen(seconds))
                case Hold(seconds):
                    parts += self._reinvite("sendonly", "held")
                    parts += [self.sound("pause"), self._listen(seconds)]
                    parts += self._reinvite("sendrecv", "unheld")
                    parts.append(self.sound("resume"))
                case Dtmf(digits):
                    parts += [self._key(digit) for digit in digits]
                case Hangup():
                    return [*parts, self._bye()]
                case Answer() | Ring() | Decline():
                    raise ValueError("Answer, Ring and Decline can only begin a phone's script")
        return [*parts, self._bye()]

    def endings(self) -> list[str]:
        """Where every answered call ends."""
        return [
            _END,
            _label("them"),
            "<send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n"
            "[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n\n]]></send>",
            self.log("ended them"),
            _END,
        ]

    def log(self, text: str) -> str:
        """A line in the log: the word, SIPp's clock in milliseconds, the rest."""
        word, _, rest = text.partition(" ")
        return f'<nop><action><log message="{word} [clock_tick] {rest}"/></action></nop>'

    def sound(self, what: str) -> str:
        """Begin, pause or resume speaking."""
        value = f"{self._sound},-1,8,PCMA/8000" if what == "play" else what
        return f'<nop><action><exec rtp_stream="{value}"/></action></nop>'

    def head(self, method: str, cseq: str) -> str:
        """The head of a request within the dialog."""
        return (
            f"{method} [next_url] SIP/2.0\n"
            "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n"
            f"{self.ours}\n{self.theirs}\n[routes]\nCall-ID: [call_id]\nCSeq: {cseq} {method}\n"
            "Contact: <sip:lab@[local_ip]:[local_port]>\nMax-Forwards: 70\n"
        )

    def _next_label(self) -> str:
        self._labels += 1
        return f"step{self._labels}"

    def _listen(self, seconds: float) -> str:
        label = self._next_label()
        return (
            f'<recv request="BYE" timeout="{max(round(seconds * 1000), 1)}" '
            f'ontimeout="{label}" next="them"></recv>{_label(label)}'
        )

    def _transaction(self, request: str) -> str:
        return (
            f'<send retrans="500"><![CDATA[\n{request}]]></send>'
            '<recv response="100" optional="true"></recv>'
            '<recv request="BYE" optional="true" next="them"></recv>'
            '<recv response="200" timeout="8000" ontimeout="end"></recv>'
        )

    def _reinvite(self, direction: str, word: str) -> list[str]:
        body = _SDP.format(direction=direction)
        request = self.head("INVITE", "[cseq]") + _with_sdp(body)
        ack = self.head("ACK", "[cseq]") + "Content-Length: 0\n\n"
        return [self._transaction(request), f"<send><![CDATA[\n{ack}]]></send>", self.log(word)]

    def _key(self, digit: str) -> str:
        body = f"Signal={digit}\nDuration=120\n"
        request = (
            self.head("INFO", "[cseq]")
            + f"Content-Type: application/dtmf-relay\nContent-Length: [len]\n\n{body}"
        )
        return self._transaction(request) + self.log(f"pressed {digit}") + self._listen(0.2)

    def _bye(self) -> str:
        request = self.head("BYE", "[cseq]") + "Content-Length: 0\n\n"
        return self.log("ended us") + self._transaction(request)


_SDP = """\
v=0
o=lab 1 [cseq] IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=ptime:20
a={direction}
"""


def _with_sdp(body: str) -> str:
    return f"Content-Type: application/sdp\nContent-Length: [len]\n\n{body}"


_INVITE_BRANCH = "z9hG4bK-lab-[pid]-[call_number]"
"""A CANCEL must have the branch of its INVITE (RFC 3261, section 9.1)."""


def _invite(did: str, ours: str, extra: str) -> str:
    target = f"sip:{did}@[remote_ip]:[remote_port]"
    return (
        f'<send retrans="500"><![CDATA[\nINVITE {target} SIP/2.0\n'
        f"Via: SIP/2.0/UDP [local_ip]:[local_port];branch={_INVITE_BRANCH}\n"
        f"{ours}\nTo: <{target}>\nCall-ID: [call_id]\nCSeq: [cseq] INVITE\n"
        f"Contact: <sip:lab@[local_ip]:[local_port]>\nMax-Forwards: 70\n{extra}"
        f"{_with_sdp(_SDP.format(direction='sendrecv'))}]]></send>"
    )


_OFFERED = """\
<recv request="INVITE" rrs="true"><action>
 <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>
 <ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
 <ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
</action></recv>"""

_ANSWER = """\
<send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]-[call_number]
[last_Call-ID:]
CSeq: [$cseq] INVITE
Contact: <sip:lab@[local_ip]:[local_port]>
Content-Length: 0

{body}]]></send>"""

_ACCEPT = (
    '<send retrans="500"><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n'
    "[last_To:];tag=[pid]-[call_number]\n[last_Call-ID:]\nCSeq: [$cseq] INVITE\n"
    "Contact: <sip:lab@[local_ip]:[local_port]>\n"
    + _with_sdp(_SDP.format(direction="sendrecv"))
    + ']]></send><recv request="ACK"></recv>'
)

_CANCELLED = (
    "<send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n"
    "[last_To:];tag=[pid]-[call_number]\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n\n"
    "]]></send>"
    + _ANSWER.format(status="487 Request Terminated", body="").replace(
        "<send>", '<send retrans="500">'
    )
    + '<recv request="ACK"></recv>'
)

_END = '<nop next="end"></nop>'

_REFUSED_ACK = (
    "<send><![CDATA[\nACK sip:[remote_ip]:[remote_port] SIP/2.0\n[last_Via:]\n{ours}\n[last_To:]\n"
    "Call-ID: [call_id]\nCSeq: 1 ACK\nMax-Forwards: 70\nContent-Length: 0\n\n]]></send>"
)

_CANCEL = (
    '<send retrans="500"><![CDATA[\nCANCEL sip:{did}@[remote_ip]:[remote_port] SIP/2.0\n'
    f"Via: SIP/2.0/UDP [local_ip]:[local_port];branch={_INVITE_BRANCH}\n"
    "{ours}\nTo: <sip:{did}@[remote_ip]:[remote_port]>\nCall-ID: [call_id]\nCSeq: 1 CANCEL\n"
    "Max-Forwards: 70\nContent-Length: 0\n\n]]></send>"
)

_REFUSALS = (403, 404, 408, 480, 484, 486, 487, 488, 500, 503, 603)


def _label(name: str) -> str:
    return f'<label id="{name}"/>'


def _pause(seconds: float) -> str:
    return f'<pause milliseconds="{round(seconds * 1000)}"/>' if seconds else ""


def _ringing(seconds: float) -> str:
    milliseconds = max(round(seconds * 1000), 1)
    return (
        f'<recv request="CANCEL" timeout="{milliseconds}" ontimeout="answer" next="cancelled">'
        "</recv>"
    )


def _refuse(step: Decline) -> str:
    answer = _ANSWER.format(status=f"{step.status} {step.reason}", body="")
    return answer.replace("<send>", '<send retrans="500">') + '<recv request="ACK"></recv>'


def _waiting(patience: float) -> str:
    limit = f'timeout="{round(patience * 1000)}" ontimeout="impatient"'
    provisional = "".join(
        f'<recv response="{status}" optional="true" {limit}></recv>' for status in (100, 180, 183)
    )
    refusals = "".join(
        f'<recv response="{status}" optional="true" next="refused" {limit}><action>'
        f'<assignstr assign_to="status" value="{status}"/></action></recv>'
        for status in _REFUSALS
    )
    return f'{provisional}{refusals}<recv response="200" rrs="true" {limit}></recv>'


def _scenario(name: str, parts: Sequence[str], variables: str, head: str = "") -> str:
    body = "\n".join([*parts, _label("end")])
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">\n{head}\n{body}\n'
        f'<Reference variables="{variables}"/>\n</scenario>\n'
    )
