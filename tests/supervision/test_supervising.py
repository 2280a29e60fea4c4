"""Carrying out a supervision: what Asterisk tells after it said yes, and what is said of it."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from pbx_story import at, story

from ccmiddleware.commands import InvalidCommand
from ccmiddleware.facts import Supervision
from ccmiddleware.pbx.link import ActionRefused, AmiLink
from ccmiddleware.supervision import carrying_out
from ccmiddleware.supervision.carrying_out import Supervising
from ccmiddleware.supervision.commands import Talk
from ccmiddleware.supervision.watch import Watch

TALK = Talk(UUID(int=1), "Alice", "1.1", "12025550111", "support", at(0))
ASKED = {"interface": "PJSIP/1001", "to": "PJSIP/2001", "mode": "whisper"}


class StandInLink:
    """Answers every action alike; what it is then told stands in ``later``, by line."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(up=True)
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.refuses = ""
        self.later: list[str] = []
        self.part: Supervising | None = None

    async def send(self, action: str, fields: dict[str, str]) -> Any:
        self.sent.append((action, fields))
        if self.refuses:
            raise ActionRefused(action, self.refuses)
        for line in self.later:
            for event in story(line.format(fields.get("ChannelId"))):
                assert self.part is not None
                self.part.heard(event)
        return SimpleNamespace(message="queued")


def made(
    talks: list[Talk] | None, *, enabled: bool = True, rows: tuple[Supervision, ...] = ()
) -> tuple[Supervising, StandInLink]:
    link = StandInLink()
    watch = Watch("pbx", cast(Any, None), str)
    watch.open = {row.uniqueid: row for row in rows}
    part = Supervising(
        cast(AmiLink, link), watch, lambda interface: talks, lambda _: "Alice", enabled=enabled
    )
    link.part = part
    return part, link


async def supervise(part: Supervising) -> tuple[str, str]:
    return await part.handlers()["agent_supervise"](ASKED)


FAILED = "1 OriginateResponse Response=Failure Reason=3 Uniqueid={0}"
ANSWERED = "1 OriginateResponse Response=Success Reason=4 Uniqueid={0}"
BEGAN = "2 ChanSpyStart SpyerUniqueid={0} SpyeeUniqueid=1.1"
GONE = "2 Hangup Uniqueid={0}"


@pytest.mark.parametrize(
    ("later", "state", "words"),
    [
        ([ANSWERED, BEGAN], "done", "PJSIP/2001 whispers to Alice, who talks to 12025550111"),
        ([FAILED, GONE], "refused", "PJSIP/2001: the phone did not answer"),
        ([GONE, FAILED], "refused", "PJSIP/2001: the phone did not answer"),
        ([ANSWERED, GONE], "refused", "the talk was over before the phone answered"),
        (["1 Hangup Uniqueid=9.9", ANSWERED], "unknown", "did not tell"),
        ([], "unknown", "did not tell"),
    ],
)
async def test_how_it_went(
    later: list[str], state: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in ("RING_SECONDS", "GRACE_SECONDS", "BEGIN_SECONDS"):
        monkeypatch.setattr(carrying_out, seconds, 0.05)
    part, link = made([TALK])
    link.later = later
    outcome = await supervise(part)
    assert outcome[0] == state
    assert words in outcome[1]


async def test_a_right_that_is_missing() -> None:
    part, link = made([TALK])
    link.refuses = "Permission denied"
    state, said = await supervise(part)
    assert state == "refused"
    assert "ccm-supervision.conf" in said


@pytest.mark.parametrize(
    ("talks", "enabled", "words"),
    [
        ([], True, "Alice is not talking"),
        (None, True, "not told yet"),
        ([TALK], False, "switched off"),
    ],
)
async def test_nothing_is_sent(talks: list[Talk] | None, enabled: bool, words: str) -> None:
    part, link = made(talks, enabled=enabled)
    with pytest.raises(InvalidCommand, match=words):
        await supervise(part)
    assert link.sent == []


async def test_ending() -> None:
    rows = tuple(
        Supervision(
            interaction_id=UUID(int=1), segment=1, version=1, node="pbx", interface="PJSIP/1001",
            member_name="Alice", supervisor=phone, channel="", uniqueid=f"u{phone}",
            started_at=at(0),
        )
        for phone in ("PJSIP/2001", "PJSIP/2002")
    )  # fmt: skip
    part, link = made([TALK], rows=rows)
    end = part.handlers()["agent_unsupervise"]
    assert (await end({"interface": "PJSIP/1001", "to": "PJSIP/2002"}))[0] == "done"
    assert [fields["Channel"] for _, fields in link.sent] == ["uPJSIP/2002"]
    assert (await end({"interface": "PJSIP/1001"}))[0] == "done"
    assert len(link.sent) == 3
    with pytest.raises(InvalidCommand, match="no talk of Alice is supervised by PJSIP/9 now"):
        await end({"interface": "PJSIP/1001", "to": "PJSIP/9"})
    with pytest.raises(InvalidCommand, match="no talk"):
        await end({"interface": "PJSIP/1002"})
