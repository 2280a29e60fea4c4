"""What the database knows of a node: all that was going on when the daemon last wrote.

A daemon that starts reads this, compares it with what Asterisk says, and goes on. Facts that are
still in the journal are not in it: apply them first.
"""

from datetime import datetime

from ccmiddleware.facts import AnyFact, Recording, decode
from ccmiddleware.store.database import Database


async def open_facts(database: Database, node: str) -> list[AnyFact]:
    """Everything on ``node`` that has not ended, as facts in the versions that are stored.

    Queues, agents and present memberships; interactions with all their visits, offers and segments,
    ended or not; recordings that are not finished, also of interactions that have ended; the last
    state of each agent, which has ended where its leader was killed between that and telling the
    next one. An agent or queue of which only the name is known is left out.
    """
    rows = await database.fetch("open_facts", node)
    return [decode(row["fact"].encode()) for row in rows]


async def close_left_open(database: Database, node: str, below: int) -> int:
    """Close, as inferred, what is open on ``node`` in versions below ``below``: nobody follows it.

    Returns how many interactions that were, and visits, offers and talks of other interactions. The
    versions stay, so that the journal that they came from may still tell their true end.
    """
    interactions = await database.execute("close_left_open", node, below)
    rows: int = await database.fetchval("close_rows_left_open", node, below)
    return interactions + rows


async def recordings_left_open(database: Database, node: str, below: int) -> list[Recording]:
    """Unfinished recordings on ``node`` in versions below ``below``: nobody finishes them."""
    rows = await database.fetch("recordings_left_open", node, below)
    facts = (decode(row["fact"].encode()) for row in rows)
    return [fact for fact in facts if isinstance(fact, Recording)]


async def late_recordings(database: Database, node: str) -> list[Recording]:
    """Recordings on ``node`` that an earlier leader told too late, of talks that have none.

    That leader alone saw those talks; queue_log told of them afterwards. ``segment`` is the talk as
    it is stored, which need not be the one that the name of the file was made of.
    """
    rows = await database.fetch("late_recordings", node)
    facts = (decode(row["fact"].encode()) for row in rows)
    return [fact for fact in facts if isinstance(fact, Recording)]


async def set_link(
    database: Database,
    node: str,
    up: bool,
    since: datetime,
    reason: str = "",
    version: str = "",
) -> None:
    """Store the state of the manager link. ``version``: Asterisk's; empty keeps what is known."""
    await database.execute("set_link", node, "up" if up else "down", since, reason, version)


async def extend_link(database: Database, node: str, since: datetime) -> None:
    """The manager link that came up at ``since`` is up now. Call it often: see ccm.link_interval.

    Nobody can tell when a daemon that was killed had its link last, but by what it told before.
    """
    await database.execute("extend_link", node, since)
