"""Edits of what is set of a queue: which queue is meant, one transaction, its history, the outcome.

The commands themselves are in queue_settings, queue_hours and queue_priorities; what may be set is
decided in ``queues.settings``.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccmiddleware.cli.commanding import Ambiguous, user
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, say
from ccmiddleware.cli.output import Column, emit, emit_json
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.queues.settings import Stored
    from ccmiddleware.store.database import Database, Session

APPLY_SECONDS = 8.0
"""How long an edit waits for Asterisk to have it."""

POLL_SECONDS = 0.1

CHANGES = (
    Column("what", "WHAT"),
    Column("before", "BEFORE"),
    Column("after", "AFTER"),
)
where_option = click.option("--node", help="The Asterisk node, where several have the queue.")
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show what would change, and change nothing."
)


class _DryRun(Exception):
    """Nothing is to be kept."""


@dataclass(frozen=True)
class Place:
    """The queue that is meant. ``id`` is None while the database has none of that name."""

    node: str
    queue: str
    id: UUID | None
    names: tuple[str, ...]
    """All queues of the node."""


@dataclass
class Edit:
    """An edit that is going on: ``stored`` is what was set before, ``changes`` what is noted."""

    session: "Session"
    place: Place
    id: UUID
    revision: int
    stored: "Stored"
    changes: list[dict[str, Any]] = field(default_factory=list)

    def note(self, what: str, before: object, after: object) -> None:
        """A line of the history. None: there is nothing."""
        texts = [None if value is None else str(value) for value in (before, after)]
        if texts[0] != texts[1]:
            self.changes.append({"what": what, "before": texts[0], "after": texts[1]})


@asynccontextmanager
async def checked() -> AsyncIterator[None]:
    """What is given wrongly is a matter of usage, whatever room finds it out."""
    from ccmiddleware.queues.hours import InvalidHours
    from ccmiddleware.queues.settings import InvalidSettings

    try:
        yield
    except (InvalidHours, InvalidSettings) as error:
        raise click.UsageError(str(error)) from None


# -- which queue ----------------------------------------------------------------------------


async def find_queue(
    database: "Database", app: App, name: str, node: str | None, *, new: bool = False
) -> Place:
    """The queue of that name. ``new``: with --node, one that no Asterisk has yet will do."""
    rows = [dict(row) for row in await database.fetch("names_of_queues", node)]
    found = [row for row in rows if row["queue"] == name]
    if len(found) > 1:
        nodes = ", ".join(row["node"] for row in found)
        raise Ambiguous(f"{name!r} is a queue of {nodes}: say which one, with --node")
    if found:
        at = found[0]["node"]
        return Place(at, name, found[0]["id"], _names(rows, at))
    if not (new and node is not None):
        raise NothingFound(_unknown(name, node, rows))
    known = [one.name for one in app.settings().node]
    if node not in known:
        raise NothingFound(f"there is no node {node!r}; there are {', '.join(known)}")
    near = get_close_matches(name, _names(rows, node), n=1)
    say(
        f"{node} has no queue {name!r} so far{f' (there is {near[0]})' if near else ''}; "
        "what is set holds once it has"
    )
    return Place(node, name, None, _names(rows, node))


def _names(rows: list[dict[str, Any]], node: str) -> tuple[str, ...]:
    return tuple(row["queue"] for row in rows if row["node"] == node)


def _unknown(name: str, node: str | None, rows: list[dict[str, Any]]) -> str:
    names = sorted({row["queue"] for row in rows})
    if not names:
        return "no queues yet: the daemon writes them down when it has connected to Asterisk"
    near = get_close_matches(name, names, n=3)
    hint = "did you mean" if near else "there are"
    where = f" on node {node!r}" if node else ""
    listed = ", ".join(near or names[:12])
    return f"there is no queue {name!r}{where}; {hint} {listed} (--node NODE sets one in advance)"


# -- editing --------------------------------------------------------------------------------


@asynccontextmanager
async def editing(
    database: "Database", place: Place, *, dry_run: bool = False
) -> AsyncIterator[Edit]:
    """An edit of one queue in one transaction; kept with its history when something changed."""
    from ccmiddleware.queues.settings import check_queue_name

    check_queue_name(place.queue)
    try:
        async with database.transaction() as session:
            id_ = place.id or await session.fetchval("add_queue", place.node, place.queue)
            if id_ is None:
                raise NothingFound(
                    f"the database has no node {place.node!r} yet: start the daemon once"
                )
            revision = await session.fetchval("begin_queue_edit", id_)
            edit = Edit(session, place, id_, revision, await _stored(session, place))
            yield edit
            if dry_run or not edit.changes:
                raise _DryRun
            who = user()
            for one in edit.changes:
                await session.execute(
                    "note_queue_change", id_, revision, who, one["what"], one["before"],
                    one["after"],
                )  # fmt: skip
    except _DryRun:
        pass


async def _stored(session: "Session", place: Place) -> "Stored":
    row = await session.fetchrow("queue_settings", place.node, place.queue, utc_now())
    return _from_row(dict(row) if row is not None else {})


async def stored_of(database: "Database", place: Place, at: datetime) -> "Stored":
    """What is set of the queue; by hand what is not over at that time."""
    from ccmiddleware.queues.settings import Stored

    row = await database.fetchrow("queue_settings", place.node, place.queue, at)
    return _from_row(dict(row)) if row is not None else Stored(place.queue)


def _from_row(row: Mapping[str, Any]) -> "Stored":
    from ccmiddleware.queues.settings import from_row

    return from_row(row)


async def edit(
    app: App,
    queue: str,
    node: str | None,
    change: Callable[[Edit], Any],
    *,
    dry_run: bool = False,
    new: bool = False,
) -> dict[str, Any]:
    """Have ``change`` (a coroutine) edit the queue, and wait a moment for Asterisk to have it."""
    async with opened(app) as database, checked():
        place = await find_queue(database, app, queue, node, new=new)
        async with editing(database, place, dry_run=dry_run) as going_on:
            await change(going_on)
        place = replace(place, id=place.id or going_on.id)
        outcome = {
            "node": place.node,
            "queue": place.queue,
            "dry_run": dry_run,
            "changes": going_on.changes,
        }
        if not dry_run and going_on.changes:
            outcome["revision"] = going_on.revision
            outcome["applied"] = await _applied(database, place)
    return outcome


# -- what came of it ------------------------------------------------------------------------


async def _applied(database: "Database", place: Place) -> dict[str, Any]:
    """Whether Asterisk has it, once that is known or the time is over."""
    import asyncio

    loop = asyncio.get_running_loop()
    until = loop.time() + APPLY_SECONDS
    while True:
        state = await applied(database, place)
        known = state["state"] in ("applied", "refused")
        if known or state["state"] == "nobody" or loop.time() > until:
            return state
        await asyncio.sleep(POLL_SECONDS)


async def applied(database: "Database", place: Place) -> dict[str, Any]:
    """Whether Asterisk has what is set: state, applied_at and words."""
    row = await database.fetchrow("show_queue_applied", place.id) if place.id else None
    if row is None:
        return {"state": "nothing", "applied_at": None, "words": "nothing is set"}
    state, words = "waiting", "not applied in Asterisk yet"
    if row["tried"] is not None and row["tried"] >= row["revision"]:
        state, words = ("refused", row["error"]) if row["error"] else ("applied", "")
    elif not row["led"]:
        state, words = "nobody", f"no daemon leads {place.node}; applied once one does"
    elif row["link"] != "up":
        state, words = "nobody", f"{place.node} has no link to Asterisk; applied once it has"
    at = row["applied_at"] if state == "applied" else None
    return {"state": state, "applied_at": at, "words": words}


def report(outcome: Mapping[str, Any], *, as_json: bool) -> int:
    """Print what came of an edit; the exit code: 3 when Asterisk refuses what was stored."""
    if as_json:
        emit_json(dict(outcome))
    else:
        emit(
            outcome["changes"], CHANGES, as_json=False, empty="nothing to change: it is so already"
        )
        if outcome["dry_run"] and outcome["changes"]:
            say("nothing was changed; this would be")
    state = outcome.get("applied")
    if state is None:
        return 0
    if not as_json:
        say_applied(state)
    return 3 if state["state"] == "refused" else 0


def say_applied(state: Mapping[str, Any]) -> None:
    """In words, on standard error, whether Asterisk has it."""
    from ccmiddleware.cli.when import local_zone, show

    if state["state"] == "applied":
        say(f"applied in Asterisk at {show(state['applied_at'], local_zone())}")
    else:
        say(f"stored; {state['words']}")
