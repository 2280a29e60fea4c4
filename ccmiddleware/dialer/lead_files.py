"""Reads files of leads: CSV in whatever encoding and with whatever delimiter, row by row."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from itertools import chain
from pathlib import Path

from ccmiddleware.dialer.file_text import (
    InvalidText,
    delimiter_named,
    delimiter_of,
    encoding_named,
    encoding_of,
)
from ccmiddleware.dialer.lead_rows import Row

PIECE = 1 << 20


@dataclass
class Table:
    """A file that is open: how it is read, its first line, and where the reading is."""

    encoding: str
    certain: bool
    """Whether the encoding was found for certain, or said."""
    delimiter: str
    header: list[str]
    rows: Iterator[Row]
    size: int
    text: TextIOWrapper
    binary: BufferedReader

    @property
    def read(self) -> int:
        """Bytes that were read so far."""
        return self.binary.tell()


@contextmanager
def opened(path: Path, encoding: str | None, delimiter: str | None) -> Iterator[Table]:
    """The file as a table. Raises InvalidText, while rows are read as well, when it is none."""
    table = _begun(path, encoding, delimiter)
    try:
        yield table
    finally:
        table.text.close()


def _begun(path: Path, encoding: str | None, delimiter: str | None) -> Table:
    certain = True
    try:
        if encoding is None:
            with path.open("rb") as whole:
                encoding, certain = encoding_of(iter(lambda: whole.read(PIECE), b""))
        else:
            encoding = encoding_named(encoding)
        size = path.stat().st_size
        binary = path.open("rb")
    except OSError as error:
        raise InvalidText(error.strerror or str(error)) from None
    text = TextIOWrapper(binary, encoding, newline="")
    try:
        first = text.readline()
        between = delimiter_of(first) if delimiter is None else delimiter_named(delimiter)
        rows = _rows(chain((first,), text), between, encoding)
        _, header = next(rows, (1, []))
        if not header:
            raise InvalidText("it is empty: the first line must name the columns")
    except UnicodeError as error:
        text.close()
        raise InvalidText(
            f"its first lines are no {encoding.removesuffix('-sig')}: say --encoding"
        ) from error
    except BaseException:
        text.close()
        raise
    return Table(encoding, certain, between, header, rows, size, text, binary)


def _rows(lines: Iterator[str], delimiter: str, encoding: str) -> Iterator[Row]:
    """Rows with the line at which each begins; empty lines are left out."""
    reader = csv.reader(lines, delimiter=delimiter)
    begin = 1
    try:
        for cells in reader:
            if cells:
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        raise InvalidText(f"line {begin}: {error}") from None
    except UnicodeError as error:
        raise InvalidText(
            f"near line {begin} it is no {encoding.removesuffix('-sig')}: say --encoding ({error})"
        ) from None
