"""The mailbox against a server that does what no good one does: it never hangs and never lies."""

import asyncio
import logging
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Sequence

import pytest
from wire_peer import Close, Hear, Pause, Peer, Say, Step, serving

from ccmiddleware.errors import CcmError, PermanentError, TemporaryError
from ccmiddleware.mail import imap
from ccmiddleware.mail.imap import AuthenticationRefused, Fetched, Mailbox

QUICK = imap.Patience(connect=2, quiet=0.3, longest=1)
SLOW = imap.Patience(connect=20, quiet=20, longest=60)
SMALL = imap.Limits(message_bytes=1000, header_bytes=100, batch_bytes=1500, batch=3)
CAPABLE = b"* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS AUTH=XOAUTH2\r\n@ OK\r\n"


def way_in(capabilities: bytes = CAPABLE) -> list[Step]:
    return [
        Say(b"* OK hello\r\n"),
        Hear("CAPABILITY", capabilities),
        Hear(r'LOGIN "ann" "se\\"cret"', b"@ OK in\r\n"),
        Hear("CAPABILITY", capabilities),
    ]


SELECTED = Hear(
    'SELECT "INBOX"',
    b"* 3 EXISTS\r\n* OK [UIDVALIDITY 17] x\r\n* OK [UIDNEXT 10] x\r\n"
    b"* OK [PERMANENTFLAGS (\\Seen \\*)] x\r\n@ OK [READ-WRITE] y\r\n",
)


def server(peer: Peer) -> imap.Server:
    return imap.Server("127.0.0.1", peer.port, "plain")


async def mailbox(
    peer: Peer,
    patience: imap.Patience = SLOW,
    login: imap.Login = imap.Login("ann", 'se"cret'),  # noqa: B008 - it is frozen
) -> Mailbox:
    return await imap.connect(server(peer), login, patience, SMALL)


async def selected(peer: Peer, patience: imap.Patience = SLOW) -> Mailbox:
    box = await mailbox(peer, patience)
    await box.select("INBOX")
    return box


async def all_of(fetched: AsyncIterator[Fetched]) -> list[Fetched]:
    return [one async for one in fetched]


def script(*steps: Step, capabilities: bytes = CAPABLE) -> list[Step]:
    return [*way_in(capabilities), SELECTED, *steps]


# --- the way in -------------------------------------------------------------------------------


async def test_a_folder_is_selected_and_said_what_it_is() -> None:
    async with serving([*way_in(), SELECTED, Hear("LOGOUT", b"* BYE\r\n@ OK\r\n")]) as peer:
        async with await mailbox(peer) as box:
            found = await box.select("INBOX")
            assert found == imap.Selected(
                "INBOX", 17, 10, 3, read_only=False, kept_flags=frozenset({"\\Seen", "\\*"})
            )
        assert box.over == "closed"


GREETINGS: list[tuple[Sequence[Step], str]] = [
    ([Say(b"* BYE too busy\r\n")], "too busy"),
    ([Say(b"\xff\xfe\x00garbage\r\n")], "greeted with"),
    ([Say(b"HTTP/1.1 400 Bad Request\r\n")], "greeted with"),
    ([Say(b"* OK half a li"), Close()], "closed the connection"),
    ([Close(reset=True)], "connection"),
    ([Pause(0)], "not connected in time"),
    ([Say(b"x" * 9_000_000)], "longer than"),
]


@pytest.mark.parametrize(("steps", "reason"), GREETINGS)
async def test_a_bad_greeting_is_a_temporary_error(steps: Sequence[Step], reason: str) -> None:
    async with serving(steps) as peer:
        with pytest.raises(TemporaryError, match=reason):
            await mailbox(peer, QUICK)


async def test_nobody_listens() -> None:
    async with serving([]) as peer:
        pass
    with pytest.raises(TemporaryError, match=f"IMAP 127.0.0.1:{peer.port}"):
        await mailbox(peer)


async def test_a_wrong_password_is_an_authentication_error() -> None:
    steps = [*way_in()[:2], Hear("LOGIN", b"@ NO [AUTHENTICATIONFAILED] go\x1b[31m away\r\n")]
    async with serving(steps) as peer:
        with pytest.raises(AuthenticationRefused, match=r"login of ann refused: .*go \[31m away"):
            await mailbox(peer)


async def test_a_server_that_is_not_available_is_none() -> None:
    steps = [*way_in()[:2], Hear("LOGIN", b"@ NO [UNAVAILABLE] later\r\n")]
    async with serving(steps) as peer:
        with pytest.raises(TemporaryError, match="later"):
            await mailbox(peer)


async def test_a_bad_token_is_an_authentication_error_at_once_with_its_reason() -> None:
    challenge = b64encode(b'{"status":"401"}')
    steps = [
        *way_in()[:2],
        Hear("AUTHENTICATE XOAUTH2", b"+ %b\r\n" % challenge),
        Hear("^\r\n$"),
        Say(b"@ NO failed\r\n"),
    ]
    # The tag is that of AUTHENTICATE: the empty answer has none.
    async with serving(steps) as peer:
        with pytest.raises(AuthenticationRefused, match=r'failed.*"401"'):
            await mailbox(peer, login=imap.Login("ann", "t0ken", "xoauth2"))
        sent = b64decode(peer.heard[1].split()[-1])
        assert sent == b"user=ann\1auth=Bearer t0ken\1\1"


async def test_capabilities_are_those_after_the_login() -> None:
    steps = way_in(b"* CAPABILITY IMAP4rev1\r\n@ OK\r\n")
    steps[-1] = Hear("CAPABILITY", b"* OK still here\r\n* capability imap4rev1 move\r\n@ OK\r\n")
    async with serving(steps) as peer:
        box = await mailbox(peer)
        assert box.capabilities == {"IMAP4REV1", "MOVE"}
        await box.close()


async def test_no_password_goes_to_a_server_that_wants_tls_first() -> None:
    steps = [Say(b"* OK\r\n"), Hear("CAPA", b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n@ OK\r\n")]
    async with serving(steps) as peer:
        with pytest.raises(PermanentError, match="starttls"):
            await mailbox(peer)


STARTTLS = b"* CAPABILITY IMAP4rev1 STARTTLS\r\n@ OK\r\n"
NO_TLS: list[tuple[Sequence[Step], type[CcmError], str]] = [
    ([Say(b"* OK\r\n"), Hear("CAPA", b"* CAPABILITY IMAP4rev1\r\n@ OK\r\n")],
     PermanentError, "offers no STARTTLS"),
    ([Say(b"* PREAUTH in already\r\n")], PermanentError, "PREAUTH"),
    ([Say(b"* OK\r\n"), Hear("CAPA", STARTTLS), Hear("STARTTLS", b"@ OK\r\n* 1 EXISTS\r\nA")],
     PermanentError, "between STARTTLS and TLS"),
    ([Say(b"* OK\r\n"), Hear("CAPA", STARTTLS), Hear("STARTTLS", b"@ NO\r\n")],
     PermanentError, "STARTTLS: NO"),
    ([Say(b"* OK\r\n"), Hear("CAPA", STARTTLS), Hear("STARTTLS", b"@ OK\r\n"), Pause(0.2),
      Say(b"hello")],
     TemporaryError, "IMAP 127.0.0.1"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "kind", "reason"), NO_TLS)
async def test_nothing_secret_is_said_without_tls(
    steps: Sequence[Step], kind: type[CcmError], reason: str
) -> None:
    async with serving(steps) as peer:
        with pytest.raises(kind, match=reason):
            await imap.connect(
                imap.Server("127.0.0.1", peer.port, "starttls"), imap.Login("ann", "x"), QUICK
            )
        assert not any(b"LOGIN" in line for line in peer.heard)


async def test_secrets_and_mail_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(way_in()) as peer:
        await (await mailbox(peer)).close()
    assert "cret" not in caplog.text
    assert "hello" not in caplog.text
    assert "cret" not in repr(imap.Login("ann", "secret"))


# --- loss, silence, nonsense ------------------------------------------------------------------

BREAKS: list[tuple[Step, str]] = [
    (Close(), "closed the connection"),
    (Close(reset=True), "connection"),
    (Pause(0), "in time"),
    (Say(b"* BYE shutting down\r\n"), "in time"),
    (Say(b"@ WHAT\r\n"), "not IMAP"),
    (Say(b"\x00\x01\x02\r\n"), "not IMAP"),
    (Say(b"ZZ9 OK not yours\r\n"), "not IMAP"),
    (Say(b"+ go on\r\n"), "not IMAP"),
    (Say(b"* 3 FETCH (UID 3 BODY[] {99999999}\r\n"), "more than was asked"),
    (Say(b"* x EXISTS\r\n"), "not IMAP"),
    (Say(b"* SEARCH 1 two\r\n@ OK\r\n"), "not IMAP"),
]


@pytest.mark.parametrize(("step", "reason"), BREAKS)
async def test_a_command_that_is_not_answered_ends_the_connection(step: Step, reason: str) -> None:
    async with serving(script(Hear("SEARCH"), step)) as peer:
        box = await selected(peer, QUICK)
        with pytest.raises(TemporaryError, match=reason):
            await box.uids_from(1)
        assert box.over
        with pytest.raises(TemporaryError, match="NOOP not sent"):
            await box.noop()
        await box.logout()


async def test_the_reason_of_a_bye_is_told() -> None:
    async with serving(script(Hear("SEARCH", b"* BYE over quota\r\n"), Close())) as peer:
        box = await selected(peer)
        with pytest.raises(TemporaryError, match="BYE: over quota"):
            await box.uids_from(1)


async def test_a_connection_lost_within_a_literal() -> None:
    steps = script(
        Hear("FETCH 3 .UID RFC822", b"* 1 FETCH (UID 3 RFC822.SIZE 50)\r\n@ OK\r\n"),
        Hear("BODY.PEEK", b"* 1 FETCH (UID 3 BODY[] {50}\r\nonly this"),
        Close(),
    )
    async with serving(steps) as peer:
        box = await selected(peer)
        with pytest.raises(TemporaryError, match="FETCH: the server closed"):
            await all_of(box.fetch([3]))


async def test_an_answer_that_trickles_for_ever_is_given_up() -> None:
    trickle = [step for _ in range(400) for step in (Say(b"* OK wait\r\n"), Pause())]
    async with serving(script(Hear("SEARCH"), *trickle)) as peer:
        box = await selected(peer, imap.Patience(connect=2, quiet=5, longest=0.3))
        with pytest.raises(TemporaryError, match="in time"):
            await box.uids_from(1)


async def test_untagged_bytes_without_end_are_not_kept() -> None:
    flood = [Say(b"* OK " + b"x" * 1_000_000 + b"\r\n")] * 20
    async with serving(script(Hear("SEARCH"), *flood)) as peer:
        box = await selected(peer)
        with pytest.raises(TemporaryError, match="for one command"):
            await box.uids_from(1)


async def test_whoever_waits_is_woken_when_the_connection_is_lost() -> None:
    async with serving(script(Hear("IDLE", b"+ idling\r\n"), Close())) as peer:
        box = await selected(peer)
        waiting = await asyncio.gather(box.idle(1000), box.noop(), return_exceptions=True)
        assert [type(one) for one in waiting] == [TemporaryError, TemporaryError]


async def test_a_cancelled_command_ends_the_connection() -> None:
    async with serving(script(Hear("SEARCH"))) as peer:
        box = await selected(peer)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await box.uids_from(1)
        with pytest.raises(TemporaryError, match="NOOP not sent"):
            await box.noop()


async def test_commands_wait_for_each_other() -> None:
    steps = [Hear("NOOP", b"* OK a\r\n@ OK\r\n")] * 20
    async with serving(script(*steps)) as peer:
        box = await selected(peer)
        await asyncio.gather(*(box.noop() for _ in range(20)))
        await box.close()


# --- IDLE -------------------------------------------------------------------------------------


def idling(answer: bytes) -> list[Step]:
    """DONE has no tag: the answer after it is that of IDLE."""
    return [Hear("IDLE", answer), Hear("^DONE\r$", b"@ OK\r\n"), Hear("NOOP", b"@ OK\r\n")]


async def test_idle_ends_when_a_message_is_told() -> None:
    told = b"+ idling\r\n* OK Still here\r\n* 4 EXISTS\r\n"
    async with serving(script(*idling(told))) as peer:
        box = await selected(peer)
        assert await box.idle(1000) is True
        await box.noop()


async def test_idle_ends_with_its_time() -> None:
    async with serving(script(*idling(b"* OK\r\n+ idling\r\n* 2 EXPUNGE\r\n"))) as peer:
        box = await selected(peer)
        assert await box.idle(0.1) is False
        await box.noop()


async def test_idle_does_not_wait_for_what_was_told_before() -> None:
    steps = script(Hear("SEARCH", b"* SEARCH 3\r\n* 4 EXISTS\r\n@ OK\r\n"))
    async with serving(steps) as peer:
        box = await selected(peer)
        assert await box.uids_from(1) == [3]
        assert await box.idle(1000) is True


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([Hear("IDLE", b"@ BAD no\r\n")], PermanentError),
        ([Hear("IDLE", b"@ NO [UNAVAILABLE] no\r\n")], TemporaryError),
        ([Hear("IDLE")], TemporaryError),
        ([Hear("IDLE", b"+\r\n"), Hear("DONE")], TemporaryError),
        ([Hear("IDLE", b"+\r\n* BYE idle for too long\r\n"), Close()], TemporaryError),
    ],
)
async def test_idle_that_fails(steps: list[Step], kind: type[CcmError]) -> None:
    async with serving(script(*steps)) as peer:
        box = await selected(peer, QUICK)
        with pytest.raises(kind):
            await box.idle(0.1)


async def test_a_server_without_idle_is_asked() -> None:
    plain = b"* CAPABILITY IMAP4rev1\r\n@ OK\r\n"
    steps = script(Hear("NOOP", b"* 4 EXISTS\r\n@ OK\r\n"), capabilities=plain)
    async with serving(steps) as peer:
        box = await selected(peer)
        assert await box.idle(0.05) is True


# --- messages ---------------------------------------------------------------------------------


async def test_what_others_do_meanwhile_is_no_part_of_the_answer() -> None:
    noise = b"* 2 EXPUNGE\r\n* 7 EXISTS\r\n* 1 FETCH (FLAGS (\\Seen))\r\n* OK hm\r\n"
    steps = script(
        Hear(
            "SIZE", noise + b"* 1 FETCH (UID 3 RFC822.SIZE 4 FLAGS (x))\r\n" + noise + b"@ OK\r\n"
        ),
        Hear("BODY.PEEK", noise + b'* 1 FETCH (BODY[]<0> "a * b" UID 3)\r\n' + noise + b"@ OK\r\n"),
    )
    async with serving(steps) as peer:
        box = await selected(peer)
        assert await all_of(box.fetch([3])) == [Fetched(3, 4, frozenset({"x"}), b"a * b")]


async def test_batches_have_limits_and_what_is_too_large_comes_as_its_header() -> None:
    sizes = b"".join(
        b"* 1 FETCH (UID %d RFC822.SIZE %d FLAGS ())\r\n" % (uid, size)
        for uid, size in [(1, 10), (2, 10), (3, 10), (4, 900), (5, 900), (6, 1001)]
    )
    body = b"* 1 FETCH (UID %d BODY[] {1}\r\nm)\r\n"
    steps = script(
        Hear("UID FETCH 1:6 .UID RFC822", sizes + b"@ OK\r\n"),
        Hear(r"FETCH 1:3 \(UID BODY.PEEK\[\]<0.1001>\)",
             body % 1 + body % 2 + body % 3 + b"@ OK\r\n"),
        Hear("FETCH 4 ", body % 4 + b"@ OK\r\n"),
        Hear("FETCH 5 ", body % 5 + b"@ OK\r\n"),
        Hear(r"FETCH 6 \(UID BODY.PEEK\[HEADER\]<0.100>",
             b"* 9 FETCH (UID 6 BODY[HEADER]<0> {2}\r\nh:)\r\n@ OK\r\n"),
    )  # fmt: skip
    async with serving(steps) as peer:
        box = await selected(peer)
        got = await all_of(box.fetch([6, 5, 4, 3, 2, 1]))
    assert [(one.uid, one.raw) for one in got] == [
        (1, b"m"), (2, b"m"), (3, b"m"), (4, b"m"), (5, b"m"), (6, b"h:")
    ]  # fmt: skip
    assert [one.problem for one in got] == [""] * 5 + ["1001 bytes are more than the limit of 1000"]


async def test_a_size_that_lies_is_noticed() -> None:
    steps = script(
        Hear("SIZE", b"* 1 FETCH (UID 3 RFC822.SIZE 4)\r\n@ OK\r\n"),
        Hear("BODY", b"* 1 FETCH (UID 3 BODY[]<0> {1001}\r\n" + b"x" * 1001 + b")\r\n@ OK\r\n"),
    )
    async with serving(steps) as peer:
        box = await selected(peer)
        (one,) = await all_of(box.fetch([3]))
    assert len(one.raw) == 100
    assert "limit of 1000" in one.problem


async def test_a_message_expunged_between_its_size_and_its_bytes_is_left_out() -> None:
    both = b"* 1 FETCH (UID 3 RFC822.SIZE 4)\r\n* 2 FETCH (UID 4 RFC822.SIZE 4)\r\n@ OK\r\n"
    steps = script(
        Hear("FETCH 3:4 .UID RFC", both),
        Hear("FETCH 3:4 .UID BODY",
             b"* 1 FETCH (UID 4 BODY[] {1}\r\nm)\r\n@ NO [EXPUNGEISSUED] x\r\n"),
        Hear("FETCH 3 .UID RFC", b"@ OK\r\n"),
    )  # fmt: skip
    async with serving(steps) as peer:
        box = await selected(peer)
        assert [one.uid for one in await all_of(box.fetch([3, 4]))] == [4]


async def test_one_that_the_server_cannot_give_holds_up_nobody() -> None:
    both = b"* 1 FETCH (UID 3 RFC822.SIZE 4)\r\n* 2 FETCH (UID 4 RFC822.SIZE 4)\r\n@ OK\r\n"
    steps = script(
        Hear("FETCH 3:4 .UID RFC", both),
        Hear("FETCH 3:4 .UID BODY", b"@ NO broken\r\n"),
        Hear("FETCH 3 .UID RFC", b"* 1 FETCH (UID 3 RFC822.SIZE 4)\r\n@ OK\r\n"),
        Hear("FETCH 3 .UID BODY", b"* 1 FETCH (UID 3 BODY[] NIL)\r\n@ NO broken\r\n"),
        Hear("FETCH 4 .UID RFC", b"* 2 FETCH (UID 4 RFC822.SIZE 4)\r\n@ OK\r\n"),
        Hear("FETCH 4 .UID BODY", b"* 2 FETCH (UID 4 BODY[] {1}\r\nm)\r\n@ OK\r\n"),
    )
    async with serving(steps) as peer:
        box = await selected(peer)
        got = await all_of(box.fetch([3, 4]))
    assert [(one.uid, one.raw, one.problem) for one in got] == [
        (3, b"", "the server does not give it: NO broken"), (4, b"m", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"@ NO [NOPERM] no\r\n", PermanentError),
        (b"@ BAD what\r\n", PermanentError),
        (b"@ NO [INUSE] later\r\n", TemporaryError),
    ],
)
async def test_refusals_are_errors_that_say_what_and_where(
    answer: bytes, kind: type[CcmError]
) -> None:
    async with serving(script(Hear("SEARCH", answer), Hear("NOOP", b"@ OK\r\n"))) as peer:
        box = await selected(peer)
        with pytest.raises(kind, match=rf"IMAP 127.0.0.1:{peer.port}: search: (NO|BAD) "):
            await box.uids_from(1)
        await box.noop()  # a refusal is an answer: the connection goes on
        await box.close()


async def test_flags_that_would_not_last_are_refused() -> None:
    answer = b"* OK [UIDVALIDITY 1] x\r\n* OK [PERMANENTFLAGS (\\Seen)] x\r\n@ OK\r\n"
    steps = [
        *way_in(),
        Hear("SELECT", answer),
        Hear(r"STORE 4 \+FLAGS.SILENT \(.seen\)", b"@ OK\r\n"),
    ]
    async with serving(steps) as peer:
        box = await mailbox(peer)
        await box.select("INBOX")
        await box.add_flag([4], "\\seen")
        for flag, reason in (
            ("Stored", "keeps no flag"),
            ("a b", "is no flag"),
            ("x)\r\n", "is no"),
        ):
            with pytest.raises(PermanentError, match=reason):
                await box.add_flag([4], flag)
        await box.close()
        assert peer.heard[-1].startswith(peer.heard[-1].split()[0] + b" UID STORE")


async def test_move_creates_the_folder_when_it_is_missing() -> None:
    steps = script(
        Hear('UID MOVE 4:5 "Done"', b"@ NO [TRYCREATE] no\r\n"),
        Hear('STATUS "Done"', b"@ NO [NONEXISTENT] no\r\n"),
        Hear('CREATE "Done"', b"@ OK\r\n"),
        Hear('UID MOVE 4:5 "Done"', b"@ OK\r\n"),
    )
    async with serving(steps) as peer:
        box = await selected(peer)
        await box.move([5, 4], "Done")
        await box.close()


@pytest.mark.parametrize("uidplus", [True, False])
async def test_move_without_move_expunges_nobody_elses_messages(uidplus: bool) -> None:
    capabilities = b"* CAPABILITY IMAP4rev1%b\r\n@ OK\r\n" % (b" UIDPLUS" if uidplus else b"")
    steps: list[Step] = [
        Hear('UID COPY 4 "Done"', b"@ OK\r\n"),
        Hear(r"UID STORE 4 \+FLAGS.SILENT \(.Deleted\)", b"@ OK\r\n"),
    ]
    if uidplus:
        steps.append(Hear("UID EXPUNGE 4\r", b"* 1 EXPUNGE\r\n@ OK\r\n"))
    async with serving(script(*steps, capabilities=capabilities)) as peer:
        box = await selected(peer)
        await box.move([4], "Done")
        await box.close()
        assert not any(b" EXPUNGE\r" in line for line in peer.heard)


async def test_a_folder_without_uidvalidity_is_of_no_use() -> None:
    async with serving([*way_in(), Hear("SELECT", b"* 0 EXISTS\r\n@ OK\r\n")]) as peer:
        box = await mailbox(peer)
        with pytest.raises(PermanentError, match="UIDVALIDITY"):
            await box.select("INBOX")
        await box.close()
