"""``ccm agent email``: where an agent's emails go, and how many the agent may have at once."""

from typing import Any

import click

from ccmiddleware.cli import commanding
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.options import node_option
from ccmiddleware.cli.output import Column, emit, emit_json

SHOWN = (
    Column("agent", "AGENT"),
    Column("interface", "INTERFACE"),
    Column("email", "EMAIL"),
    Column("email_capacity", "CAPACITY", "number"),
    Column("calls_interrupt", "CALLS INTERRUPT"),
    Column("emails", "HAS", "number"),
)
KEYS = ("node", *(column.key for column in SHOWN))
MOST = 20


@click.command(
    "email", epilog="Example:  ccm agent email 'Alice Arnold' alice@example.com --capacity 2"
)
@click.argument("agent")
@click.argument("address", required=False)
@click.option("--remove", is_flag=True, help="Forget the address: the agent takes no emails.")
@click.option(
    "--capacity", type=click.IntRange(0, MOST), help="Emails that the agent may have at once."
)
@click.option(
    "--calls-interrupt/--calls-wait",
    default=None,
    help="Whether calls are offered while the agent works on emails.",
)
@node_option
@json_option
@pass_app
def command(
    app: App,
    agent: str,
    address: str | None,
    remove: bool,
    capacity: int | None,
    calls_interrupt: bool | None,
    node: str | None,
    as_json: bool,
) -> None:
    """Show or set the address to which emails that an agent took are sent.

    What is not named stays as it is. An agent without an address is given no emails.
    """
    if remove and address is not None:
        raise click.UsageError("either ADDRESS or --remove")
    given: dict[str, Any] = {}
    if address is not None or remove:
        given["email"] = None if remove else _sound(app, str(address))
    if capacity is not None:
        given["email_capacity"] = capacity
    if calls_interrupt is not None:
        given["calls_interrupt"] = calls_interrupt
    row = run(_set(app, agent, node, given))
    if as_json:
        emit_json(row)
    else:
        emit([row], SHOWN, as_json=False, empty="")
    if row["email"] is None:
        say("no address, so no emails: ccm agent email AGENT ADDRESS")
        if row["emails"]:
            say("what the agent has stays there: `ccm email requeue NUMBER` gives it to others")


def _sound(app: App, given: str) -> str:
    """The address in lower case. Raises click.UsageError for one that mail can't be sent to."""
    from ccmiddleware.mail.composing import sound_address
    from ccmiddleware.mail.threading import without_token

    address = given.strip().lower()
    if not sound_address(address):
        raise click.UsageError(f"{given!r} is no address: it must be like alice@example.com")
    for name, mailbox in app.settings().mailbox.items():
        if without_token(address) == mailbox.address.lower():
            raise click.UsageError(
                f"{address} is the address of mailbox {name}: what is sent to agents would come "
                "back to us"
            )
    return address


async def _set(app: App, agent: str, node: str | None, given: dict[str, Any]) -> dict[str, Any]:
    async with opened(app) as database:
        target = await commanding.find_agent(database, agent, node)
        rows = [dict(row) for row in await database.fetch("list_agents", None, None)]
        now = next(
            row
            for row in rows
            if (row["node"], row["interface"]) == (target.node, target.interface)
        )
        wanted = now | given
        for other in rows:
            if wanted["email"] is not None and other["email"] == wanted["email"] != now["email"]:
                raise click.UsageError(
                    f"{wanted['email']} is the address of {other['agent']} "
                    f"({other['interface']} on {other['node']}): answers must tell who wrote them"
                )
        if given:
            await database.execute(
                "set_agent_email", now["id"], wanted["email"], wanted["email_capacity"],
                wanted["calls_interrupt"],
            )  # fmt: skip
    return {key: wanted[key] for key in KEYS}
