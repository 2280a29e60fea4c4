"""One mailbox is taken in: a real Postgres, a mailbox in memory, and failures at every step."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from mail.test_filing import MAILBOX, NODE, NOW, begin_term, message

from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.mail.filing import Arrived, Decision, Filing, Taken
from ccmiddleware.mail.intake import BATCH, KEYWORD, Fetched, Folder, Intake, Selected
from ccmiddleware.mail.message import Message, Unreadable
from ccmiddleware.mail.threading import Opens
from ccmiddleware.store.database import Database, Session

MADE = {"queue": "support", "address": "help@shop.example", "host": "localhost", "user": "help"}
END = "the connection was lost"


class Box:
    """A mailbox in memory. ``fails`` is a step, and how many of it go well before one fails."""

    def __init__(self) -> None:
        self.validity = 7
        self.messages: dict[int, bytes] = {}
        self.flags: dict[int, set[str]] = {}
        self.moved: list[tuple[int, str]] = []
        self.vanishing: set[int] = set()
        """UIDs that are listed and then deleted before they are fetched."""
        self.fails: dict[str, int] = {}
        self.idles = 0
        self.limit = 1000

    def add(self, *raws: bytes) -> None:
        for raw in raws:
            self.messages[max(self.messages, default=0) + 1] = raw

    def step(self, name: str) -> None:
        if name in self.fails:
            self.fails[name] -= 1
            if self.fails[name] < 0:
                del self.fails[name]
                raise TemporaryError(f"{name}: {END}")

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Folder]:
        self.step("connect")
        yield self

    async def select(self, folder: str) -> Selected:
        self.step("select")
        assert folder == "INBOX"
        return Selected(self.validity, None)

    async def uids_from(self, first: int) -> list[int]:
        self.step("uids_from")
        return sorted(uid for uid in self.messages if uid >= first)

    async def fetch(self, uids: Sequence[int]) -> AsyncIterator[Fetched]:
        for uid in uids:
            self.step("fetch")
            raw = None if uid in self.vanishing else self.messages.get(uid)
            if raw is not None:
                large = len(raw) > self.limit
                yield Fetched(uid, raw[: self.limit], NOW, "too large" if large else "")

    async def idle(self, seconds: float) -> bool:
        self.idles += 1
        self.step("idle")
        raise TemporaryError(f"idle: {END}")  # ends the visit of the test

    async def add_flag(self, uids: Sequence[int], flag: str) -> None:
        self.step("mark")
        for uid in uids:
            self.flags.setdefault(uid, set()).add(flag)

    async def move(self, uids: Sequence[int], folder: str) -> None:
        self.step("mark")
        for uid in uids:
            if self.messages.pop(uid, None) is not None:
                self.moved.append((uid, folder))


class Desk:
    def __init__(self, database: Database, term: int, box: Box, **settings: Any) -> None:
        self.database = database
        self.box = box
        self.filing = Filing(database, NODE, term, MAILBOX, self.decide, lambda: NOW)
        self.intake = Intake(
            MAILBOX,
            MailboxSettings(secret="x", **{**MADE, **settings}),
            self.filing,
            box.connect,
            self.read_all,
            certain=self.certain,
            chance=random.Random(1),
        )

    async def certain(self) -> None: ...

    async def decide(self, session: Session, messages: Sequence[Message]) -> list[Decision]:
        return [Opens("opened")] * len(messages)

    async def read_all(self, raws: Sequence[bytes]) -> list[Message | Unreadable]:
        return [self.read(raw) for raw in raws]

    def read(self, raw: bytes) -> Message | Unreadable:
        if raw.startswith(b"unreadable"):
            return Unreadable("no sense in it", hashlib.sha256(raw).hexdigest(), len(raw))
        return message(raw, text=raw.decode())

    async def visit(self) -> str:
        """One visit, up to what ends it."""
        with pytest.raises(TemporaryError) as caught:
            await self.intake.visit()
        return str(caught.value)

    async def texts(self) -> list[str]:
        rows = await self.database.rows("SELECT body FROM ccm.email ORDER BY body")
        return [row["body"] for row in rows]


@pytest.fixture
async def desk(database: Database) -> Desk:
    return Desk(database, await begin_term(database), Box())


async def test_what_is_there_is_taken_and_then_marked(desk: Desk):
    desk.box.add(b"a", b"b", b"unreadable")
    assert "idle" in await desk.visit()
    assert await desk.texts() == ["a", "b"]
    assert desk.box.flags == {1: {"\\Seen"}, 2: {"\\Seen"}, 3: {"\\Seen"}}
    (held,) = await desk.database.rows("SELECT reason FROM ccm.email_quarantine")
    assert held["reason"] == "no sense in it"
    assert desk.intake.trouble == ""


@pytest.mark.parametrize("step", ["connect", "select", "uids_from", "fetch", "mark", "idle"])
@pytest.mark.parametrize("good", [0, 1, 2])
async def test_a_failure_at_any_step_loses_and_doubles_nothing(desk: Desk, step: str, good: int):
    desk.box.add(*(b"%03d" % number for number in range(BATCH + 2)))
    desk.box.fails = {step: good}
    said = await desk.visit()
    assert END in said
    for _ in range(3):
        await desk.visit()
    assert await desk.texts() == [f"{number:03d}" for number in range(BATCH + 2)]
    assert set(desk.box.flags) == set(desk.box.messages)
    assert await desk.filing.unmarked(7, 10) == []


async def test_what_was_fetched_is_stored_though_the_next_never_comes(desk: Desk):
    """A message at which the connection breaks each time does not hold up those before it."""
    desk.box.add(*(b"%03d" % number for number in range(2 * BATCH)))
    desk.box.fails = {"fetch": BATCH + 1}
    assert "fetch" in await desk.visit()
    assert await desk.texts() == [f"{number:03d}" for number in range(BATCH)]
    assert set(desk.box.flags) == set(range(1, BATCH + 1))


async def test_large_messages_have_transactions_of_their_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    taken: list[int] = []
    take_all = desk.filing.take_all

    async def counted(batch: Sequence[tuple[Arrived, Message | Unreadable]]) -> list[Taken]:
        taken.append(len(batch))
        return await take_all(batch)

    monkeypatch.setattr(desk.filing, "take_all", counted)
    monkeypatch.setattr("ccmiddleware.mail.intake.BATCH_BYTES", 900)
    desk.box.add(b"a", b"b", b"c" * 900, b"d" * 950, b"e")
    await desk.visit()
    assert taken == [3, 1, 1]
    assert len(await desk.texts()) == 5


async def test_what_was_stored_and_not_marked_is_marked_at_the_next_visit(desk: Desk):
    desk.box.add(b"a", b"b")
    desk.box.fails = {"mark": 0}
    assert "mark" in await desk.visit()
    assert await desk.texts() == ["a", "b"]
    assert desk.box.flags == {}
    await desk.visit()
    assert desk.box.flags == {1: {"\\Seen"}, 2: {"\\Seen"}}


async def test_flags_of_others_do_not_make_us_skip(desk: Desk):
    desk.box.add(b"a", b"b")
    desk.box.flags = {1: {"\\Seen"}}
    await desk.visit()
    assert await desk.texts() == ["a", "b"]


async def test_what_is_deleted_under_our_hands_is_passed(desk: Desk):
    desk.box.add(b"a", b"b", b"c")
    desk.box.vanishing = {1, 3}
    await desk.visit()
    assert await desk.texts() == ["b"]
    assert await desk.filing.begin_folder(7) == 4


async def test_uids_that_begin_anew_double_nothing(desk: Desk):
    desk.box.add(b"a", b"b")
    await desk.visit()
    desk.box.validity, desk.box.flags = 9, {}
    desk.box.messages = {1: b"b", 2: b"new", 3: b"a"}
    await desk.visit()
    assert await desk.texts() == ["a", "b", "new"]
    assert set(desk.box.flags) == {1, 2, 3}


async def test_messages_are_moved_where_the_settings_say_so(database: Database):
    desk = Desk(database, await begin_term(database), Box(), mark="move", move_to="Taken")
    desk.box.add(b"a", b"b")
    await desk.visit()
    assert desk.box.moved == [(1, "Taken"), (2, "Taken")]
    desk.box.add(b"c")  # a server never gives a UID twice; this one has no memory
    desk.box.messages = {3: b"c"}
    await desk.visit()
    assert await desk.texts() == ["a", "b", "c"]


async def test_a_keyword_leaves_them_unseen(database: Database):
    desk = Desk(database, await begin_term(database), Box(), mark="keyword")
    desk.box.add(b"a")
    await desk.visit()
    assert desk.box.flags == {1: {KEYWORD}}


async def test_of_what_is_too_large_the_header_is_held(desk: Desk):
    desk.box.add(b"x" * 1001, b"a")
    await desk.visit()
    assert await desk.texts() == ["a"]
    (held,) = await desk.database.rows(
        "SELECT q.reason, q.subject, r.whole, octet_length(r.content) AS size"
        " FROM ccm.email_quarantine AS q JOIN ccm.email_arrival AS a USING (id)"
        " JOIN ccm.email_raw AS r USING (sha256)"
    )
    assert held["reason"] == "too large; the rest of it is in the mailbox"
    assert (held["subject"], held["whole"], held["size"]) == ("Where is my parcel?", False, 1000)


async def test_who_no_longer_leads_takes_and_marks_nothing(desk: Desk):
    desk.box.add(b"a")
    await begin_term(desk.database)
    assert "no longer leads" in await desk.visit()
    assert await desk.texts() == []
    assert desk.box.flags == {}


async def test_a_refused_login_is_told_and_not_tried_again_at_once(desk: Desk):
    tries = 0

    @asynccontextmanager
    async def refused() -> AsyncIterator[Folder]:
        nonlocal tries
        tries += 1
        raise PermanentError("login of help refused")
        yield desk.box

    desk.intake._connect = refused
    task = asyncio.get_running_loop().create_task(desk.intake.run())
    for _ in range(10):  # it has nothing to wait for but the login and Postgres
        await asyncio.sleep(0.05)
    assert desk.intake.trouble == "login of help refused"
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert tries == 1
