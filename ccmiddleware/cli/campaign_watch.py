"""``ccm campaign watch``: one campaign live in the terminal.

What is drawn is decided in ``campaign_watch_picture``; this asks.
"""

import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.campaign_editing import campaign_argument, checked
from ccmiddleware.cli.campaign_seen import (
    DECIDES_EVERY,
    decision_as_json,
    decision_before,
    silent_because,
    standing_of,
)
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run
from ccmiddleware.cli.full_screen import show_live, show_once
from ccmiddleware.cli.options import count_option, interval_option
from ccmiddleware.cli.output import emit_json
from ccmiddleware.cli.when import local_zone, show
from ccmiddleware.clock import utc_now
from ccmiddleware.errors import TemporaryError

if TYPE_CHECKING:
    from ccmiddleware.cli.wallboard_picture import Line
    from ccmiddleware.store.database import Database, Row

ANSWER_SECONDS = 10.0
"""A database that takes longer counts as away until it answers."""

SELDOM_SECONDS = 10.0
"""Between two looks at what is counted over many rows: the day, the ledger, the leads."""

AGENTS = ("idle", "ringing", "talking", "wrap_up", "paused", "working", "busy", "unavailable")
RINGING_FRESH = timedelta(seconds=15)
"""How old a decision may be for its count of ringing calls to be shown as the present one."""

COUNTS = (
    "attempts", "open", "live", "connected", "drops", "dropped_calls", "hung_up", "machine",
    "no_answer", "busy", "failed", "unknown", "opt_outs",
)  # fmt: skip


@click.command("watch", epilog="Example:  ccm campaign watch spring")
@campaign_argument
@interval_option
@count_option
@click.option("--once", is_flag=True, help="Print one picture and end.")
@json_option
@pass_app
def watch(
    app: App, campaign: str, interval: float, count: int | None, once: bool, as_json: bool
) -> None:
    """Show a campaign live: agents, calls, drops, pace, and why it dials as it does.

    q or Ctrl-C ends it. Days are those of the campaign's time zone. The share of drops is green
    below 80 % of its limit, then yellow, and red above the limit. Calls are ringing, and people
    waiting, as of the last decision.
    """
    what = Watched(campaign, local_zone())
    if as_json:
        emit_json(run(_one(app, what)))
    elif once or not sys.stdout.isatty():
        run(show_once(app, what))
    else:
        show_live(app, what, interval, count)


async def _one(app: App, what: "Watched") -> dict[str, Any]:
    async with opened(app) as database:
        await what.ask(database)
    return what.seen


@dataclass
class Watched:
    """A campaign and the last answers about it."""

    name: str
    zone: tzinfo
    seen: dict[str, Any] = field(default_factory=dict)
    _seldom: dict[str, Any] = field(default_factory=dict)
    _seldom_until: float = 0.0
    _asked_at: datetime = field(default_factory=utc_now)

    async def ask(self, database: "Database") -> None:
        """Ask the database. Raises TemporaryError; the last answers stand then."""
        import asyncio

        try:
            async with asyncio.timeout(ANSWER_SECONDS), checked():
                self.seen = await self._snapshot(database)
        except TimeoutError:
            raise TemporaryError(f"the database did not answer in {ANSWER_SECONDS:g} s") from None
        self._asked_at = utc_now()

    def lines(self, trouble: str, width: int, height: int | None = None) -> "list[Line]":
        """The answers as lines; ``trouble``: why they are not current."""
        from ccmiddleware.cli.campaign_watch_picture import picture

        since = f"since {show(self._asked_at, self.zone)}: {trouble}" if trouble else ""
        seen = self.seen | {"clock": show(utc_now(), self.zone)}
        return picture(seen, since, width, height)

    async def _snapshot(self, database: "Database") -> dict[str, Any]:
        import asyncio

        from ccmiddleware.dialer.campaigns import find

        row, now = await find(database, self.name), utc_now()
        loop = asyncio.get_running_loop()
        if loop.time() >= self._seldom_until:
            self._seldom = await _counted(database, row, now)
            self._seldom_until = loop.time() + SELDOM_SECONDS
        last = await decision_before(database, row, now)
        begun = await decision_before(database, row, now, calls=True)
        pace = await database.fetchrow("campaign_pace", row["id"], now, row["node"])
        fresh = last is not None and now - last.at <= RINGING_FRESH
        ringing = last.detail if fresh and last is not None else {}
        return {
            "at": now,
            "campaign": row["name"],
            "state": row["state"],
            "state_at": row["state_at"],
            "mode": row["mode"],
            "node": row["node"],
            "queue": row["queue"],
            **await _agents(database, row),
            "calls": {
                **(dict(pace) if pace is not None else {}),
                "ringing": ringing.get("in_flight"),
                "waiting": ringing.get("waiting"),
            },
            **self._seldom,
            "decision": _aged(decision_as_json(last), now),
            "last_with_calls": None
            if begun is None or begun == last
            else _aged(decision_as_json(begun), now),
            "silent": await silent_because(database, row)
            if last is None or now - last.at > DECIDES_EVERY
            else "",
        }


def _aged(decision: dict[str, Any] | None, now: datetime) -> dict[str, Any] | None:
    if decision is None:
        return None
    age = max((now - decision["at"]).total_seconds(), 0.0)
    return decision | {"age_seconds": round(age, 1)}


async def _agents(database: "Database", campaign: "Row") -> dict[str, Any]:
    """The members of its queue by state, and what is wrong with its node."""
    from ccmiddleware.cli.wallboard_picture import stale_because

    if campaign["node"] is None:
        return {"agents": None, "node_trouble": "no node is set that dials"}
    rows = await database.fetch("wallboard_queues", campaign["node"], campaign["queue"] or "")
    if not rows:
        trouble = f"node {campaign['node']} is not known: see ccm status"
        return {"agents": None, "node_trouble": trouble}
    row = dict(rows[0])
    stale = stale_because(row)
    trouble = f"{campaign['node']}: STALE, {stale}" if stale else ""
    known = row["queue"] is not None
    return {
        "agents": {key: row[key] for key in AGENTS} if known else None,
        "node_trouble": trouble,
    }


async def _counted(database: "Database", campaign: "Row", now: datetime) -> dict[str, Any]:
    """What is counted over many rows: today, the ledger of drops, the leads."""
    from ccmiddleware.dialer.campaigns import leads_of
    from ccmiddleware.dialer.standing import zone_of

    zone = zone_of(campaign["settings"])
    today = now.astimezone(zone).date()
    days = await database.fetch("campaign_days", campaign["name"], today, today)
    counts = {key: days[0][key] if days else 0 for key in COUNTS}
    rates = {
        key: float(days[0][key]) if days and days[0][key] is not None else None
        for key in ("answer_rate", "drop_rate", "median_agent_seconds", "p99_agent_seconds")
    }
    leads = (await leads_of(database, campaign["id"]))[campaign["id"]]
    standing, unknown = await standing_of(database, campaign, today, leads)
    return {
        "time_zone": zone.key,
        "today": {"day": today, **counts, **rates},
        "drops": None if standing is None else standing.as_dict(),
        "drops_unknown": unknown,
        "leads": leads,
    }
