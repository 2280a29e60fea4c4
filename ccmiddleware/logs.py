"""What the daemon says, on standard error: one record on one line, JSON or for people to read.

All goes through one chain, our own records (structlog) and those of the libraries (logging): the
context of the task is merged in (``structlog.contextvars``, so that every line about a call holds
its interaction id), secrets are blanked, and every text is cleaned, so that a caller's name can
neither begin a line of its own nor move a terminal's cursor. Local variables are never shown:
they may hold secrets. Nothing is written to files and nothing is rotated; that is journald's work.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ccmiddleware.config import LogSettings
from ccmiddleware.plaintext import plain

REDACTED = "[redacted]"
MAX_LINES = 100
"""Lines kept of one traceback: the last ones, where it says what went wrong."""

MAX_DEPTH = 4
"""Levels of containers in a value that are shown one by one."""

_SECRET_KEY = re.compile(r"secret|password|passwd|token|authorization|credential", re.IGNORECASE)
_SECRET_IN_URL = re.compile(r"(://[^\s/@:]*:)[^\s/@]+@")
_BLOCKS = ("exception", "stack")

_QUIET = {
    # It logs whole actions at level info, the login with its secret among them.
    "panoramisk": logging.WARNING,
    "asyncio": logging.INFO,
    "asyncpg": logging.INFO,
    "aiohttp": logging.INFO,
}
"""The least that is taken from libraries, whatever the settings say."""


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send all records to ``stream`` (standard error if None), as the settings say.

    To be called once, before anything is logged; calling it again replaces the former way.
    """
    target = _Stream(stream if stream is not None else sys.stderr)
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    renderer = _renderer(settings, target)
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
        clean,
    ]
    structlog.configure(
        processors=[*chain, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *names: _Lines(target, *names),
        # A cached logger would keep an old stream when a test or a tool configures anew.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, least))


def redact(_logger: WrappedLogger, _method: str, record: EventDict) -> EventDict:
    """Blank every value whose key names a secret, at any depth, and passwords in URLs."""
    for key, value in record.items():
        record[key] = _redacted(key, value, MAX_DEPTH)
    return record


def clean(_logger: WrappedLogger, _method: str, record: EventDict) -> EventDict:
    """Make every text plain; tracebacks keep their lines, each indented."""
    cleaned: EventDict = {}
    for key, value in record.items():
        if key.startswith("_"):  # structlog's own, removed before anything is written
            cleaned[key] = value
        elif key in _BLOCKS and isinstance(value, str):
            cleaned[key] = _block(value)
        else:
            cleaned[plain(key, 100)] = _plain(value, MAX_DEPTH)
    return cleaned


def _redacted(key: str, value: Any, depth: int) -> Any:
    if _SECRET_KEY.search(key):
        return REDACTED
    if isinstance(value, str):
        return _SECRET_IN_URL.sub(rf"\1{REDACTED}@", value) if "://" in value else value
    if isinstance(value, Mapping) and depth:
        return {name: _redacted(str(name), item, depth - 1) for name, item in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_redacted("", item, depth - 1) for item in value]
    if isinstance(value, BaseException):
        return _redacted("", str(value) or type(value).__name__, 0)
    return value


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping) and depth:
        return {plain(str(name), 100): _plain(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_plain(item, depth - 1) for item in value]
    return plain(str(value))


def _block(text: str) -> str:
    lines = text.split("\n")[-MAX_LINES:]
    return "\n".join("    " + plain(line) for line in lines)


def _renderer(settings: LogSettings, target: "_Stream") -> Processor:
    terminal = target.isatty()
    if settings.format == "json" or (settings.format == "auto" and not terminal):
        return structlog.processors.JSONRenderer(
            serializer=lambda record, **_: json.dumps(record, ensure_ascii=False, default=str)
        )
    return structlog.dev.ConsoleRenderer(
        colors=terminal,
        # Quoted, so that no text looks like the next key=value of its line.
        repr_native_str=True,
        exception_formatter=structlog.dev.plain_traceback,
    )


class _Stream:
    """A stream that swallows what can't be written: without it there is nobody to be told.

    The daemon must not die because journald restarts or somebody closed a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def isatty(self) -> bool:
        return self._stream.isatty()

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return 0

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return


class _Lines(structlog.WriteLogger):
    """Where a structlog logger writes to; it knows its name, as loggers of ``logging`` do."""

    def __init__(self, target: _Stream, name: str = "ccmiddleware") -> None:
        super().__init__(target)  # type: ignore[arg-type]  # it only writes and flushes
        self.name = name
