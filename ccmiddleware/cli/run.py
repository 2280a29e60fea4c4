"""``ccm run``: the daemon in the foreground, as systemd starts it."""

import click

from ccmiddleware.cli.config import unreadable
from ccmiddleware.cli.context import App, pass_app
from ccmiddleware.errors import ConfigError


@click.command("run", epilog="Example:  ccm --config /etc/ccmiddleware/ccm.toml run")
@pass_app
def command(app: App) -> int:
    """Run the daemon until SIGTERM or Ctrl-C.

    It connects to Asterisk and Postgres and keeps trying when they are away, so that it may be
    started before them. Logs go to standard error. Exit codes: 0 stopped as asked, 2 wrong
    configuration, 3 something that trying again can't mend.
    """
    problems = unreadable(app)
    if problems:
        raise ConfigError(problems)
    from ccmiddleware.daemon import run

    return run(app.settings())
