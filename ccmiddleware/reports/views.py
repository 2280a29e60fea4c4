"""Reads the report views: which there are, by which columns each can be filtered, their rows.

All names in the SQL made here come from the database's own catalogue; what a user typed only
chooses among them, or is passed as a parameter. What the metrics mean stands in the comments of the
views (sql/views); how rows are shown is decided in ``render``.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from ccmiddleware.errors import PermanentError

TIME_COLUMNS = (
    "interval_start", "interaction_started_at", "started_at", "asked_at", "opened_at",
    "claimed_at", "day", "at",
)  # fmt: skip
"""The column by which a view is filtered by time: the first of these that it has."""

QUEUE_COLUMNS = ("queue", "queues")
AGENT_COLUMNS = ("agent", "agents", "interface")

CATALOGUE = """
SELECT c.relname AS view,
       coalesce(obj_description(c.oid, 'pg_class'), '') AS about,
       a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       coalesce(col_description(c.oid, a.attnum), '') AS comment
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = 'report' AND c.relkind IN ('v', 'm')
ORDER BY c.relname, a.attnum
"""

SETTINGS = (
    "SELECT set_config('TimeZone', $1, true), set_config('transaction_read_only', 'on', true)"
)


class Row(Protocol):
    """One row: a mapping, or a record of the database driver."""

    def __getitem__(self, key: str, /) -> Any: ...


class Fetch(Protocol):
    """One transaction of the store (``Database.transaction()``), as far as reports need it."""

    async def rows(self, sql: str, *arguments: Any) -> Sequence[Row]:
        """All rows of a query whose values are ``arguments``."""
        ...


class NoSuchReport(PermanentError):
    """A view, a column or a filter that there is not; the text says which there are."""


@dataclass(frozen=True)
class Column:
    """A column of a view. ``type`` as Postgres calls it, ``comment`` holds the formula."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class View:
    """A view of the schema ``report``, as the catalogue describes it."""

    name: str
    comment: str
    columns: tuple[Column, ...]

    def names(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def time_column(self) -> Column | None:
        """The column that ``since`` and ``until`` are about; None for a view of the present."""
        by_name = {column.name: column for column in self.columns}
        return next((by_name[name] for name in TIME_COLUMNS if name in by_name), None)

    @property
    def filters(self) -> tuple[str, ...]:
        """Which members of Filters it can be asked with."""
        names = set(self.names())
        possible = {
            "since": self.time_column is not None,
            "until": self.time_column is not None,
            "node": "node" in names,
            "queue": bool(names.intersection(QUEUE_COLUMNS)),
            "agent": bool(names.intersection(AGENT_COLUMNS)),
        }
        return tuple(name for name, known in possible.items() if known)


@dataclass(frozen=True)
class Filters:
    """What is asked for; None asks for all.

    ``since`` is included and ``until`` is not, both aware. ``queue`` is one that the row is about,
    or one of several; ``agent`` is a name or an interface.
    """

    since: datetime | None = None
    until: datetime | None = None
    node: str | None = None
    queue: str | None = None
    agent: str | None = None

    def given(self) -> Mapping[str, Any]:
        """The filters that are set, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Report:
    """Rows of a view, and what was asked for. ``more``: the limit left older rows out."""

    view: View
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    zone: ZoneInfo
    filters: Filters
    more: bool = False


async def catalogue(fetch: Fetch) -> dict[str, View]:
    """All views by name; empty when the schema has not been made."""
    columns: dict[tuple[str, str], list[Column]] = {}
    for row in await fetch.rows(CATALOGUE):
        column = Column(row["name"], row["type"], row["comment"])
        columns.setdefault((row["view"], row["about"]), []).append(column)
    return {name: View(name, about, tuple(found)) for (name, about), found in columns.items()}


async def find(fetch: Fetch, name: str) -> View:
    """The view that is called ``name``, with or without ``report.`` before it.

    Raises NoSuchReport, which names what there is.
    """
    views = await catalogue(fetch)
    wanted = name.removeprefix("report.")
    if wanted in views:
        return views[wanted]
    if not views:
        raise NoSuchReport("there are no report views: run `ccm db migrate`")
    raise NoSuchReport(f"there is no report {name!r}; {_meant(wanted, list(views))}")


async def read(
    fetch: Fetch,
    name: str,
    filters: Filters,
    *,
    zone: ZoneInfo,
    columns: Sequence[str] = (),
    limit: int | None = None,
) -> Report:
    """The rows of a view, oldest first; with ``limit`` the newest so many.

    Days are those of ``zone``. ``fetch`` must be one transaction, since the zone is set for it; it
    becomes read-only. ``columns``: only these, in this order. Raises NoSuchReport for what the view
    does not have.
    """
    view = await find(fetch, name)
    sql, arguments = select(view, filters, zone=zone, columns=columns, limit=limit)
    await fetch.rows(SETTINGS, zone.key)
    rows = list(await fetch.rows(sql, *arguments))
    more = limit is not None and len(rows) > limit
    if more:
        del rows[limit:]
    if limit is not None and view.time_column is not None:
        rows.reverse()
    return Report(view, _chosen(view, columns), rows, zone, filters, more)


def select(
    view: View,
    filters: Filters,
    *,
    zone: ZoneInfo,
    columns: Sequence[str] = (),
    limit: int | None = None,
) -> tuple[str, list[Any]]:
    """The SQL that asks ``view``, and its parameters.

    With ``limit`` the rows come newest first, and one more than the limit, so that it can be seen
    whether there are more. Raises NoSuchReport.
    """
    chosen = _chosen(view, columns)
    for name in filters.given():
        if name not in view.filters:
            raise NoSuchReport(_why_not(view, name))
    where = _Conditions()
    _add_period(where, view, filters, zone)
    if filters.node is not None:
        where.add_any(view, ("node",), filters.node)
    if filters.queue is not None:
        where.add_any(view, QUEUE_COLUMNS, filters.queue)
    if filters.agent is not None:
        where.add_any(view, AGENT_COLUMNS, filters.agent)
    parts = [
        f"SELECT {', '.join(quoted(column.name) for column in chosen)}",
        f"FROM report.{quoted(view.name)}",
        f"WHERE {' AND '.join(where.parts)}" if where.parts else "",
        f"ORDER BY {_order(view, newest_first=limit is not None)}",
        f"LIMIT {where.parameter(limit + 1)}" if limit is not None else "",
    ]
    return " ".join(part for part in parts if part), where.arguments


def quoted(identifier: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + identifier.replace('"', '""') + '"'


class _Conditions:
    """Conditions with numbered parameters."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.arguments: list[Any] = []

    def parameter(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def add(self, name: str, operator: str, value: Any) -> None:
        self.parts.append(f"{quoted(name)} {operator} {self.parameter(value)}")

    def add_any(self, view: View, names: Sequence[str], value: str) -> None:
        """Any of these columns, as far as the view has them, is or has the value."""
        number = self.parameter(value)
        parts = [
            f"{number} = ANY ({quoted(column.name)})"
            if column.type.endswith("[]")
            else f"{quoted(column.name)} = {number}"
            for column in view.columns
            if column.name in names
        ]
        self.parts.append(f"({' OR '.join(parts)})")


def _add_period(where: _Conditions, view: View, filters: Filters, zone: ZoneInfo) -> None:
    column, since, until = view.time_column, filters.since, filters.until
    if column is None:
        return
    if column.type != "date":
        if since is not None:
            where.add(column.name, ">=", since)
        if until is not None:
            where.add(column.name, "<", until)
        return
    # A day counts when any of it is in the period.
    if since is not None:
        where.add(column.name, ">=", since.astimezone(zone).date())
    if until is not None:
        local = until.astimezone(zone)
        where.add(column.name, "<" if local.time() == time(0) else "<=", local.date())


def _order(view: View, *, newest_first: bool) -> str:
    direction = " DESC" if newest_first else ""
    names = view.names()
    order = [quoted(name) for name in ("node", "queue", "agent", "id") if name in names]
    if view.time_column is not None:
        order.insert(0, quoted(view.time_column.name))
        order = [name + direction for name in order]
    return ", ".join(order) or "1"


def _chosen(view: View, names: Sequence[str]) -> tuple[Column, ...]:
    by_name = {column.name: column for column in view.columns}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise NoSuchReport(
            f"report.{view.name} has no column {unknown[0]!r}; {_meant(unknown[0], list(by_name))}"
        )
    return tuple(by_name[name] for name in names) or view.columns


def _meant(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"


def _why_not(view: View, name: str) -> str:
    if name in ("since", "until"):
        return f"report.{view.name} shows the present and can't be asked for a period"
    return f"report.{view.name} has no column for {name} and can't be filtered by it"
