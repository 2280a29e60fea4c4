"""What every command shares: the configuration, words on standard error, and how to run a task."""

import os
import sys
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ccmiddleware.errors import CcmError
from ccmiddleware.plaintext import plain

if TYPE_CHECKING:
    from ccmiddleware.config import Settings

Result = TypeVar("Result")


class NothingFound(CcmError):
    """What was asked for by name or id is not there; the text says what there is instead."""


@dataclass
class App:
    """One run of ``ccm``: what the options before the noun said."""

    config_path: Path | None = None
    debug: bool = False
    _settings: "Settings | None" = field(default=None, repr=False)

    def path(self) -> Path:
        """The configuration file that holds for this run."""
        from ccmiddleware.config import find

        return find(self.config_path)

    def settings(self) -> "Settings":
        """The checked configuration. Raises ConfigError with every mistake."""
        from ccmiddleware.config import load
        from ccmiddleware.dialer.profile_directory import OWN

        if self._settings is None:
            self._settings = load(self.path())
            OWN.directory = self._settings.dialing.profiles
        return self._settings


pass_app = click.make_pass_decorator(App)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def say(text: str, *, one_line: bool = True) -> None:
    """Words for people, on standard error, so that standard output holds nothing but the answer.

    Control characters are made visible. Does nothing when standard error is closed.
    """
    lines = [text.replace("\n", " ")] if one_line else text.split("\n")
    try:
        click.echo("\n".join(plain(line, 4096) for line in lines), err=True)
    except BrokenPipeError:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - nobody reads any more; open to the end


def run(task: Coroutine[Any, Any, Result]) -> Result:
    """Run one coroutine to its end; Ctrl-C cancels it in order. The rooms' logs stay silent."""
    import asyncio

    _silence_logs()
    return asyncio.run(task)


def _silence_logs() -> None:
    """What the rooms log is for the daemon. Here the answer and one line of error are all."""
    import logging

    import structlog

    logging.getLogger().addHandler(logging.NullHandler())
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
