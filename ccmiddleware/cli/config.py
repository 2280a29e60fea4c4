"""``ccm config``: check the configuration file, write one to begin with, show what holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccmiddleware.cli.context import App, json_option, pass_app, say
from ccmiddleware.cli.output import emit_json, emit_text
from ccmiddleware.errors import ConfigError

if TYPE_CHECKING:
    from ccmiddleware.config_mail import MailboxSettings, SmtpSettings


@click.group("config", epilog="Example:  ccm config check")
def command() -> None:
    """The configuration file: check it, begin one, see what holds."""


@command.command("check", epilog="Example:  ccm --config ./ccm.toml config check")
@json_option
@pass_app
def check(app: App, as_json: bool) -> int:
    """Report every mistake of the file at once: key, what is wrong, what would be right.

    Secret files, certificates and templates that are named must be readable. Exit code 2 if
    anything is wrong.
    """
    path = app.path()
    problems = []
    try:
        problems = unreadable(app)
    except ConfigError as error:
        problems = error.problems
    if as_json:
        emit_json({"file": str(path), "ok": not problems, "problems": problems})
    elif problems:
        raise ConfigError(problems)
    else:
        emit_text(f"{path}: no mistakes")
    return 2 if problems else 0


def unreadable(app: App) -> list[str]:
    """What the settings name but this user can't read. Raises ConfigError as loading does."""
    settings = app.settings()
    problems = []
    for node in settings.node:
        for part, section in (("ami", node.ami), ("ari", node.ari)):
            if section is None:
                continue
            try:
                section.reveal()
            except ConfigError as error:
                where = f"{app.path()}: node[{node.name}].{part}"
                problems += [f"{where}.{problem}" for problem in error.problems]
        problems += _not_a_file(node.ami.tls_ca_file, f"node[{node.name}].ami.tls_ca_file", app)
    problems += _mail(app)
    return problems + _not_a_file(settings.database.password_file, "database.password_file", app)


def _mail(app: App) -> list[str]:
    from ccmiddleware.mail import stationery

    settings, wrong = app.settings(), []
    sections = {f"mailbox.{name}": mailbox for name, mailbox in settings.mailbox.items()}
    for key, mailbox in sections.items():
        wrong += [f"{app.path()}: {key}.{problem}" for problem in stationery.problems(mailbox)]
    servers: list[tuple[str, MailboxSettings | SmtpSettings]] = [*sections.items()]
    if settings.smtp is not None:
        servers.append(("smtp", settings.smtp))
    for key, server in servers:
        try:
            if server.has_secret:
                server.reveal()
        except ConfigError as error:
            wrong += [f"{app.path()}: {key}.{problem}" for problem in error.problems]
        wrong += _not_a_file(server.tls_ca_file, f"{key}.tls_ca_file", app)
    return wrong


def _not_a_file(path: Path | None, key: str, app: App) -> list[str]:
    if path is None:
        return []
    try:
        with path.open("rb"):
            return []
    except OSError as error:
        return [f"{app.path()}: {key}: {path}: {error.strerror}"]


@command.command("example", epilog="Example:  ccm config example > /etc/ccmiddleware/ccm.toml")
@click.option(
    "--format",
    "form",
    type=click.Choice(["toml", "markdown"]),
    default="toml",
    help="A file to begin with, or the table of docs/configuration.md.",
)
def example(form: str) -> None:
    """Write a commented configuration file with every setting and its default.

    Only the secret of Asterisk's manager user must be filled in.
    """
    from ccmiddleware import config_example

    click.echo(config_example.example() if form == "toml" else config_example.reference(), nl=False)


@command.command("show", epilog="Example:  ccm config show --json")
@json_option
@pass_app
def show(app: App, as_json: bool) -> None:
    """Show the settings that hold, defaults and environment included. Secrets are masked."""
    from ccmiddleware.config_example import toml_value

    effective = _masked(app)
    if as_json:
        emit_json(effective)
        return
    say(f"settings from {app.path()}, the environment and defaults; secrets are masked")
    lines = [f"{key} = {toml_value(value)}" for key, value in _flat(effective)]
    emit_text("\n".join(lines))


def _masked(app: App) -> dict[str, Any]:
    settings = app.settings()
    shown: dict[str, Any] = settings.model_dump(mode="json")
    if settings.database.url is not None:
        from ccmiddleware.cli.connection import without_password

        shown["database"]["url"] = without_password(settings.database.url.get_secret_value())
    return shown


def _flat(value: Any, key: str = "") -> list[tuple[str, Any]]:
    """Dotted keys; what is not set is left out. A node stands under its name."""
    if isinstance(value, dict):
        below = [(f"{key}.{name}" if key else name, each) for name, each in value.items()]
    elif isinstance(value, list):
        below = [(f"{key}[{each.get('name')}]", each) for each in value]
    else:
        return [] if value is None else [(key, value)]
    return [line for name, each in below for line in _flat(each, name)]
