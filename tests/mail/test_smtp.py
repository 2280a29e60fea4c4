"""Where a failure falls decides what it is: a scripted server on loopback."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from mail.wire_peer import Close, Hear, HearData, Peer, Say, Step, serving

from ccmiddleware.config_mail import SmtpSettings
from ccmiddleware.errors import ConfigError, TemporaryError
from ccmiddleware.mail.delivery import Attempt, NoAnswer, NotSpoken, Reply, Took, TookNot
from ccmiddleware.mail.smtp import SmtpSender, Submission
from ccmiddleware.mail.smtp import submission as submission_of

ANN, BOB = "ann@x.example", "bob@y.example"
OK = b"250 2.0.0 ok\r\n"
HELLO: list[Step] = [
    Say(b"220 mail.example\r\n"),
    Hear("EHLO desk.example", b"250-mail.example\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n"),
]
NAMED: list[Step] = [
    *HELLO,
    Hear(r"MAIL FROM:<help@shop.example> SIZE=\d+\r", OK),
    Hear("RCPT TO:<ann@x.example>", OK),
    Hear("RCPT TO:<bob@y.example>", OK),
]
GO: list[Step] = [Hear("^DATA", b"354 go ahead\r\n"), HearData()]
CONTENT = b"Subject: x\r\n\r\n.hidden\r\nend\r\n"


@pytest.fixture(autouse=True)
def _do_not_wait_for_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most scripts say nothing to QUIT."""
    monkeypatch.setattr("ccmiddleware.mail.smtp.QUIT_SECONDS", 0.05)


async def send(
    peer: Peer,
    *recipients: str,
    sender: str = "help@shop.example",
    content: bytes = CONTENT,
    security: str = "none",
    spoken: list[int] | None = None,
    user: str = "",
) -> Attempt:
    async def about_to_speak() -> None:
        if spoken is not None:
            spoken.append(len(peer.heard))

    submission = Submission(
        "127.0.0.1", peer.port, security, name="desk.example", seconds=5, user=user, secret="s"
    )  # type: ignore[arg-type]
    return await SmtpSender(lambda: submission).send(
        sender, recipients or (ANN, BOB), content, about_to_speak
    )


async def test_a_message_is_sent_whole_and_announced_before_its_content():
    spoken: list[int] = []
    async with serving([*NAMED, *GO, Say(OK), Hear("QUIT", b"221 bye\r\n")]) as peer:
        assert await send(peer, spoken=spoken) == Took({})
    before = peer.heard[: spoken[0]]
    assert before[-1].startswith(b"RCPT TO:<bob@")
    assert not any(line.startswith(b"DATA") for line in before)
    assert peer.heard[spoken[0] + 1] == b"Subject: x\r\n\r\n..hidden\r\nend\r\n.\r\n"


async def test_whom_the_server_refuses_is_told_and_the_others_get_it():
    script = [*NAMED[:-1], Hear("RCPT", b"550 5.1.1 no such user\r\n"), *GO, Say(OK)]
    async with serving(script) as peer:
        assert await send(peer) == Took({BOB: Reply(550, "5.1.1 no such user")})


async def test_nobody_left_means_no_content():
    spoken: list[int] = []
    script = [*HELLO, Hear("MAIL", OK), Hear("RCPT", b"450 later\r\n"), Hear("RCPT", b"550 no\r\n")]
    async with serving(script) as peer:
        attempt = await send(peer, spoken=spoken)
    refused = {ANN: Reply(450, "later"), BOB: Reply(550, "no")}
    assert attempt == TookNot(Reply(554, "no recipient was accepted"), refused)
    assert spoken == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([*HELLO, Hear("MAIL", b"451 4.3.0 not now\r\n")], Reply(451, "4.3.0 not now")),
        ([*HELLO, Hear("MAIL", b"550 5.7.1 not you\r\n")], Reply(550, "5.7.1 not you")),
        ([*NAMED, Hear("^DATA", b"503 5.5.1 no\r\n")], Reply(503, "5.5.1 no")),
        ([*NAMED, *GO, Say(b"554 5.7.1 spam\r\n")], Reply(554, "5.7.1 spam")),
        ([*NAMED, *GO, Say(b"451-4.3.0 disk\r\n451 full\r\n")], Reply(451, "4.3.0 disk full")),
    ],
)  # fmt: skip
async def test_a_reply_says_what_became_of_it(script: Sequence[Step], expected: Reply):
    async with serving(script) as peer:
        assert await send(peer) == TookNot(expected, {})


@pytest.mark.parametrize(
    "script",
    [
        [Close()],
        [Say(b"554 go away\r\n")],
        [Say(b"nonsense\r\n")],
        [*HELLO, Close()],
        [*HELLO, Hear("MAIL", OK), Close(reset=True)],
        [*NAMED[:-1], Hear("RCPT"), Close()],
        [Say(b"220 x\r\n"), Hear("EHLO", b"421 closing\r\n"), Close()],
    ],
)
async def test_what_fails_before_the_content_may_be_sent_again(script: Sequence[Step]):
    spoken: list[int] = []
    async with serving(script) as peer:
        attempt = await send(peer, spoken=spoken)
    assert isinstance(attempt, NotSpoken), attempt
    assert attempt.reason.startswith(f"SMTP 127.0.0.1:{peer.port}: ")
    assert spoken == []


@pytest.mark.parametrize(
    "last",
    [[Close()], [Close(reset=True)], [Say(b"rubbish\r\n")], [Say(b"354 go\r\n")], [Say(b"250-")]],
)
async def test_what_is_lost_after_the_content_is_unknown(last: Sequence[Step]):
    async with serving([*NAMED, *GO, *last, Close()]) as peer:
        attempt = await send(peer)
    assert isinstance(attempt, NoAnswer), attempt
    assert attempt.reason.startswith(f"SMTP 127.0.0.1:{peer.port}: after DATA: ")


async def test_nothing_is_sent_where_the_announcement_fails():
    async def refused() -> None:
        raise TemporaryError("another daemon leads")

    async with serving(NAMED) as peer:
        sender = SmtpSender(
            lambda: Submission("127.0.0.1", peer.port, "none", name="desk.example", seconds=5)
        )
        with pytest.raises(TemporaryError, match="another daemon leads"):
            await sender.send("help@shop.example", [ANN, BOB], CONTENT, refused)
    assert not any(line.startswith(b"DATA") for line in peer.heard)


async def test_nobody_there():
    async with serving([Close()]) as peer:
        pass
    attempt = await send(peer)
    assert isinstance(attempt, NotSpoken)


async def test_starttls_that_is_not_offered_is_no_reason_to_go_on_without():
    async with serving(HELLO) as peer:
        attempt = await send(peer, security="starttls", user="help")
    assert isinstance(attempt, NotSpoken)
    assert attempt.reason.endswith("offers no STARTTLS")
    assert len(peer.heard) == 1


async def test_a_wrong_password_is_tried_once():
    script = [
        Say(b"220 x\r\n"),
        Hear("EHLO", b"250-x\r\n250 AUTH LOGIN PLAIN CRAM-MD5\r\n"),
        Hear("AUTH PLAIN", b"535 5.7.8 wrong\r\n"),
    ]
    async with serving(script) as peer:
        attempt = await send(peer, user="help")
    assert isinstance(attempt, NotSpoken)
    assert attempt.reason.endswith("535 5.7.8 wrong")
    assert len(peer.heard) == 2


@pytest.mark.parametrize(
    "address", ["a@b>\r\nRCPT TO:<c@d", "a b@c", "<a@b>", "a", "", "a@b\x00", '"a b"@c', "a@b@c"]
)
async def test_no_address_adds_a_command(address: str):
    script = [*HELLO, Hear("MAIL", OK), Hear("RCPT TO:<ann@", OK), *GO, Say(OK)]
    async with serving(script) as peer:
        attempt = await send(peer, address, ANN)
    assert attempt == Took({address: Reply(553, "no address that SMTP can carry")})
    async with serving(HELLO) as peer:
        attempt = await send(peer, ANN, sender=address or " ")
    assert isinstance(attempt, TookNot)


async def test_automatic_mail_has_no_sender():
    script = [*HELLO, Hear(r"MAIL FROM:<> SIZE", OK), Hear("RCPT", OK), *GO, Say(OK)]
    async with serving(script) as peer:
        assert await send(peer, ANN, sender="") == Took({})


async def test_what_the_server_can_not_carry_is_not_sent():
    async with serving([Say(b"220 x\r\n"), Hear("EHLO", b"250 x\r\n")]) as peer:
        attempt = await send(peer, content="Subject: ä\r\n\r\n".encode())
    assert isinstance(attempt, TookNot)
    assert attempt.reply.code == 554
    async with serving(HELLO) as peer:
        attempt = await send(peer, "änn@x.example")
    assert attempt == TookNot(Reply(553, "the server takes no addresses beyond ASCII"), {})


async def test_what_a_server_says_in_another_charset_can_be_written_down():
    script = [*HELLO, Hear("MAIL", b"550 zur\xfcckgewiesen\r\n")]
    async with serving(script) as peer:
        attempt = await send(peer)
    assert isinstance(attempt, TookNot)
    assert attempt.reply.text.encode() == b"zur ckgewiesen"


async def test_a_secret_or_authority_that_is_not_there_is_no_bug():
    async def spoken() -> None: ...

    def without() -> Submission:
        raise ConfigError(["secret_file /nowhere: no such file"])

    for submission, words in (
        (without, "/nowhere"),
        (lambda: Submission("127.0.0.1", 1, ca_file="/nowhere/ca.pem"), "CA file /nowhere/ca.pem"),
    ):
        attempt = await SmtpSender(submission).send("a@b.example", [ANN], CONTENT, spoken)
        assert isinstance(attempt, NotSpoken)
        assert words in attempt.reason


def test_a_submission_is_as_the_settings_say(tmp_path: Path):
    secret = tmp_path / "token"
    secret.write_text("one\n")
    settings = SmtpSettings(
        host="smtp.example", tls="starttls", user="u", secret_file=secret, auth="xoauth2", hello="h"
    )
    made = submission_of(settings)
    assert (made.host, made.port, made.security, made.name) == (
        "smtp.example",
        587,
        "starttls",
        "h",
    )
    assert (made.user, made.secret, made.method) == ("u", "one", "xoauth2")
    secret.write_text("two\n")
    assert submission_of(settings).secret == "two"
    bare = submission_of(SmtpSettings(host="smtp.example", tls="none"))
    assert (bare.port, bare.user, bare.secret) == (25, "", "")
    assert bare.name


async def test_knocking_sends_nothing():
    async with serving([*HELLO, Hear("QUIT", b"221 bye\r\n")]) as peer:
        to = Submission("127.0.0.1", peer.port, "none", name="desk.example", seconds=5)
        assert await SmtpSender(lambda: to).knock() == ""
    reason = await SmtpSender(lambda: to).knock()
    assert f"SMTP 127.0.0.1:{peer.port}: " in reason
