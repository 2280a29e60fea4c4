"""``ccm contact``: customers, and which addresses and numbers are theirs."""

from datetime import datetime
from typing import Any
from uuid import UUID

import click

from ccmiddleware.cli import contact_files, contact_settings
from ccmiddleware.cli.connection import opened
from ccmiddleware.cli.contact_finding import editing, find, outcome, report
from ccmiddleware.cli.context import App, json_option, pass_app, run, say
from ccmiddleware.cli.id_prefix import SHOWN
from ccmiddleware.cli.options import Moment, check_period, limit, period
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text

LIST = (
    Column("name", "NAME"),
    Column("emails", "EMAILS"),
    Column("phones", "PHONES"),
    Column("open_conversations", "OPEN", "number"),
    Column("note", "NOTE"),
    Column("short_id", "ID"),
)
JOURNEY = (
    Column("at", "AT", "time"),
    Column("channel", "CHANNEL"),
    Column("direction", "DIRECTION"),
    Column("address", "ADDRESS"),
    Column("queue", "QUEUE"),
    Column("agents", "AGENTS"),
    Column("outcome", "OUTCOME"),
    Column("subject", "SUBJECT"),
    Column("short_conversation", "CONVERSATION"),
    Column("id", "ID"),
)
HISTORY = (
    Column("changed_at", "AT", "time"),
    Column("changed_by", "BY"),
    Column("how", "HOW"),
    Column("name", "CONTACT"),
    Column("what", "WHAT"),
    Column("before", "BEFORE"),
    Column("after", "AFTER"),
)
NONE_YET = "no contact fits; `ccm contact add` and `ccm contact import` make them"
MOST_CONVERSATIONS = 20

contact_argument = click.argument("contact", metavar="CONTACT")
addresses_argument = click.argument("addresses", metavar="ADDRESS…", nargs=-1, required=True)


@click.group("contact", epilog="Example:  ccm contact show +4930123456")
def command() -> None:
    """Customers: which addresses and numbers are theirs, and what they did over all channels.

    CONTACT is one of the addresses or numbers, an id or its beginning, or the whole name. What
    belongs to whom is said with these commands, and never guessed.
    """


command.add_command(contact_files.import_)
command.add_command(contact_files.export)
command.add_command(contact_settings.settings)


@command.command("list", epilog="Example:  ccm contact list --search arnold --open")
@click.option("--search", metavar="TEXT", help="Only with this in the name or in an address.")
@click.option("--open", "only_open", is_flag=True, help="Only with conversations not closed.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=100, show_default=True,
    help="At most so many.",
)  # fmt: skip
@json_option
@pass_app
def list_(app: App, search: str | None, only_open: bool, limit: int, as_json: bool) -> None:
    """List contacts by name. OPEN: conversations by email that are not closed."""
    rows = run(_rows(app, "list_contacts", search, only_open, limit))
    if not as_json:
        rows = [row | {"short_id": str(row["id"])[:SHOWN]} for row in rows]
    emit(rows, LIST, as_json=as_json, empty=NONE_YET)
    if len(rows) == limit:
        say(f"at most {limit} are shown; --limit shows more")


@command.command("show", epilog="Example:  ccm contact show ann@example.com --since 365d")
@contact_argument
@click.option(
    "--since", type=Moment(), default="30d", show_default=True, help="Begin of the journey."
)
@limit(50)
@json_option
@pass_app
def show(app: App, contact: str, since: datetime, limit: int, as_json: bool) -> None:
    """Show a contact: addresses with who linked them, conversations, and the journey.

    The journey is what `report.journey` has: calls and emails in order of time.
    """
    whole = run(_show(app, contact, since, limit))
    if as_json:
        emit_json(whole)
        return
    _print(whole)


async def _show(app: App, text: str, since: datetime, limit: int) -> dict[str, Any]:
    async with opened(app) as database:
        id_ = await find(database, text)
        row = dict((await database.fetch("contacts_by_ids", [id_]))[0])
        del row["merged_into"], row["deleted_at"]
        addresses = await database.fetch("show_contact_addresses", id_)
        conversations = await database.fetch(
            "show_contact_conversations", id_, False, MOST_CONVERSATIONS
        )
        journey = await database.fetch("show_contact_journey", id_, since, limit)
    return {
        "contact": row,
        "addresses": [dict(one) for one in addresses],
        "conversations": [dict(one) for one in conversations],
        "journey": [dict(one) for one in reversed(journey)],
    }


def _print(whole: dict[str, Any]) -> None:
    from ccmiddleware.cli.when import local_zone
    from ccmiddleware.cli.when import show as shown

    row, zone = whole["contact"], local_zone()
    emit_text(f"{row['name']}  ({row['id']})")
    if row["note"]:
        emit_text("\n".join(f"  {line}" for line in row["note"].split("\n")))
    for one in whole["addresses"]:
        emit_text(
            f"  {one['address']}  ({one['kind']}; {one['linked_how']}, by {one['linked_by']}, "
            f"{shown(one['linked_at'], zone)})"
        )
    if not whole["addresses"]:
        say("no address or number is linked: `ccm contact link`")
    for one in whole["conversations"]:
        emit_text(
            f"Conversation {str(one['id'])[:SHOWN]}: {one['state']}, {one['queue']}, "
            f"{shown(one['changed_at'], zone)}, {one['subject']}"
        )
    emit_text("")
    rows = [
        one | {"short_conversation": str(one["conversation_id"] or "")[:SHOWN]}
        for one in whole["journey"]
    ]
    emit(rows, JOURNEY, as_json=False, empty="no calls and no emails since then: --since 365d")


@command.command(
    "add", epilog="Example:  ccm contact add 'Ann Arnold' ann@example.com '+49 30 123456'"
)
@click.argument("name")
@click.argument("addresses", metavar="[ADDRESS…]", nargs=-1)
@click.option("--note", default="", help="What there is to know.")
@json_option
@pass_app
def add(app: App, name: str, addresses: tuple[str, ...], note: str, as_json: bool) -> None:
    """Make a contact. What holds an @ is an e-mail address, all else a telephone number."""
    id_, rows = run(_add(app, name, note, addresses))
    report(id_, rows, as_json=as_json)


async def _add(app: App, name: str, note: str, texts: tuple[str, ...]) -> tuple[UUID, Any]:
    from ccmiddleware.contacts.addresses import address
    from ccmiddleware.contacts.changes import Contact

    async with editing(app) as edit:
        wanted = [address(text, edit.rule) for text in texts]
        await edit.know(addresses=wanted)
        id_ = (await edit.new_ids(1))[0]
        edit.book.make(Contact(id_, name.strip(), note))
        edit.book.link(id_, wanted)
    return id_, outcome(edit)


@command.command("set", epilog="Example:  ccm contact set ann@example.com --note 'calls at noon'")
@contact_argument
@click.option("--name", help="Another name.")
@click.option("--note", help="Another note; '' removes it.")
@json_option
@pass_app
def set_(app: App, contact: str, name: str | None, note: str | None, as_json: bool) -> None:
    """Give a contact another name or note."""
    if name is None and note is None:
        raise click.UsageError("say what to change: --name or --note")

    async def change() -> tuple[UUID, Any]:
        async with editing(app) as edit:
            id_ = await find(edit.session, contact)
            await edit.know([id_])
            edit.book.describe(id_, name, note)
        return id_, outcome(edit)

    id_, rows = run(change())
    report(id_, rows, as_json=as_json)


@command.command(
    "link", epilog="Example:  ccm contact link ann@example.com 030123456 a@home.example"
)
@contact_argument
@addresses_argument
@json_option
@pass_app
def link(app: App, contact: str, addresses: tuple[str, ...], as_json: bool) -> None:
    """Say that addresses and numbers are a contact's, all of them or none.

    One that is another contact's must be unlinked there first.
    """
    id_, rows = run(_links(app, contact, addresses, on=True))
    report(id_, rows, as_json=as_json)


@command.command("unlink", epilog="Example:  ccm contact unlink 'Ann Arnold' 030123456")
@contact_argument
@addresses_argument
@json_option
@pass_app
def unlink(app: App, contact: str, addresses: tuple[str, ...], as_json: bool) -> None:
    """Say that addresses and numbers are not a contact's any more. What was there stays in
    `ccm contact changes`."""
    id_, rows = run(_links(app, contact, addresses, on=False))
    report(id_, rows, as_json=as_json)


async def _links(app: App, contact: str, texts: tuple[str, ...], *, on: bool) -> tuple[UUID, Any]:
    from ccmiddleware.contacts.addresses import address

    async with editing(app) as edit:
        id_ = await find(edit.session, contact)
        wanted = [address(text, edit.rule) for text in texts]
        await edit.know([id_], wanted)
        if on:
            edit.book.link(id_, wanted)
        else:
            edit.book.unlink(id_, wanted)
    return id_, outcome(edit)


@command.command(
    "merge", epilog="Example:  ccm contact merge ann@example.com a.arnold@home.example"
)
@contact_argument
@click.argument("other", metavar="OTHER")
@json_option
@pass_app
def merge(app: App, contact: str, other: str, as_json: bool) -> None:
    """Say that OTHER is the same customer as CONTACT.

    CONTACT keeps its name and note and gets the addresses of OTHER, which from then on leads to
    CONTACT. The history of both stays.
    """
    id_, rows = run(_merge(app, contact, other))
    report(id_, rows, as_json=as_json)


async def _merge(app: App, contact: str, other: str) -> tuple[UUID, Any]:
    async with editing(app) as edit:
        into, gone = await find(edit.session, contact), await find(edit.session, other)
        await edit.know([into, gone])
        edit.book.merge(into, gone, await edit.addresses_of(gone))
    return into, outcome(edit)


@command.command("delete", epilog="Example:  ccm contact delete ann@example.com --dry-run")
@contact_argument
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and change nothing.")
@json_option
@pass_app
def delete(app: App, contact: str, dry_run: bool, as_json: bool) -> None:
    """Delete a contact: its addresses and numbers are nobody's from then on.

    Its calls and emails stay, with the addresses that they had, and so do `ccm contact changes`
    and what stands on do-not-call lists.
    """

    async def change() -> tuple[UUID, Any]:
        async with editing(app, dry_run=dry_run) as edit:
            id_ = await find(edit.session, contact)
            await edit.know([id_])
            edit.book.delete(id_, await edit.addresses_of(id_))
        return id_, outcome(edit)

    id_, rows = run(change())
    report(id_, rows, as_json=as_json, dry_run=dry_run)


@command.command("changes", epilog="Example:  ccm contact changes ann@example.com --since 365d")
@click.argument("contact", metavar="[CONTACT]", required=False)
@period("30d")
@limit(100)
@json_option
@pass_app
def changes(
    app: App,
    contact: str | None,
    since: datetime,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """List who changed what of contacts, newest first."""
    begin, end = check_period(since, until)

    async def fetch() -> list[dict[str, Any]]:
        async with opened(app) as database:
            id_ = None
            if contact is not None:
                id_ = await find(database, contact, deleted=True)
            found = await database.fetch("list_contact_changes", begin, end, id_, limit)
            return [dict(row) for row in found]

    emit(run(fetch()), HISTORY, as_json=as_json, empty="nothing was changed in this period")


async def _rows(app: App, query: str, *arguments: Any) -> list[dict[str, Any]]:
    async with opened(app) as database:
        return [dict(row) for row in await database.fetch(query, *arguments)]
