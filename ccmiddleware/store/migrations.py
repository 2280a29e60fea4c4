"""Brings a database to the schema of this program: plain SQL files, each applied once, in order.

``sql/migrations/NNNN_name.sql`` are numbered from 0001 without gaps and never change once applied;
their SHA-256 is kept. A file runs in one transaction, unless its first line is
``-- ccm: no-transaction``: such a file holds exactly one statement, such as CREATE INDEX
CONCURRENTLY. ``sql/views/*.sql`` and ``sql/roles.sql`` are repeatable: they are applied again, all
of them in one transaction, whenever one of them or the schema changed. Nothing is ever rolled back
to an older schema; a database newer than the program is refused.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import asyncpg
import structlog

from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.store.border import DatabaseAway, translated

log = structlog.get_logger(__name__)

LOCK_KEY = 0x63636D01
"""Advisory lock of a migration run: "ccm" and 1."""

OLDEST_POSTGRES = 14
CONNECT_TIMEOUT = 10.0
STATEMENT_TIMEOUT = 3600.0
"""Seconds for one file; a migration of a large table may take long, but not for ever."""

NO_TRANSACTION = "-- ccm: no-transaction"
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

BOOKKEEPING = """
CREATE SCHEMA IF NOT EXISTS ccm;
CREATE TABLE IF NOT EXISTS ccm.schema_migration (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ccm.schema_migration IS 'Migrations that were applied, written by ccm db migrate';
COMMENT ON COLUMN ccm.schema_migration.number IS 'Number at the beginning of the file name';
COMMENT ON COLUMN ccm.schema_migration.name IS 'The rest of the file name';
COMMENT ON COLUMN ccm.schema_migration.sha256 IS 'SHA-256 of the file, hexadecimal';
COMMENT ON COLUMN ccm.schema_migration.applied_at IS 'When it was applied';
CREATE TABLE IF NOT EXISTS ccm.schema_repeatable (
    name       text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ccm.schema_repeatable IS 'Views and roles as last applied by ccm db migrate';
COMMENT ON COLUMN ccm.schema_repeatable.name IS 'File, relative to sql/';
COMMENT ON COLUMN ccm.schema_repeatable.sha256 IS 'SHA-256 of the file, hexadecimal';
COMMENT ON COLUMN ccm.schema_repeatable.applied_at IS 'When it was last applied';
"""


class MigrationError(PermanentError):
    """A migration can't be applied; the text names the file and, where there is one, the place."""


@dataclass(frozen=True)
class SqlFile:
    """One file below sql/. ``number`` is 0 for repeatable files."""

    name: str
    text: str
    number: int = 0

    @property
    def sha256(self) -> str:
        return sha256(self.text.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        return not self.text.startswith(NO_TRANSACTION)


@dataclass(frozen=True)
class MigrationState:
    """One line of ``ccm db status``. ``state`` is applied, pending, changed or unknown (newer)."""

    name: str
    state: str
    applied_at: datetime | None = None


@dataclass(frozen=True)
class MigrationReport:
    """What one run did: names of the migrations, and of the repeatable files, that it applied."""

    applied: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.applied or self.repeated)


def sql_directory() -> Path:
    """The directory ``sql``: inside the installed package, or in the source tree beside it."""
    packaged = Path(str(files("ccmiddleware"))) / "_sql"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "sql"


def read_migrations(directory: Path) -> list[SqlFile]:
    """The numbered files in order. Raises MigrationError for gaps, doubles and odd names."""
    found: list[SqlFile] = []
    for path in sorted((directory / "migrations").glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path}: migrations are named like 0002_add_campaigns.sql")
        found.append(SqlFile(path.name, path.read_text(encoding="utf-8"), int(match[1])))
    for expected, file in enumerate(found, start=1):
        if file.number < expected:
            raise MigrationError(f"two migrations have the number {file.number:04}: {file.name}")
        if file.number > expected:
            raise MigrationError(f"there is no migration {expected:04}, but {file.name}")
    if not found:
        raise MigrationError(f"no migrations in {directory / 'migrations'}")
    return found


def read_repeatable(directory: Path) -> list[SqlFile]:
    """Views in the order of their names, then the roles, which are granted access to them."""
    paths = [*sorted((directory / "views").glob("*.sql")), directory / "roles.sql"]
    return [
        SqlFile(str(path.relative_to(directory)), path.read_text(encoding="utf-8"))
        for path in paths
        if path.exists()
    ]


async def migrate(
    url: str,
    *,
    password: str | None = None,
    directory: Path | None = None,
    lock_timeout: float = 120.0,
) -> MigrationReport:
    """Apply all that is pending. Two runs at once are safe: the second waits, then finds it done.

    Raises MigrationError (nothing of the failing file stays), TemporaryError (database away, or
    another run lasts longer than ``lock_timeout`` seconds) and PermanentError (refused).
    """
    directory = directory or sql_directory()
    migrations, repeatable = read_migrations(directory), read_repeatable(directory)
    async with _connected(url, password) as connection, _locked(connection, lock_timeout):
        with translated():
            await connection.execute(BOOKKEEPING)
            pending = await _pending(connection, migrations)
        report = MigrationReport()
        for file in pending:
            await _apply(connection, file)
            report.applied.append(file.name)
            log.info("migration applied", file=file.name)
        if report.applied or await _outdated(connection, repeatable):
            await _repeat(connection, repeatable)
            report.repeated.extend(file.name for file in repeatable)
            log.info("views and roles applied", files=len(repeatable))
        return report


async def status(
    url: str, *, password: str | None = None, directory: Path | None = None
) -> list[MigrationState]:
    """Each migration and repeatable file with its state in this database; changes nothing."""
    directory = directory or sql_directory()
    migrations, repeatable = read_migrations(directory), read_repeatable(directory)
    async with _connected(url, password) as connection:
        with translated():
            known = await _known(connection, "schema_migration")
            repeated = await _known(connection, "schema_repeatable")
    names = {file.name for file in migrations}
    return [
        *(_state_of(file, known) for file in migrations),
        *(
            MigrationState(name, "unknown", row[1])
            for name, row in known.items()
            if name not in names
        ),
        *(_state_of(file, repeated) for file in repeatable),
    ]


def _state_of(file: SqlFile, known: dict[str, tuple[str, datetime]]) -> MigrationState:
    if file.name not in known:
        return MigrationState(file.name, "pending")
    digest, applied_at = known[file.name]
    return MigrationState(file.name, "applied" if digest == file.sha256 else "changed", applied_at)


async def _known(connection: asyncpg.Connection, table: str) -> dict[str, tuple[str, datetime]]:
    if await connection.fetchval("SELECT to_regclass($1)", f"ccm.{table}") is None:
        return {}
    rows = await connection.fetch(
        f"SELECT name, sha256, applied_at FROM ccm.{table} ORDER BY 1"  # noqa: S608 - our names
    )
    return {row["name"]: (row["sha256"], row["applied_at"]) for row in rows}


@asynccontextmanager
async def _connected(url: str, password: str | None) -> AsyncIterator[asyncpg.Connection]:
    with translated():
        connection = await asyncpg.connect(
            url,
            password=password,
            timeout=CONNECT_TIMEOUT,
            command_timeout=STATEMENT_TIMEOUT,
            server_settings={"application_name": "ccm migrate", "timezone": "UTC"},
        )
    try:
        version = connection.get_server_version()
        if version.major < OLDEST_POSTGRES:
            raise PermanentError(
                f"PostgreSQL {OLDEST_POSTGRES} or newer is needed, and this is {version.major}"
            )
        yield connection
    finally:
        # Whatever the connection died of has been told already.
        with suppress(DatabaseAway), translated():
            await connection.close(timeout=CONNECT_TIMEOUT)


@asynccontextmanager
async def _locked(connection: asyncpg.Connection, timeout: float) -> AsyncIterator[None]:
    """Hold the lock of migration runs.

    A blocked pg_advisory_lock() would be a transaction that CREATE INDEX CONCURRENTLY of the
    holder waits for, a deadlock; so it is tried again and again instead.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    with translated():
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
            if loop.time() > deadline:
                raise TemporaryError("another migration of this database is running")
            await asyncio.sleep(0.1)
    try:
        yield
    finally:
        with suppress(DatabaseAway), translated():  # the lock goes with the connection
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)


async def _pending(connection: asyncpg.Connection, migrations: Sequence[SqlFile]) -> list[SqlFile]:
    rows = await connection.fetch(
        "SELECT number, name, sha256 FROM ccm.schema_migration ORDER BY 1"
    )
    by_number = {file.number: file for file in migrations}
    for row in rows:
        file = by_number.get(row["number"])
        if file is None:
            raise MigrationError(
                f"the database is newer than this program: it has migration {row['name']}; "
                "install the version of ccmiddleware that belongs to it"
            )
        if file.sha256 != row["sha256"]:
            raise MigrationError(
                f"{file.name} was edited after it was applied (as {row['name']}); "
                "undo the change and write a new migration instead"
            )
    applied = {row["number"] for row in rows}
    pending = [file for file in migrations if file.number not in applied]
    if pending and applied and pending[0].number < max(applied):
        raise MigrationError(f"{pending[0].name} was never applied, but later ones were")
    return pending


async def _apply(connection: asyncpg.Connection, file: SqlFile) -> None:
    if file.in_transaction:
        with translated():
            async with connection.transaction():
                await _run(connection, file)
                await _remember_migration(connection, file)
    else:
        await _run(connection, file)
        with translated():
            await _remember_migration(connection, file)


async def _remember_migration(connection: asyncpg.Connection, file: SqlFile) -> None:
    await connection.execute(
        "INSERT INTO ccm.schema_migration (number, name, sha256) VALUES ($1, $2, $3)",
        *(file.number, file.name, file.sha256),
    )


async def _outdated(connection: asyncpg.Connection, repeatable: Sequence[SqlFile]) -> bool:
    with translated():
        known = await _known(connection, "schema_repeatable")
    wanted = {file.name: file.sha256 for file in repeatable}
    return {name: row[0] for name, row in known.items()} != wanted


async def _repeat(connection: asyncpg.Connection, repeatable: Sequence[SqlFile]) -> None:
    with translated():
        async with connection.transaction():
            for file in repeatable:
                await _run(connection, file)
            await connection.execute("DELETE FROM ccm.schema_repeatable")
            await connection.executemany(
                "INSERT INTO ccm.schema_repeatable (name, sha256) VALUES ($1, $2)",
                [(file.name, file.sha256) for file in repeatable],
            )


async def _run(connection: asyncpg.Connection, file: SqlFile) -> None:
    """Run all statements of a file. Raises MigrationError with the place of a mistake in it."""
    try:
        with translated():
            await connection.execute(file.text)
    except PermanentError as error:
        cause = error.__cause__
        if not isinstance(cause, asyncpg.PostgresError):
            raise
        raise MigrationError(_describe(file, cause)) from cause


def _describe(file: SqlFile, error: asyncpg.PostgresError) -> str:
    where = file.name
    position = getattr(error, "position", None)
    if position is not None:
        before = file.text[: int(position) - 1]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        where = f"{file.name}:{line}:{column}"
    more = [
        f"{label}: {text}"
        for label in ("detail", "hint", "context")
        if (text := getattr(error, label, None))
    ]
    return "; ".join([f"{where}: {error.args[0]} ({error.sqlstate})", *more])
