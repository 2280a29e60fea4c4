"""Each message goes out once, or is known to be unknown: a real Postgres, a server that is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from mail.test_filing import MAILBOX, NODE, NOW, QUEUE, begin_term

from ccmiddleware.errors import TemporaryError
from ccmiddleware.mail.delivery import Attempt, NoAnswer, NotSpoken, Reply, Took, TookNot
from ccmiddleware.mail.filing import Filing
from ccmiddleware.mail.outbox import NotOursAnyMore, Outbox, Pace, domain_of, put
from ccmiddleware.mail.threading import Opens
from ccmiddleware.store.border import Rejected
from ccmiddleware.store.database import Database, Session

NOBODY, BUSY = Reply(550, "no such user"), Reply(450, "later")


class Killed(BaseException):
    """The daemon is killed here."""


class Server:
    """Takes messages; ``answers`` are given one after the other, then it takes all."""

    def __init__(self) -> None:
        self.has: list[tuple[str, tuple[str, ...]]] = []
        self.answers: list[Attempt] = []
        self.named: list[tuple[str, ...]] = []
        self.before: Callable[[], Awaitable[None]] | None = None
        """Done after the recipients and before the content."""
        self.after: Callable[[], Awaitable[None]] | None = None
        """Done when it has the content, before its answer."""

    async def send(
        self,
        envelope_from: str,
        recipients: Sequence[str],
        content: bytes,
        about_to_speak: Callable[[], Awaitable[None]],
    ) -> Attempt:
        self.named.append(tuple(recipients))
        answer = self.answers.pop(0) if self.answers else Took({})
        if isinstance(answer, NotSpoken):
            return answer
        if self.before is not None:
            await self.before()
        await about_to_speak()
        if not isinstance(answer, TookNot):
            refused = answer.refused if isinstance(answer, Took) else {}
            got = tuple(one for one in recipients if one not in refused)
            self.has.append((content.decode(), got))
        if self.after is not None:
            await self.after()
        return answer


class Post:
    """The outbox of a node, and a clock."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.server = Server()
        self.now = NOW
        self.mailbox = UUID(int=0)

    async def prepare(self) -> int:
        term = await begin_term(self.database)

        async def decide(*_: object) -> Opens:
            return Opens("")

        await Filing(self.database, NODE, term, MAILBOX, decide, lambda: NOW).open(QUEUE)
        self.mailbox = (await self.database.rows("SELECT id FROM ccm.mailbox"))[0]["id"]
        return term

    def outbox(self, term: int, **given: Any) -> Outbox:
        async def certain() -> None: ...

        return Outbox(
            NODE, term, self.database, self.server, certain=certain, clock=lambda: self.now, **given
        )

    async def put(self, number: int, *recipients: str, **given: Any) -> bool:
        async with self.database.transaction() as transaction:
            return await put(
                transaction,
                id=given.get("id", UUID(int=number)),
                mailbox=self.mailbox,
                conversation=None,
                kind="answer",
                message_id=f"{number}@shop.example",
                envelope_from="help@shop.example",
                recipients=recipients or ("ann@x.example",),
                content=b"message %d" % number,
                now=self.now,
            )

    async def states(self) -> dict[int, str]:
        rows = await self.database.rows("SELECT id, state FROM ccm.outbox ORDER BY id")
        return {row["id"].int: row["state"] for row in rows}

    async def one(self, number: int = 1) -> dict[str, Any]:
        (row,) = await self.database.rows(
            "SELECT * FROM ccm.outbox WHERE id = $1", UUID(int=number)
        )
        return dict(row)


@pytest.fixture
async def post(database: Database) -> Post:
    return Post(database)


async def test_a_message_is_sent_once(post: Post):
    outbox = post.outbox(await post.prepare())
    assert await post.put(1, "ann@x.example", "bob@Y.example")
    assert await outbox.send_next()
    assert not await outbox.send_next()
    assert post.server.has == [("message 1", ("ann@x.example", "bob@Y.example"))]
    row = await post.one()
    assert (row["state"], row["done_at"], row["attempts"]) == ("sent", NOW, 1)


async def test_putting_it_twice_is_putting_it_once(post: Post):
    await post.prepare()
    assert await post.put(1)
    assert not await post.put(1)
    with pytest.raises(Rejected, match="outbox_message_id_unique"):
        await post.put(1, id=UUID(int=2))
    assert await post.states() == {1: "queued"}


async def test_who_was_deferred_is_tried_later_and_alone(post: Post):
    outbox = post.outbox(await post.prepare())
    await post.put(1, "ann@x.example", "bob@y.example", "cy@z.example")
    post.server.answers = [Took({"ann@x.example": BUSY, "cy@z.example": NOBODY})]
    await outbox.send_next()
    assert await post.states() == {1: "queued"}
    assert not await outbox.send_next()
    post.now += timedelta(minutes=1)
    assert await outbox.send_next()
    assert post.server.named[1] == ("ann@x.example",)
    assert await post.states() == {1: "sent"}
    rows = await post.database.rows("SELECT address, state, code FROM ccm.outbox_recipient")
    assert {row["address"]: (row["state"], row["code"]) for row in rows} == {
        "ann@x.example": ("sent", None),
        "bob@y.example": ("sent", None),
        "cy@z.example": ("refused", 550),
    }


async def test_a_refusal_is_seen(post: Post):
    outbox = post.outbox(await post.prepare())
    await post.put(1)
    post.server.answers = [TookNot(Reply(554, "not this"), {})]
    await outbox.send_next()
    row = await post.one()
    assert (row["state"], row["reason"]) == ("failed", "ann@x.example: 554 not this")


async def test_no_connection_is_tried_again_until_it_is_given_up(post: Post):
    outbox = post.outbox(await post.prepare(), give_up_after=timedelta(hours=1))
    await post.put(1)
    while (await post.states())[1] == "queued":
        post.server.answers = [NotSpoken("connection refused")]
        await outbox.send_next()
        post.now += timedelta(minutes=1)
    row = await post.one()
    assert (row["state"], row["reason"]) == ("failed", "ann@x.example: connection refused")
    assert row["attempts"] == 5  # after 0, 1, 6, 21 and 51 minutes
    assert post.server.has == []


async def test_an_answer_that_never_came_is_not_sent_again(post: Post):
    outbox = post.outbox(await post.prepare())
    await post.put(1)
    post.server.answers = [NoAnswer("connection lost")]
    await outbox.send_next()
    post.now += timedelta(days=9)
    assert not await outbox.send_next()
    row = await post.one()
    assert (row["state"], row["reason"]) == ("unknown", "connection lost")


async def test_killed_before_the_content_it_is_sent_by_the_next_leader(post: Post):
    async def die() -> None:
        raise Killed

    outbox = post.outbox(await post.prepare())
    await post.put(1)
    post.server.before = die
    with pytest.raises(Killed):
        await outbox.send_next()
    post.server.before = None
    assert await post.states() == {1: "claimed"}
    later = post.outbox(await begin_term(post.database))
    await later.take_up()
    assert await later.send_next()
    assert post.server.has == [("message 1", ("ann@x.example",))]


@pytest.mark.parametrize(
    ("policy", "state", "copies"), [("hold", "unknown", 1), ("resend", "queued", 2)]
)
async def test_killed_after_the_content_it_is_unknown(
    post: Post, policy: str, state: str, copies: int
):
    async def die() -> None:
        raise Killed

    outbox = post.outbox(await post.prepare(), unknown=policy)
    await post.put(1)
    post.server.after = die
    with pytest.raises(Killed):
        await outbox.send_next()
    post.server.after = None
    later = post.outbox(await begin_term(post.database), unknown=policy)
    await later.take_up()
    assert await post.states() == {1: state}
    await later.send_next()
    assert len(post.server.has) == copies


async def test_a_leader_that_lost_the_lead_sends_no_content(post: Post):
    other: list[Outbox] = []

    async def lose() -> None:
        other.append(post.outbox(await begin_term(post.database)))
        await other[0].take_up()

    outbox = post.outbox(await post.prepare())
    await post.put(1)
    post.server.before = lose
    assert await outbox.send_next()
    assert post.server.has == []
    assert await post.states() == {1: "queued"}
    post.server.before = None
    assert not await outbox.send_next()
    assert await other[0].send_next()
    assert len(post.server.has) == 1


async def test_the_truth_that_comes_late_is_written(post: Post):
    """A leader was frozen after the content; the next one called the message unknown."""

    async def lose() -> None:
        await post.outbox(await begin_term(post.database)).take_up()
        assert await post.states() == {1: "unknown"}

    outbox = post.outbox(await post.prepare())
    await post.put(1)
    post.server.after = lose
    await outbox.send_next()
    assert await post.states() == {1: "sent"}


async def test_postgres_away_when_the_answer_comes(post: Post, monkeypatch: pytest.MonkeyPatch):
    outbox = post.outbox(await post.prepare())
    await post.put(1)
    away = 2
    real = Outbox._write

    async def write(self: Outbox, *arguments: Any) -> None:
        nonlocal away
        if away:
            away -= 1
            raise TemporaryError("Postgres is away")
        await real(self, *arguments)

    monkeypatch.setattr(Outbox, "_write", write)
    monkeypatch.setattr("ccmiddleware.mail.outbox.RETRY_SECONDS", 0.01)
    await outbox.send_next()
    assert away == 0
    assert await post.states() == {1: "sent"}


async def test_postgres_away_before_the_content_sends_nothing(post: Post):
    async def away() -> None:
        raise TemporaryError("Postgres is away")

    outbox = post.outbox(await post.prepare())
    await post.put(1)
    post.server.before = away
    await outbox.send_next()
    assert post.server.has == []
    assert await post.states() == {1: "queued"}


async def test_postgres_away_before_it_says_what_was_claimed(
    post: Post, monkeypatch: pytest.MonkeyPatch
):
    outbox = post.outbox(await post.prepare())
    for number in (1, 2):
        await post.put(number)
    real = Database.fetchrow

    async def away(self: Database, query: str, *arguments: Any) -> Any:
        await real(self, query, *arguments)
        raise TemporaryError("Postgres is away")

    with monkeypatch.context() as lost:
        lost.setattr(Database, "fetchrow", away)
        with pytest.raises(TemporaryError):
            await outbox.send_next()
    assert await post.states() == {1: "claimed", 2: "queued"}

    async def look() -> None:
        await outbox.take_up()
        assert await post.states() == {1: "queued", 2: "claimed"}

    post.server.before = look  # and what is in hand stays so
    await post.database.rows("UPDATE ccm.outbox SET next_attempt_at = next_attempt_at - interval"
                             " '1 minute' WHERE message_id LIKE '2@%'")  # fmt: skip
    assert await outbox.send_next()
    post.server.before = None
    assert await outbox.send_next()
    assert await post.states() == {1: "sent", 2: "sent"}
    assert sorted(content for content, _ in post.server.has) == ["message 1", "message 2"]


async def test_workers_send_each_message_once(post: Post):
    outbox = post.outbox(await post.prepare())
    for number in range(1, 31):
        await post.put(number)

    async def slowly() -> None:
        await asyncio.sleep(0.005)

    post.server.after = slowly
    workers = [asyncio.get_running_loop().create_task(outbox.work()) for _ in range(4)]
    try:
        async with asyncio.timeout(30):
            while set((await post.states()).values()) != {"sent"}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)
    assert sorted(content for content, _ in post.server.has) == sorted(
        f"message {number}" for number in range(1, 31)
    )


async def test_that_it_is_spoken_is_on_disk_before(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """Also where Postgres may lose its last commits when it crashes."""
    seen: dict[str, str] = {}
    real = Session.execute

    async def execute(self: Session, query: str, *arguments: Any) -> int:
        (row,) = await self.rows("SELECT current_setting('synchronous_commit') AS value")
        seen[query] = row["value"]
        return await real(self, query, *arguments)

    joint = "&" if "?" in database_url else "?"
    async with Database(f"{database_url}{joint}synchronous_commit=off") as fast:
        post = Post(fast)
        outbox = post.outbox(await post.prepare())
        await post.put(1)
        monkeypatch.setattr(Session, "execute", execute)
        await outbox.send_next()
        assert await post.states() == {1: "sent"}
    assert (seen["speak_outbox"], seen["settle_outbox"]) == ("on", "off")


async def test_stopping_waits_for_what_is_under_way_and_begins_nothing(post: Post):
    outbox = post.outbox(await post.prepare())
    for number in (1, 2, 3):
        await post.put(number)
    has_content, may_answer = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        has_content.set()
        await may_answer.wait()

    post.server.after = slowly
    worker = asyncio.get_running_loop().create_task(outbox.work())
    await has_content.wait()
    asyncio.get_running_loop().call_later(0.1, may_answer.set)
    await outbox.end(10)
    worker.cancel()
    await asyncio.wait([worker])
    assert await post.states() == {1: "sent", 2: "queued", 3: "queued"}


async def test_stopping_does_not_wait_for_what_is_not_spoken_yet(post: Post):
    """A server that does not let us in takes its time; nothing is unknown by leaving it."""
    outbox = post.outbox(await post.prepare())
    await post.put(1)
    named, spoken = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        named.set()
        await spoken.wait()

    post.server.before = wait
    worker = asyncio.get_running_loop().create_task(outbox.work())
    await named.wait()
    async with asyncio.timeout(5):
        await outbox.end(3600)
    spoken.set()  # now the server is ready, and it is too late to begin
    await asyncio.sleep(0.1)
    worker.cancel()
    await asyncio.wait([worker])
    assert post.server.has == []
    assert await post.states() == {1: "claimed"}
    later = post.outbox(await begin_term(post.database))
    await later.take_up()
    post.server.before = None
    assert await later.send_next()


async def test_stopping_takes_no_longer_than_was_said_first(post: Post):
    outbox = post.outbox(await post.prepare())
    await post.put(1)
    has_content = asyncio.Event()

    async def never() -> None:
        has_content.set()
        await asyncio.Event().wait()

    post.server.after = never
    worker = asyncio.get_running_loop().create_task(outbox.work())
    await has_content.wait()
    async with asyncio.timeout(20):
        await outbox.end(0.1)
        await outbox.end(3600)
    worker.cancel()
    await asyncio.wait([worker])
    assert await post.states() == {1: "speaking"}


async def test_one_worker_looks_while_there_is_nothing(post: Post, monkeypatch: pytest.MonkeyPatch):
    outbox = post.outbox(await post.prepare())
    looking, most, real = 0, 0, Outbox._claim

    async def claim(self: Outbox) -> Any:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        await asyncio.sleep(0.01)
        looking -= 1
        return await real(self)

    monkeypatch.setattr(Outbox, "_claim", claim)
    monkeypatch.setattr("ccmiddleware.mail.outbox.PACE_SECONDS", 0.01)
    workers = [asyncio.get_running_loop().create_task(outbox.work()) for _ in range(4)]
    await asyncio.sleep(0.2)
    for worker in workers:
        worker.cancel()
    await asyncio.wait(workers)
    assert most == 1


async def test_what_is_in_the_way_is_told_until_it_is_gone(post: Post):
    outbox = post.outbox(await post.prepare())
    for number in (1, 2, 3):
        await post.put(number)
    post.server.answers = [NotSpoken("connection refused"), TookNot(NOBODY, {})]
    await outbox.send_next()
    assert outbox.trouble == "connection refused"
    await outbox.send_next()
    assert outbox.trouble == ""


async def test_a_domain_that_had_enough_waits_and_the_others_do_not(post: Post):
    outbox = post.outbox(await post.prepare(), domain_per_minute=2)
    for number, address in enumerate(["a@x.example", "b@x.example", "c@x.example", "d@y.example"]):
        await post.put(number + 1, address)
    while await outbox.send_next():
        pass
    assert await post.states() == {1: "sent", 2: "sent", 3: "queued", 4: "sent"}
    post.now += timedelta(minutes=1)
    assert await outbox.send_next()
    assert await post.states() == {1: "sent", 2: "sent", 3: "sent", 4: "sent"}


def test_the_pace_of_a_domain():
    pace = Pace(2)
    pace.note(["x.example", "y.example"], NOW)
    assert pace.exhausted(NOW) == []
    pace.note(["x.example"], NOW + timedelta(seconds=30))
    assert pace.exhausted(NOW + timedelta(seconds=59)) == ["x.example"]
    assert pace.exhausted(NOW + timedelta(seconds=60)) == []


def test_domains_are_in_lower_case():
    assert domain_of("Ann@X.Example") == "x.example"


def test_not_ours_any_more_is_temporary():
    assert issubclass(NotOursAnyMore, TemporaryError)
