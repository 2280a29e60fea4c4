"""Whether emails that wait make anything slower: what Postgres is asked, with none and with many.

The emails are stored by the intake's own ``Filing`` and ``Settling``, so all that is there of each
in production is there. The connections stay the same all the time, with the plans that they made
when the tables were empty, as those of a daemon do that has run since the first day.
"""

import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count

from mail_letters import HELP, letter

from ccmiddleware.clock import utc_now
from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.mail.filing import Arrived, Filing
from ccmiddleware.mail.mailboxes import rules_for
from ccmiddleware.mail.message import Limits, Message
from ccmiddleware.mail.reading import read
from ccmiddleware.mail.settling import Settling
from ccmiddleware.mail.tokens import Key, Keys
from ccmiddleware.queues.work import MOST_PLACED
from ccmiddleware.store.database import Database

NODE, QUEUE, MAILBOX = "pbx1", "support", "help"
SIZE = 2_000
BATCH = 50
WARM_UP, TIMES = 10, 60
"""How often each is done before it is timed, and then."""

Step = Callable[[], Awaitable[object]]


async def begin_term(database: Database) -> int:
    """Lead the node."""
    await database.execute("apply_nodes", [{"node": NODE}])
    await database.execute("prepare_leadership", [NODE])
    (row,) = await database.rows("UPDATE ccm.leadership SET term = term + 1 RETURNING term")
    return int(row["term"])


async def measure(empty: str, full: str, waiting: int) -> dict[str, dict[str, float]]:
    """What each step takes in two databases: with none and with so many waiting; milliseconds.

    They are asked in turns, so that whatever else the machine does slows down both. Medians.
    """
    async with Database(empty) as first, Database(full) as second:
        daemons = [_Daemon(first), _Daemon(second)]
        for daemon in daemons:
            await daemon.begin()
            for step in daemon.steps().values():
                for _ in range(WARM_UP):
                    await step()
        while await daemons[1].waiting() < waiting:
            await daemons[1].take(BATCH)
        return {
            name: await _compare(*(one.steps()[name] for one in daemons))
            for name in daemons[0].steps()
        }


async def _compare(none: Step, full: Step) -> dict[str, float]:
    took: tuple[list[float], list[float]] = [], []
    for _ in range(TIMES):
        for times, step in zip(took, (none, full), strict=True):
            begun = time.perf_counter()
            await step()
            times.append((time.perf_counter() - begun) * 1000)
    fast, slow = map(statistics.median, took)
    return {
        "none_ms": round(fast, 3),
        "waiting_ms": round(slow, 3),
        "ratio": round(slow / fast, 2),
    }


class _Daemon:
    """As much of a daemon as asks Postgres about email."""

    def __init__(self, database: Database) -> None:
        self._database = database
        settings = MailboxSettings(queue=QUEUE, address=HELP, host="none", user="none", secret="x")  # noqa: S106
        rules = rules_for(settings, {NODE: {MAILBOX: settings}}, Keys(Key(1, b"k" * 32)))
        self._settling = Settling(rules, utc_now)
        self._numbers = count(1)

    async def begin(self) -> None:
        """Lead, and open the mailbox."""
        term = await begin_term(self._database)
        self._filing = Filing(self._database, NODE, term, MAILBOX, self._settling.decide, utc_now)
        await self._filing.open(QUEUE)
        await self._filing.begin_folder(1)

    def steps(self) -> dict[str, Step]:
        """What is timed, by what it is."""
        asked, now = self._database.fetch, utc_now()
        day = timedelta(days=1)
        return {
            "email: what is known of it": self._decide,
            "email: taken, in a transaction of its own": lambda: self.take(1),
            "visit: what is stored and not marked": lambda: self._filing.unmarked(1, 500),
            "poll: what is in Asterisk's queues": lambda: asked("work_standing", NODE),
            "poll: what may be placed next": lambda: asked(
                "work_waiting", NODE, utc_now(), MOST_PLACED
            ),
            "poll: whose time has come": lambda: asked("wake_work", NODE, utc_now()),
            "poll: who works on email": lambda: asked("work_loads", NODE),
            "list: the newest 50": lambda: asked(
                "list_emails", now - day, now + day, None, None, None, True, 50
            ),
            "list: quarantine": lambda: asked(
                "list_quarantine", now - day, now + day, None, None, False, 50
            ),
        }

    async def waiting(self) -> int:
        """How many work items wait."""
        found = await self._database.rows(
            "SELECT count(*) AS n FROM ccm.work_item WHERE state = 'waiting'"
        )
        return int(found[0]["n"])

    async def take(self, messages: int) -> None:
        """Emails from people who never wrote before, as the intake stores and marks them."""
        made = [self._next() for _ in range(messages)]
        await self._filing.take_all(made)
        await self._filing.marked(1, [arrived.uid for arrived, _ in made])

    async def _decide(self) -> None:
        _, message = self._next()
        with suppress(_Undone):
            async with self._database.transaction() as transaction:
                await transaction.execute("plan_once")
                await self._settling.decide(transaction, [message])
                raise _Undone

    def _next(self) -> tuple[Arrived, Message]:
        number = next(self._numbers)
        raw = letter(number, SIZE)
        message = read(raw, Limits())
        assert isinstance(message, Message)  # noqa: S101 - it is of our making
        return Arrived(1, number, raw, utc_now()), message


class _Undone(Exception):
    """Nothing is to stay of it."""
