"""``ccm interaction``: what happened with customers; one interaction as a timeline."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from ccmiddleware.cli import callback_leads, timeline
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run
from ccmiddleware.cli.options import Moment, agent_option, check_period, limit, period, queue_option
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.cli.when import local_zone, show_span
from ccmiddleware.cli.when import show as show_time

OUTCOMES = (
    "answered",
    "abandoned",
    "timed_out",
    "left_by_key",
    "no_agents",
    "queue_full",
    "withdrawn",
    "moved",
    "not_answered",
    "busy",
    "failed",
    "lost",
    "dropped",
)
"""facts.Outcome, which a test compares (importing it costs start-up time), and what is known of the
attempt of a campaign."""

LIST = (
    Column("started_at", "BEGAN", "time"),
    Column("id", "INTERACTION"),
    Column("caller_num", "CALLER"),
    Column("caller_name", "NAME"),
    Column("queues", "QUEUES"),
    Column("agents", "AGENTS"),
    Column("shown_outcome", "OUTCOME"),
    Column("wait_seconds", "WAIT", "span"),
    Column("talk_seconds", "TALK", "span"),
    Column("disposition", "DISPOSITION"),
    Column("recordings", "RECORDING"),
)
EVENTS = (
    Column("at", "TIME", "time"),
    Column("shown_offset", "OFFSET"),
    Column("what", "WHAT"),
    Column("details", "DETAILS"),
)


@click.group("interaction", epilog="Example:  ccm interaction list --since today")
def command() -> None:
    """Interactions: contacts of customers, such as calls."""


@command.command(
    "list", epilog="Example:  ccm interaction list --since 8h --queue support --outcome abandoned"
)
@period("24h")
@queue_option
@agent_option
@click.option("--caller", help="Only numbers that hold these digits.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only with this outcome.")
@click.option("--open", "open_only", is_flag=True, help="Only those that have not ended.")
@limit(100)
@json_option
@pass_app
def list_(
    app: App,
    since: datetime,
    until: datetime | None,
    queue: str | None,
    agent: str | None,
    caller: str | None,
    outcome: str | None,
    open_only: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List the interactions that began in a period, newest first."""
    begin, end = check_period(since, until)
    rows = run(_list(app, begin, end, queue, agent, caller, outcome, open_only, limit + 1))
    shown = rows[:limit]
    for row in shown:
        row["shown_outcome"] = row["outcome"] or row["state"]
    if as_json:
        emit_json([{key: row[key] for key in row if key != "shown_outcome"} for row in shown])
    else:
        emit(shown, LIST, as_json=False, empty="")
    _explain(begin, end, len(shown), more=len(rows) > limit)


def _explain(begin: datetime, end: datetime, number: int, *, more: bool) -> None:
    from ccmiddleware.cli.context import say

    zone = local_zone()
    if not number:
        until = "" if end.year >= 9000 else f" and before {show_time(end, zone)}"
        say(f"no interaction fits that began since {show_time(begin, zone)}{until}")
    elif more:
        say(f"only the newest {number}; --limit shows more")


async def _list(app: App, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch("list_interactions", *arguments)]


@command.command(
    "show", epilog="Example:  ccm interaction show 1764277200.42   (Asterisk's linked id, or ours)"
)
@click.argument("id_", metavar="ID")
@json_option
@pass_app
def show(app: App, id_: str, as_json: bool) -> None:
    """Show one interaction as a timeline.

    ID is the id that `ccm interaction list` shows, or Asterisk's linked id of the call. Each event
    stands with local time and its offset from the beginning.
    """
    whole = run(_show(app, id_))
    if as_json:
        emit_json(whole)
        return
    _print(whole)


MOST_CONVERSATIONS = 20
PARTS = {
    "events": "show_interaction_events",
    "visits": "show_interaction_visits",
    "offers": "show_interaction_offers",
    "segments": "show_interaction_segments",
    "recordings": "show_recordings",
    "dispositions": "show_dispositions",
    "timeline": "show_interaction_timeline",
}
"""What `ccm interaction show` puts together, and the query of each."""


async def _show(app: App, text: str) -> dict[str, Any]:
    async with opened(app) as database:
        row = await find(database, text)
        found: dict[str, Any] = {"interaction": row}
        for part, query in PARTS.items():
            found[part] = [dict(each) for each in await database.fetch(query, row["id"])]
        found["contact"] = await _contact(database, row)
    return found


async def _contact(database: Any, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The contact whose number the customer's side has, and its open conversations."""
    from ccmiddleware.contacts.book import of_number

    if row["direction"] == "internal":
        return None
    id_ = await of_number(database, row["caller_num"])
    if id_ is None:
        return None
    contact = (await database.fetch("contacts_by_ids", [id_]))[0]
    rows = await database.fetch("show_contact_conversations", id_, True, MOST_CONVERSATIONS)
    return {
        "id": id_,
        "name": contact["name"],
        "open_conversations": [dict(one) for one in rows],
    }


LONGEST_NOTE = 2000


@command.command(
    "dispose",
    epilog="Example:  ccm interaction dispose 1764277200.42 --code sold --note 'two boxes'",
)
@click.argument("id_", metavar="ID")
@click.option("--code", required=True, help="One of `ccm disposition list`.")
@click.option("--note", default="", help="Free text.")
@click.option(
    "--segment", type=click.IntRange(1), help="The talk it is about; the last one if not given."
)
@click.option(
    "--callback", type=Moment(), metavar="TIME",
    help="Call of a campaign: promise the lead a call for that time.",
)  # fmt: skip
@click.option("--callback-agent", metavar="AGENT", help="Who calls; anybody if not given.")
@json_option
@pass_app
def dispose(
    app: App,
    id_: str,
    code: str,
    note: str,
    segment: int | None,
    callback: datetime | None,
    callback_agent: str | None,
    as_json: bool,
) -> None:
    """Say what came of an interaction.

    The code that was given last holds; those before stay in its history (`ccm interaction show`).
    """
    if callback is None and callback_agent is not None:
        raise click.UsageError("--callback-agent is for --callback TIME")
    if len(note) > LONGEST_NOTE or "\0" in note:
        raise click.UsageError(f"--note takes at most {LONGEST_NOTE} characters, and no NUL")
    row, promised = run(_dispose(app, id_, code, note, segment, callback, callback_agent))
    if as_json:
        emit_json(row | ({"callback": promised} if promised else {}))
        return
    emit_text(f"{row['interaction_id']}: {row['code']}")
    if promised:
        callback_leads.report(promised, as_json=False)


async def _dispose(
    app: App, text: str, code: str, note: str, segment: int | None,
    callback: datetime | None, agent: str | None,
) -> tuple[dict[str, Any], dict[str, Any] | None]:  # fmt: skip
    from ccmiddleware.cli.commanding import user
    from ccmiddleware.cli.disposition import known

    async with opened(app) as database:
        interaction = await find(database, text)
        codes = await database.fetch("list_disposition_codes", False)
        if code not in {row["code"] for row in codes}:
            raise NothingFound(f"there is no code {code!r}; there are {await known(database)}")
        promised = None
        if callback is not None:
            promised = await callback_leads.promise_after(database, interaction, callback, agent)
        row = await database.fetchrow("dispose", interaction["id"], code, note, user(), segment)
    if row is None:
        raise NothingFound(f"{interaction['id']} has no segment {segment}")
    return dict(row), promised


async def find(database: Any, text: str) -> dict[str, Any]:
    """The interaction with this id or linked id. Raises NothingFound, also when it is not one."""
    from ccmiddleware.ids import interaction_id

    wanted = text.strip()
    ids = []
    try:
        ids.append(UUID(wanted))
    except ValueError:
        nodes = await database.fetch("list_nodes")
        ids += [interaction_id(node["node"], wanted) for node in nodes]
    rows = [dict(row) for row in await database.fetch("show_interaction", ids)]
    if not rows:
        raise NothingFound(
            f"there is no interaction {wanted!r}: give a whole id as `ccm interaction list` shows "
            "it, or Asterisk's linked id of the call"
        )
    if len(rows) > 1:
        several = ", ".join(f"{row['id']} ({row['node']})" for row in rows)
        raise NothingFound(f"several nodes have a call {wanted!r}: choose one of {several}")
    return rows[0]


def _print(whole: Mapping[str, Any]) -> None:
    row = whole["interaction"]
    zone = local_zone()
    started = row["started_at"]
    emit_text(f"Interaction {row['id']}  ({row['channel']}, {row['direction']})")
    caller = f"{row['caller_name']} <{row['caller_num']}>" if row["caller_name"] else ""
    facts = (
        ("node", row["node"]),
        ("linked id", row["linkedid"]),
        ("called" if row["campaign"] else "caller", caller or row["caller_num"] or "withheld"),
        ("contact", _named(whole["contact"])),
        ("shown" if row["campaign"] else "dialled", row["did"]),
        ("campaign", f"{row['campaign']}, attempt {row['attempt_id']}" if row["campaign"] else ""),
        ("began", show_time(started, zone)),
        ("ended", _ended(row, zone)),
        ("outcome", row["outcome"] or f"not yet ({row['state']})"),
        ("seen", "in part: some of it was concluded" if row["inferred"] else ""),
    )
    for name, value in facts:
        if value:
            emit_text(f"  {name + ':':<11}{value}")
    for one in (whole["contact"] or {}).get("open_conversations", ()):
        emit_text(f"  open:      {one['subject']} ({one['state']}, {one['queue']}, {one['id']})")
    lines = timeline.lines(started, whole["events"], whole["recordings"])
    shown = [{**line, "shown_offset": timeline.show_offset(line["offset"])} for line in lines]
    emit_text("")
    emit(shown, EVENTS, as_json=False, empty="no events are known of it")
    _print_parts(whole)


def _named(contact: Mapping[str, Any] | None) -> str:
    return f"{contact['name']} ({contact['id']})" if contact is not None else ""


def _ended(row: Mapping[str, Any], zone: Any) -> str:
    if row["ended_at"] is None:
        return "not yet"
    lasted = (row["ended_at"] - row["started_at"]).total_seconds()
    return f"{show_time(row['ended_at'], zone)}, after {show_span(lasted)}"


def _print_parts(whole: Mapping[str, Any]) -> None:
    """Visits, segments and recordings, one line each, in the order in which they happened."""
    emit_text("")
    if whole["timeline"]:
        emit_text(f"Time: {timeline.sums(whole['timeline'])}")
    for visit in whole["visits"]:
        wait = visit["answered_at"] or visit["left_at"]
        lasted = show_span((wait - visit["joined_at"]).total_seconds()) if wait else "still waiting"
        emit_text(
            f"Queue {visit['ordinal']}: {visit['queue']}, position {visit['position']}, "
            f"waited {lasted}, {visit['outcome'] or 'waiting'}"
        )
    for offer in whole["offers"]:
        rang = (
            show_span((offer["ended_at"] - offer["offered_at"]).total_seconds())
            if offer["ended_at"]
            else "still ringing"
        )
        emit_text(
            f"Offer {offer['ordinal']}: {offer['agent']} ({offer['interface']}), rang {rang}, "
            f"{offer['outcome'] or 'ringing'}"
        )
    for segment in whole["segments"]:
        talked = (
            show_span((segment["ended_at"] - segment["answered_at"]).total_seconds())
            if segment["ended_at"]
            else "still talking"
        )
        ended_by = f", ended by {segment['ended_by']}" if segment["ended_by"] else ""
        emit_text(
            f"Segment {segment['ordinal']}: {segment['agent']} ({segment['interface']}), "
            f"talked {talked}{ended_by}, on hold {show_span(segment['hold_seconds'])}"
        )
    for recording in whole["recordings"]:
        emit_text(
            f"Recording {recording['segment']}: {recording['state']}, {recording['path']}"
            + (f", {recording['error']}" if recording["error"] else "")
        )
    for given in whole["dispositions"]:
        label = f" ({given['label']})" if given["label"] else ""
        note = f": {given['note']}" if given["note"] else ""
        when = show_time(given["given_at"], local_zone())
        emit_text(f"Disposition: {given['code']}{label}, by {given['given_by']}, {when}{note}")
