"""SIPp scenarios, made from scripts.

A scenario logs a line for each thing that happens ("answered 1234 …", with SIPp's clock in
milliseconds), which is how the lab learns the fate of a call. Logs and sounds are actions of the
message before them and not commands of their own: in old versions of SIPp a message that comes
between two commands aborts the call. The language: https://sipp.readthedocs.io/en/latest/scenarios/
"""

from collections.abc import Sequence

from lab.script import (
    FOR_EVER,
    Answer,
    Decline,
    Dtmf,
    Forward,
    Hangup,
    Hold,
    Obey,
    Ring,
    Step,
    Talk,
)

REFUSALS = (403, 404, 408, 480, 484, 486, 487, 488, 500, 503, 603)
"""Final SIP statuses that a caller may get instead of 200."""

OUR_TAG = "tag=[pid]-[call_number]"

CUES = ("LABHOLD", "LABRESUME", "LABPRESS", "LABREFER", "LABHANGUP")
"""Methods of the lab's own, by which it tells a phone in a call what to do now (step Obey).

They go from the lab to SIPp, never to the PBX; SIPp finds the call by Call-ID. The header X-Lab has
the digit or the address that it is about.
"""


def phone_scenario(script: Sequence[Step], sound: str) -> str:
    """SIPp XML for a phone (UAS): what it does with each call that comes.

    ``sound`` is a file of raw A-law, as SIPp sees it. Raises ValueError for a script that does not
    begin with Answer, Ring, Decline or Forward, or has one of them later.
    """
    if not script or not isinstance(script[0], Answer | Ring | Decline | Forward):
        raise ValueError("a phone's script begins with Answer, Ring, Decline or Forward")
    first, talk = script[0], script[1:]
    dialog = Dialog(f"From:[$to];{OUR_TAG}", "To:[$from]", sound)
    offered = [
        '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>',
        '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>',
        '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>',
        log("offered", "[call_number] [$from]"),
        _DIALOG,
    ]
    parts = [recv("request", "INVITE", rrs=True, do=offered), send(response("180 Ringing"))]
    if isinstance(first, Decline | Forward):
        parts += _refuse(first)
    else:
        seconds = first.after if isinstance(first, Answer) else FOR_EVER
        cancelled = [log("cancelled")]
        parts += [
            recv("request", "CANCEL", seconds, late="answer", then="cancelled", do=cancelled),
            label("answer"),
            send(response("200 OK", sdp("sendrecv")), again=True),
            recv("request", "ACK", do=[log("answered"), dialog.speak]),
            *dialog.steps(talk),
        ]
    parts += [
        *dialog.endings(),
        label("cancelled"),
        send(OK),
        send(response("487 Request Terminated"), again=True),
        recv("request", "ACK"),
        END,
    ]
    return whole("phone", parts, ["cseq", "from", "to", *_obeying(script)])


def _refuse(how: Decline | Forward) -> list[str]:
    contact = _LAB_CONTACT
    match how:
        case Decline(status, reason, after):
            pass
        case Forward(extension):
            status, reason, after = 302, "Moved Temporarily", 0.0
            contact = f"<sip:{extension}@[remote_ip]:[remote_port]>"
    return [
        _pause(after),
        send(response(f"{status} {reason}", contact=contact), again=True),
        recv("request", "ACK", do=[log("declined", str(status))]),
        END,
    ]


def caller_scenario(
    script: Sequence[Step], sound: str, did: str, number: str, extra: str, patience: float
) -> str:
    """SIPp XML for a caller (UAC). ``patience`` is how long it waits for an answer, in seconds.

    The From display name comes in the global variable ``shown``, ready for SIP; ``extra`` holds
    further header lines. Raises ValueError for steps that only phones have.
    """
    target = f"sip:{did}@[remote_ip]:[remote_port]"
    ours = f"From: [$shown]<sip:{number}@[local_ip]:[local_port]>;{OUR_TAG}"
    dialog = Dialog(ours, f"To: <{target}>[peer_tag_param]", sound)

    def initial(method: str, to: str, rest: str) -> str:
        # CANCEL has the branch and the number of its INVITE (RFC 3261, section 9.1), and the ACK
        # of a refusal too (section 17.1.1.3).
        return (
            f"{method} {target} SIP/2.0\n"
            "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=z9hG4bK-lab-[pid]-[call_number]\n"
            f"{ours}\n{to}\nCall-ID: [call_id]\nCSeq: 1 {method}\n"
            f"Contact: <sip:lab@[local_ip]:[local_port]>\nMax-Forwards: 70\n{rest}"
        )

    def answer(status: int, then: str | None, do: Sequence[str]) -> str:
        return recv(
            "response", str(status), patience, "impatient", then, status == 200, status != 200, do
        )

    refused = [answer(n, "refused", [log("refused", str(n))]) for n in REFUSALS]
    parts = [
        send(initial("INVITE", f"To: <{target}>", extra + sdp("sendrecv")), again=True),
        answer(100, None, []),
        *(answer(status, None, [_DIALOG, log("ringing")]) for status in (180, 181, 183)),
        *refused,
        answer(200, None, [_DIALOG, log("answered")]),
        send(dialog.head("ACK") + _NOTHING),
        dialog.begin(),
        *dialog.steps(script),
        *dialog.endings(),
        label("refused"),
        send(initial("ACK", "[last_To:]", _NOTHING)),
        END,
        label("impatient"),
        send(initial("CANCEL", f"To: <{target}>", _NOTHING), again=True),
        recv("response", "200", optional=True),
        recv("response", "487", 5, "end", "refused", do=[log("cancelled"), log("refused", "487")]),
        END,
    ]
    return whole("caller", parts, _obeying(script), '<Global variables="shown"/>')


class Dialog:
    """The parts of a call after its answer, the same for both sides but for two headers."""

    def __init__(self, ours: str, theirs: str, sound: str, whose: str = "") -> None:
        self._ours = ours
        self._theirs = theirs
        self._whose = whose
        self._labels = 0
        self.speak = f'<exec rtp_stream="{sound},-1,8,PCMA/8000"/>'

    def begin(self) -> str:
        """Speak, where there is no message whose action it could be."""
        return f"<nop><action>{self.speak}</action></nop>"

    def steps(self, script: Sequence[Step]) -> list[str]:
        """The script, and then waiting for the other side unless it hung up itself."""
        parts = []
        for step in (*script, Talk(), Hangup()):
            match step:
                case Talk(seconds):
                    parts.append(self._listen(seconds))
                case Hold(seconds):
                    parts += self._reinvite("sendonly", "held", "pause")
                    parts.append(self._listen(seconds))
                    parts += self._reinvite("sendrecv", "unheld", "resume")
                case Dtmf(digits):
                    for digit in digits:
                        parts += self._key(digit)
                case Obey():
                    parts += self._obey()
                    break
                case Hangup():
                    break
                case Answer() | Ring() | Decline() | Forward():
                    raise ValueError("Answer, Ring, Decline, Forward only begin a phone's script")
        return [*parts, *self.hang_up([log("ended", "us")])]

    def hang_up(self, do: Sequence[str]) -> list[str]:
        """BYE; ``do`` when it was taken."""
        return self._transaction(self.head("BYE") + _NOTHING, do)

    def endings(self) -> list[str]:
        """Where every answered call ends: by us, or by them."""
        return [END, label("them"), send(OK), END]

    def head(self, method: str) -> str:
        """The head of a request within the dialog."""
        return (
            f"{method} [next_url] SIP/2.0\n"
            "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]-[cseq]\n"
            f"{self._ours}\n{self._theirs}\n[routes]\n"
            f"Call-ID: [call_id]\nCSeq: [cseq] {method}\n"
            "Contact: <sip:lab@[local_ip]:[local_port]>\nMax-Forwards: 70\n"
        )

    def _bye(self, seconds: float | None, late: str | None, optional: bool = False) -> str:
        ended = [log("ended", f"{self._whose}them")]
        return recv("request", "BYE", seconds, late, "them", optional=optional, do=ended)

    def _listen(self, seconds: float) -> str:
        self._labels += 1
        place = f"step{self._labels}"
        return self._bye(seconds, place) + label(place)

    def _transaction(self, request: str, do: Sequence[str]) -> list[str]:
        return [
            send(request, again=True),
            recv("response", "100", optional=True),
            self._bye(None, None, optional=True),
            recv("response", "200", 8, "end", do=do),
        ]

    def _reinvite(self, direction: str, word: str, sound: str) -> list[str]:
        do = [log(word), f'<exec rtp_stream="{sound}"/>']
        request = self.head("INVITE") + sdp(direction)
        return [*self._transaction(request, do), send(self.head("ACK") + _NOTHING)]

    def _key(self, digit: str) -> list[str]:
        return [*self._press(digit), self._listen(0.2)]

    def _press(self, digit: str) -> list[str]:
        body = f"Signal={digit}\nDuration=120\n"
        kind = "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\n"
        pressed = [log("pressed", digit)]
        request = self.head("INFO") + kind + body
        return self._transaction(request, pressed)

    def _obey(self) -> list[str]:
        """A loop: wait for BYE or a cue, do it, wait again."""
        what = '<ereg regexp="[^ ]+" search_in="hdr" header="X-Lab:" assign_to="what"/>'
        hold, resume, press, refer, leave = CUES
        return [
            label("obey"),
            *(recv("request", cue, then=cue, optional=True, do=[what]) for cue in CUES),
            self._bye(FOR_EVER, leave),
            label(hold),
            *self._reinvite("sendonly", "held", "pause"),
            _AGAIN,
            label(resume),
            *self._reinvite("sendrecv", "unheld", "resume"),
            _AGAIN,
            label(press),
            *self._press("[$what]"),
            _AGAIN,
            label(refer),
            *self._refer(),
            _AGAIN,
            label(leave),
        ]

    def _refer(self) -> list[str]:
        """REFER (RFC 3515) to the address of the cue. SIPp answers the NOTIFYs by itself (-aa)."""
        request = f"{self.head('REFER')}Refer-To: <[$what]>\nReferred-By: <sip:lab@[local_ip]>\n"
        refused = [
            recv(
                "response",
                str(status),
                then="obey",
                optional=True,
                do=[log("refused", str(status))],
            )
            for status in (400, *REFUSALS)
        ]
        return [
            send(request + _NOTHING, again=True),
            recv("response", "100", optional=True),
            *refused,
            self._bye(None, None, optional=True),
            recv("response", "202", 8, "end", do=[log("referred")]),
        ]


_NOTHING = "Content-Length: 0\n\n"

OK = (
    "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
    f"{_NOTHING}"
)

END = '<nop next="end"></nop>'

_AGAIN = '<nop next="obey"></nop>'

_LAB_CONTACT = "<sip:lab@[local_ip]:[local_port]>"


def sdp(direction: str) -> str:
    return (
        "Content-Type: application/sdp\nContent-Length: [len]\n\n"
        "v=0\no=lab 1 [cseq] IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n"
        "m=audio [rtpstream_audio_port] RTP/AVP 8\na=rtpmap:8 PCMA/8000\na=ptime:20\n"
        f"a={direction}\n"
    )


def response(status: str, rest: str = _NOTHING, contact: str = _LAB_CONTACT) -> str:
    """A response to the INVITE of a phone's call, even after other requests."""
    return (
        f"SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:];{OUR_TAG}\n[last_Call-ID:]\n"
        f"CSeq: [$cseq] INVITE\nContact: {contact}\n{rest}"
    )


def send(message: str, again: bool = False) -> str:
    retrans = ' retrans="500"' if again else ""
    return f"<send{retrans}><![CDATA[\n{message}]]></send>"


def recv(
    kind: str,
    what: str,
    seconds: float | None = None,
    late: str | None = None,
    then: str | None = None,
    rrs: bool = False,
    optional: bool = False,
    do: Sequence[str] = (),
) -> str:
    """Wait for a message; go to ``late`` after ``seconds``, to ``then`` when it has come."""
    words = [f'{kind}="{what}"']
    if optional:
        words.append('optional="true"')
    if rrs:
        words.append('rrs="true"')
    if seconds is not None:
        words.append(f'timeout="{max(round(seconds * 1000), 1)}" ontimeout="{late}"')
    if then is not None:
        words.append(f'next="{then}"')
    actions = f"<action>{''.join(do)}</action>" if do else ""
    return f"<recv {' '.join(words)}>{actions}</recv>"


def log(word: str, rest: str = "") -> str:
    return f'<log message="{word} [clock_tick] {rest}"/>'


_DIALOG = log("dialog", "[call_id] [pid]-[call_number] [peer_tag_param]")
"""What a cue, or a REFER with Replaces, names this call by."""


def label(name: str) -> str:
    return f'<label id="{name}"/>'


def _pause(seconds: float) -> str:
    return f'<pause milliseconds="{round(seconds * 1000)}"/>' if seconds else ""


def _obeying(script: Sequence[Step]) -> list[str]:
    """The variable that the step Obey uses."""
    return ["what"] if Obey() in script else []


def whole(name: str, parts: Sequence[str], variables: Sequence[str], head: str = "") -> str:
    body = "\n".join([*parts, label("end")])
    used = f'<Reference variables="{",".join(variables)}"/>\n' if variables else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">\n{head}\n{body}\n'
        f"{used}</scenario>\n"
    )
