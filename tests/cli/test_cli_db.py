"""``ccm db`` on real databases; passwords stay out of everything that others can see."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from ccm_day import Ccm

from ccmiddleware.cli.connection import Address, split_password, without_password
from ccmiddleware.cli.db import psql_call


@pytest.fixture
def on_empty(ccm: Ccm, empty_database_url: str) -> Ccm:
    ccm.write(ccm.config.read_text() + f'[database]\nurl = "{empty_database_url}"\n')
    return ccm


def test_a_database_without_schema_is_brought_up_to_date(on_empty: Ccm) -> None:
    for arguments in (("queue", "list"), ("recording", "verify"), ("interaction", "show", "x")):
        assert "ccm db migrate" in on_empty.run(*arguments, code=3).stderr
    assert "ccm db migrate" in on_empty.run("report", "list").stderr
    before = on_empty.run("db", "status", "--json", code=1)
    assert {row["state"] for row in json.loads(before.stdout)} == {"pending"}
    assert "applied 0001_" in on_empty.run("db", "migrate").stdout
    assert on_empty.run("db", "migrate").stdout == "nothing to do: the schema is up to date\n"
    after = on_empty.run("db", "status", "--json")
    assert {row["state"] for row in json.loads(after.stdout)} == {"applied"}
    on_empty.run("queue", "list")


def test_psql_reads_and_with_write_it_writes(filled: Ccm) -> None:
    def psql(*arguments: str) -> tuple[int, str]:
        done = filled.process("db", "psql", *arguments)
        return done.returncode, done.stdout + done.stderr

    query = "select queue from report.queue_now order by 1"
    assert psql("--", "-Atc", query) == (0, "sales\nsupport\n")
    code, text = psql("--", "-c", "create table public.x ()")
    assert code == 1
    assert "read-only" in text
    code, text = psql("--write", "--", "-c", "create table public.x ()")
    assert (code, text) == (0, "CREATE TABLE\n")
    assert "ccm db psql" in psql("--", "-Atc", "select current_setting('application_name')")[1]


def test_url_can_be_pasted_into_psql(filled: Ccm, database_url: str) -> None:
    result = filled.run("db", "url")
    assert result.stdout == f"{database_url}\n"


def test_url_never_prints_the_password(ccm: Ccm) -> None:
    (ccm.directory / "password").write_text("geheim2\n")
    ccm.write(
        ccm.config.read_text()
        + '[database]\nurl = "postgresql://ccm:geheim1@db.example.net/ccm?sslmode=require"\n'
        + f'password_file = "{ccm.directory / "password"}"\n'
    )
    result = ccm.run("db", "url")
    assert result.stdout == "postgresql://ccm@db.example.net/ccm?sslmode=require\n"
    assert "ccm db psql" in result.stderr
    shown = ccm.run("config", "show").stdout
    assert "ccm:***@db.example.net" in shown
    assert "geheim" not in shown + ccm.run("config", "show", "--json").stdout
    assert "5up3r" not in shown


@pytest.mark.parametrize(
    ("url", "bare", "password"),
    [
        ("postgresql://a:b%40c@h/d", "postgresql://a@h/d", "b@c"),
        ("postgresql://a@h/d?password=x%26y&sslmode=a", "postgresql://a@h/d?sslmode=a", "x&y"),
        ("postgresql://a@h/d", "postgresql://a@h/d", ""),
        ("postgresql:///d?host=/run/postgresql", "postgresql:///d?host=/run/postgresql", ""),
        ("postgresql://h/d", "postgresql://h/d", ""),
    ],
)  # fmt: skip
def test_passwords_are_split_from_urls(url: str, bare: str, password: str) -> None:
    assert split_password(url) == (bare, password)
    assert not password or password not in without_password(url)


def test_psql_gets_the_password_where_ps_does_not_show_it() -> None:
    where = Address("postgresql://a@h/d?options=-c%20work_mem%3D1MB", "geheim", embedded=False)
    line, environment = psql_call("/usr/bin/psql", where, ["-c", "x"], write=False)
    assert "geheim" not in " ".join(line)
    assert environment["PGPASSWORD"] == "geheim"
    options = parse_qs(urlsplit(line[2]).query)["options"]
    assert options == ["-c work_mem=1MB -c default_transaction_read_only=on"]
    assert line[3:] == ["-c", "x"]
