"""``ccm status``: which daemons run, who leads which node, and how the links are."""

from datetime import timedelta
from typing import Any

import click

from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text
from ccmiddleware.clock import utc_now

SHOWN_FOR = timedelta(days=1)
"""How long a daemon that is gone is listed, if its journal was empty."""

NODES = (
    Column("node", "NODE"),
    Column("leader", "LEADER"),
    Column("since", "SINCE", "time"),
    Column("term", "TERM", "number"),
    Column("link", "LINK"),
    Column("link_since", "SINCE", "time"),
    Column("link_reason", "REASON"),
)
DAEMONS = (
    Column("daemon", "DAEMON"),
    Column("state", "STATE"),
    Column("leads", "LEADS"),
    Column("seen_at", "LAST SEEN", "time"),
    Column("started_at", "STARTED", "time"),
    Column("version", "VERSION"),
    Column("journal_facts", "BACKLOG", "number"),
)

OUTBOX = (
    Column("node", "NODE"),
    Column("queued", "QUEUED", "number"),
    Column("queued_since", "SINCE", "time"),
    Column("unknown", "UNKNOWN", "number"),
    Column("failed", "FAILED TODAY", "number"),
)


@click.command("status", epilog="Example:  ccm status --json")
@json_option
@pass_app
def command(app: App, as_json: bool) -> int:
    """Show the daemons, who leads which node, and the links to Asterisk.

    BACKLOG: facts in the daemon's journal that the database lacks, when it was last seen. Exit
    code 1 when a node of this configuration has no leader, or its link is not up. FAILED TODAY:
    messages that could not be sent in the last 24 hours; UNKNOWN: nobody can tell.
    """
    nodes, daemons, outbox = run(_ask(app))
    wrong = _wrong(nodes, {node.name for node in app.settings().node})
    if as_json:
        emit_json({"nodes": nodes, "daemons": daemons, "outbox": outbox, "wrong": wrong})
    else:
        emit(nodes, NODES, as_json=False, empty="")
        emit_text("\nDaemons")
        emit(daemons, DAEMONS, as_json=False, empty="no daemon was seen since yesterday: ccm run")
        if outbox:
            emit_text("\nOutbox")
            emit(outbox, OUTBOX, as_json=False, empty="")
    can_send = app.settings().smtp is not None
    for line in [*wrong, *_left(daemons), *_unsent(outbox, can_send=can_send)]:
        say(line)
    return 1 if wrong else 0


async def _ask(app: App) -> tuple[list[dict[str, Any]], ...]:
    async with opened(app) as database:
        nodes = [dict(row) for row in await database.fetch("list_led_nodes")]
        found = await database.fetch("list_daemons", utc_now() - SHOWN_FOR)
        outbox = await database.fetch("outbox_counts", None, utc_now() - SHOWN_FOR)
    for missing in {node.name for node in app.settings().node} - {row["node"] for row in nodes}:
        nodes.append(dict.fromkeys([column.key for column in NODES]) | {"node": missing})
    for row in nodes:
        row["leader"] = row["leader"] or "nobody"
        row["link"] = row["link"] or "never"
    leads: dict[Any, list[str]] = {}
    for row in nodes:
        leads.setdefault(row.pop("daemon_id", None), []).append(row["node"])
        row["led"] = bool(row.get("led"))
    daemons = [
        dict(row) | {"daemon": f"{row['host']}:{row['pid']}", "leads": leads.get(row["id"], [])}
        for row in found
    ]
    return nodes, daemons, [dict(row) for row in outbox]


def _wrong(nodes: list[dict[str, Any]], configured: set[str]) -> list[str]:
    """What is wrong with the nodes of this configuration, in words."""
    wrong = []
    for row in nodes:
        if row["node"] not in configured:
            continue
        if not row["led"]:
            wrong.append(f"node {row['node']}: no daemon leads it, so nobody sees its calls")
        elif row["link"] != "up":
            reason = f": {row['link_reason']}" if row["link_reason"] else ""
            wrong.append(f"node {row['node']}: the link to Asterisk is not up{reason}")
    return wrong


def _left(daemons: list[dict[str, Any]]) -> list[str]:
    """Daemons that are gone and have facts in their journal."""
    return [
        f"daemon {row['daemon']} is {row['state']} and has {row['journal_facts']} facts in its "
        "journal; start it again, so that they are stored"
        for row in daemons
        if row["state"] != "alive" and row["journal_facts"]
    ]


def _unsent(outbox: list[dict[str, Any]], *, can_send: bool) -> list[str]:
    """What a person should know of the outbox."""
    said = [
        f"node {row['node']}: of {row['unknown']} messages nobody can tell whether they were sent; "
        "`ccm outbox list` shows them, and what to do"
        for row in outbox
        if row["unknown"]
    ]
    if outbox and not can_send:
        said.append(
            "there are mailboxes, and nothing can be sent, neither to customers nor to agents: the "
            "configuration has no [smtp]"
        )
    return said
