"""``ccm campaign explain``: why a campaign dialed as it did, in words."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.campaign_editing import campaign_argument, checked
from ccmiddleware.cli.campaign_seen import (
    DECIDES_EVERY,
    decision_as_json,
    decision_before,
    silent_because,
    stored,
)
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.options import Moment, check_period, limit
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.cli.when import local_zone, show, show_span
from ccmiddleware.clock import utc_now

if TYPE_CHECKING:
    from ccmiddleware.store.database import Database, Row

COUNTS = (
    Column("decisions", "DECISIONS", "number"),
    Column("calls", "CALLS", "number"),
    Column("claimed", "CLAIMED", "number"),
    Column("reason", "REASON"),
    Column("held_by", "HELD BY"),
    Column("words", "IN WORDS"),
)
LIST = (
    Column("at", "AT", "time"),
    Column("number", "CALLS", "number"),
    Column("claimed", "CLAIMED", "number"),
    Column("reason", "REASON"),
    Column("short", "IN WORDS"),
)


@click.command("explain", epilog="Example:  ccm campaign explain spring --at 10:15")
@campaign_argument
@click.option("--at", type=Moment(), help="What held at that time: 10:15, 2026-03-01T08:30, 5m …")
@click.option("--since", type=Moment(), help="All of a period instead: how often which reason.")
@click.option("--until", type=Moment(), help="End of that period, not included.")
@limit(20)
@json_option
@pass_app
def explain(
    app: App,
    campaign: str,
    at: datetime | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Say in words why a campaign dialed as it did.

    Without a time: the last decision that began calls, and the last one that began none. A decision
    to begin none is kept once a minute while its reason stays, every other one always.
    """
    if at is not None and since is not None:
        raise click.UsageError("--at asks for one moment, --since for a period: give one of them")
    if until is not None and since is None:
        raise click.UsageError("--until needs --since")
    if since is not None:
        begin, end = check_period(since, until)
        _print_period(run(_period(app, campaign, begin, end, limit)), as_json=as_json)
    else:
        _print(run(_moment(app, campaign, at)), as_json=as_json)


async def _moment(app: App, campaign: str, at: datetime | None) -> dict[str, Any]:
    from ccmiddleware.dialer.campaigns import find

    async with checked(), opened(app) as database:
        row = await find(database, campaign)
        now = utc_now()
        if at is not None:
            found = {"at_that_time": await decision_before(database, row, at)}
        else:
            found = {
                "with_calls": await decision_before(database, row, now, calls=True),
                "without_calls": await decision_before(database, row, now, calls=False),
            }
        old = all(one is None or now - one.at > DECIDES_EVERY for one in found.values())
        none = old if at is None else found["at_that_time"] is None
        return {
            **_about(row),
            "asked_at": at or now,
            "silent": await _silent(database, row, at) if none else "",
            **{name: decision_as_json(one) for name, one in found.items()},
        }


async def _period(
    app: App, campaign: str, begin: datetime, end: datetime, most: int
) -> dict[str, Any]:
    from ccmiddleware.dialer.campaigns import find
    from ccmiddleware.dialer.decisions import WORDS
    from ccmiddleware.dialer.pacing.decision import WHY

    async with checked(), opened(app) as database:
        row = await find(database, campaign)
        counts = await database.fetch("campaign_decision_counts", row["id"], begin, end)
        rows = await database.fetch("campaign_decisions", row["id"], begin, end, most)
        return {
            **_about(row),
            "since": begin,
            "silent": "" if rows else await _silent(database, row, end),
            "counts": [
                dict(one)
                | {
                    "words": WHY.get(one["held_by"], WORDS["pacing"])
                    if one["reason"] == "pacing"
                    else WORDS.get(one["reason"], "")
                }
                for one in counts
            ],
            "decisions": [decision_as_json(stored(dict(one))) for one in reversed(rows)],
        }


def _about(row: "Row") -> dict[str, Any]:
    return {name: row[name] for name in ("state", "state_at", "mode")} | {"campaign": row["name"]}


async def _silent(database: "Database", row: "Row", at: datetime | None) -> str:
    """Why there is nothing."""
    first = row["started_at"]
    if at is not None and first is not None:
        if at < first:
            return f"{row['name']} was not started by then"
        if await decision_before(database, row, utc_now()) is not None:
            return f"no decision of {row['name']} is stored of that time"
    return await silent_because(database, row)


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit_json(found)
        return
    titles = {
        "at_that_time": "",
        "with_calls": "The last decision that began calls",
        "without_calls": "The last decision that began none",
    }
    shown = [(title, found[name]) for name, title in titles.items() if found.get(name) is not None]
    for number, (title, decision) in enumerate(shown):
        emit_text("\n" * bool(number) + _heading(title, decision, found["asked_at"]))
        emit_text("\n".join(f"  {line}" for line in decision["words"]))
    if found["silent"]:
        say(found["silent"])


def _heading(title: str, decision: dict[str, Any], asked_at: datetime) -> str:
    before = max((asked_at - decision["at"]).total_seconds(), 0)
    words = f"{show(decision['at'], local_zone())} ({show_span(before)} before"
    return f"{title}: {words} now)" if title else f"{words} that time)"


def _print_period(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit_json(found)
        return
    emit(found["counts"], COUNTS, as_json=False, empty=found["silent"])
    if found["decisions"]:
        emit_text("")
        emit(found["decisions"], LIST, as_json=False, empty="")
        total = sum(one["decisions"] for one in found["counts"])
        if total > len(found["decisions"]):
            say(f"the last {len(found['decisions'])} of {total} decisions; --limit shows more")
