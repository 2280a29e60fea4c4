"""``ccm``: the group of all commands, and the border at which every error becomes one line.

Nothing heavy is imported here or at the top of the command modules, so that ``ccm --help`` and
shell completion answer at once; a test holds this. Exit codes:

0   done
1   a check failed, or what was asked for is not there
2   the command line or the configuration is wrong
3   the outside (Asterisk, Postgres, the daemon) is not reachable or refuses
70  a bug in ccmiddleware
130 interrupted with Ctrl-C
"""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ccmiddleware import __version__
from ccmiddleware.cli.context import App, NothingFound, say
from ccmiddleware.errors import CcmError, ConfigError, PermanentError, TemporaryError

FAILED = 1
WRONG_USAGE = 2
UNREACHABLE = 3
BUG = 70
INTERRUPTED = 130

COMMANDS = (
    "run",
    "status",
    "doctor",
    "wallboard",
    "config",
    "db",
    "queue",
    "agent",
    "skill",
    "command",
    "interaction",
    "disposition",
    "callback",
    "campaign",
    "lead",
    "dnc",
    "trunk",
    "email",
    "outbox",
    "conversation",
    "contact",
    "recording",
    "report",
)
"""The nouns, in the order in which ``ccm --help`` lists them; each is a module of this package."""


class Ccm(click.Group):
    """The outermost group: loads commands when needed and turns errors into words."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"ccmiddleware.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # caught here, since click's own answer is exit code 1
            return _reader_is_gone()

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit. With ``--debug`` a traceback precedes the line about a bug."""
        arguments = sys.argv[1:] if args is None else list(args)
        try:
            code = super().main(
                arguments, prog_name or "ccm", complete_var, standalone_mode=False, **extra
            )
            sys.stdout.flush()
        except BrokenPipeError:
            code = _reader_is_gone()
        except KeyboardInterrupt:
            code = INTERRUPTED
        except (CcmError, click.ClickException, click.Abort) as error:
            code = _known(error)
        except Exception as error:  # noqa: BLE001 - the border: no traceback reaches a user
            code = _bug(error, debug="--debug" in arguments)
        sys.exit(code if isinstance(code, int) else 0)


def _known(error: CcmError | click.ClickException | click.Abort) -> int:
    if isinstance(error, click.Abort):
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    lines = error.problems if isinstance(error, ConfigError) else [str(error)]
    for line in lines:
        say(f"ccm: {line}")
    if isinstance(error, ConfigError):
        return WRONG_USAGE
    if isinstance(error, NothingFound):
        return FAILED
    return UNREACHABLE if isinstance(error, TemporaryError | PermanentError) else FAILED


def _bug(error: Exception, *, debug: bool) -> int:
    if debug:
        say("".join(traceback.format_exception(error)), one_line=False)
    hint = "" if debug else "; `ccm --debug …` shows where, please report it with that"
    say(f"ccm: unexpected error: {type(error).__name__}: {error}{hint}")
    return BUG


def _reader_is_gone() -> int:
    """``ccm … | head`` closed the pipe. Nothing more may be written, not even when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


@click.group(
    cls=Ccm,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  ccm doctor",
)
@click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="CCM_CONFIG",
    show_envvar=True,
    help="Configuration file; /etc/ccmiddleware/ccm.toml if not given.",
)
@click.option("--debug", is_flag=True, help="Show where an unexpected error came from.")
@click.version_option(__version__, prog_name="ccm", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context, config: Path | None, debug: bool) -> None:
    """A contact center on the Asterisk that is already there.

    Exit codes: 0 done; 1 a check failed or nothing was found; 2 wrong usage or configuration;
    3 Asterisk, Postgres or the daemon is not reachable or refuses; 70 a bug.
    """
    context.obj = App(config_path=config, debug=debug)


def main() -> None:
    """Entry point of ``ccm`` and ``python -m ccmiddleware``."""
    cli.main(prog_name="ccm")
