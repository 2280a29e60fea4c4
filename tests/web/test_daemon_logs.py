"""What is written on standard error, seen from outside: each test logs in a process of its own."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

START = """
import asyncio, logging, sys, uuid
import structlog
from pydantic import SecretStr
from ccmiddleware import logs
from ccmiddleware.config import LogSettings
logs.configure(LogSettings(level={level!r}, format={form!r}))
log = structlog.get_logger("ccmiddleware.test")
"""


def said(code: str, *, level: str = "info", form: str = "json") -> list[str]:
    """The lines that ``code`` leaves on standard error."""
    script = START.format(level=level, form=form) + code
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    assert done.stdout == b""
    return done.stderr.decode().splitlines()


def records(code: str, *, level: str = "info") -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(code, level=level)]


def test_a_record_is_one_json_object_with_time_level_and_context() -> None:
    (record,) = records("""
with structlog.contextvars.bound_contextvars(interaction=uuid.UUID(int=7)):
    log.info("call_answered", queue="sales", waits=[1, 2.5, None], caller="Müller")
""")

    time = datetime.fromisoformat(record.pop("timestamp"))
    offset = time.utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 0
    assert record == {
        "event": "call_answered",
        "level": "info",
        "logger": "ccmiddleware.test",
        "interaction": "00000000-0000-0000-0000-000000000007",
        "queue": "sales",
        "waits": [1, 2.5, None],
        "caller": "Müller",
    }


def test_libraries_speak_through_the_same_output() -> None:
    first, second, third = records("""
with structlog.contextvars.bound_contextvars(interaction="i"):
    logging.getLogger("asyncio").error("slow %s", "task")
async def main():
    asyncio.get_running_loop().call_exception_handler({"message": "lost"})
asyncio.run(main())
log.warning("ours")
""")

    assert (first["event"], first["logger"], first["level"]) == ("slow task", "asyncio", "error")
    assert first["interaction"] == "i"
    assert "timestamp" in first
    assert (second["logger"], second["event"]) == ("asyncio", "lost")
    assert third["event"] == "ours"


def test_the_level_holds_for_all() -> None:
    code = """
for name in ("ours", "theirs"):
    logger = structlog.get_logger() if name == "ours" else logging.getLogger("other")
    for method in ("debug", "info", "warning", "error"):
        getattr(logger, method)(f"{name} {method}")
"""
    for level, count in (("debug", 8), ("info", 6), ("warning", 4), ("error", 2)):
        assert len(records(code, level=level)) == count


def test_panoramisk_never_tells_its_login() -> None:
    code = """
logging.getLogger("panoramisk.manager").info("Adding action login: Secret: hunter2")
logging.getLogger("panoramisk.manager").warning("Not able to reconnect")
logging.getLogger("asyncio").debug("Using selector")
"""
    assert [record["event"] for record in records(code, level="debug")] == ["Not able to reconnect"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_secrets_are_blanked(form: str) -> None:
    text = "\n".join(
        said(
            """
log.info("login", ami_secret="hunter2", password="hunter2", api_token=["hunter2"],
         headers={"Authorization": "Basic hunter2", "deep": [{"Secret": "hunter2"}]},
         url="postgresql://ccm:hunter2@db/ccm?x=1", kept="visible", model=SecretStr("hunter2"))
log.warning("failed", error=ValueError("can't reach http://u:hunter2@host/ari"))
logging.getLogger("x").error("connecting to postgres://ccm:hunter2@db/ccm")
""",
            form=form,
        )
    )

    assert "hunter2" not in text
    assert text.count("[redacted]") >= 8
    assert "visible" in text
    assert "db/ccm?x=1" in text


HOSTILE = "Eve\\r\\n2026-01-01 [error] forged level=error\\x1b[2J\\x00\\u202e\\u2028"


def test_a_hostile_name_can_not_begin_a_line_in_the_console() -> None:
    lines = said(
        f"""
name = "{HOSTILE}"
log.info("offered " + name, caller=name, deep={{"a": [name], name: 1}}, error=ValueError(name))
logging.getLogger("lib").warning("got %s", name)
try:
    raise ValueError(name)
except ValueError:
    log.exception("failed")
class Odd:
    def __repr__(self): return name
    __str__ = __repr__
log.info("odd", value=Odd())
""",
        form="console",
    )

    text = "\n".join(lines)
    assert "forged" in text
    beginnings = [line for line in lines if not line.startswith(" ")]
    assert [re.sub(r"^\S+ ", "", line)[:9] for line in beginnings] == [
        "[info    ",
        "[warning ",
        "[error   ",
        "[info    ",
    ]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\u2028]", text)


def test_a_text_does_not_look_like_the_next_value_in_the_console() -> None:
    (line,) = said('log.info("offered", caller="x level=error queue=forged")', form="console")

    assert "caller='x level=error queue=forged'" in line
    assert "\x1b" not in line


def test_hostile_text_stays_inside_its_json_string() -> None:
    (record,) = records(f'log.info("offered", caller="{HOSTILE}", **{{"a\\nb": 1}})')

    assert record["caller"].startswith("Eve��2026-01-01 [error] forged")
    assert record["a�b"] == 1


def test_a_traceback_is_in_the_record_without_local_variables() -> None:
    (record,) = records("""
def fail():
    local_secret = "hunter" + "2"
    raise KeyError("gone")
try:
    fail()
except KeyError:
    log.exception("failed")
""")

    assert "KeyError: 'gone'" in record["exception"]
    assert record["level"] == "error"
    assert "hunter2" not in record["exception"]


def test_a_closed_standard_error_does_no_harm() -> None:
    assert (
        said("""
import os
os.close(2)
log.error("nobody hears this")
logging.getLogger("x").error("nor this")
sys.stderr = None
""")
        == []
    )


def test_auto_is_json_where_there_is_no_terminal() -> None:
    (line,) = said('log.info("hello")', form="auto")

    assert json.loads(line)["event"] == "hello"


def test_auto_is_for_people_on_a_terminal() -> None:
    leader, follower = os.openpty()
    try:
        script = START.format(level="info", form="auto") + 'log.info("hello", who="you")'
        subprocess.run(
            [sys.executable, "-c", script],
            stderr=follower,
            timeout=60,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
            check=True,
        )
        text = os.read(leader, 4096).decode()
    finally:
        os.close(leader)
        os.close(follower)

    assert "hello" in text
    assert "'you'" in text
    assert not text.startswith("{")
