"""``ccm doctor`` without an Asterisk: files, database, and what the running daemon says."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from ccm_day import Ccm

from ccmiddleware.cli.checks import files
from ccmiddleware.config import load


def findings(ccm: Ccm, code: int = 1) -> dict[str, dict[str, str]]:
    """The last finding of each subject."""
    answer = json.loads(ccm.run("doctor", "--json", code=code).stdout)
    assert answer["ok"] == (code == 0)
    found = {finding["subject"]: finding for finding in answer["findings"]}
    for finding in found.values():
        if finding["verdict"] == "failed":
            assert finding["mend"], finding
    return found


@contextmanager
def daemon(ccm: Ccm, status: int, body: bytes) -> Iterator[None]:
    """Something that answers on web.port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            port = server.server_address[1]
            ccm.write(ccm.config.read_text().replace("[web]\nport = 1", f"[web]\nport = {port}"))
            yield
        finally:
            server.shutdown()
            thread.join()


def test_mistakes_of_the_configuration_are_findings(ccm: Ccm) -> None:
    ccm.write("[[node]]\nname = 'a'\nstate_dirr = 1\n")
    result = ccm.run("doctor", code=1)
    assert result.stdout.count("FAILED") == 2
    assert "ccm config check" in result.stdout


def test_nothing_runs(ccm: Ccm) -> None:
    found = findings(ccm)
    assert found["pbx1 AMI"]["verdict"] == "failed"
    assert "manager.conf" in found["pbx1 AMI"]["mend"]
    assert found["state directory"]["verdict"] == "note"
    assert found["database"]["verdict"] == "note"
    assert found["daemon"]["verdict"] == "warning"
    assert "ccm run" in found["daemon"]["mend"]
    assert "5up3r" not in json.dumps(found)


def test_secrets_that_others_can_read(ccm: Ccm) -> None:
    ccm.config.chmod(0o644)
    assert "chmod o-rwx" in findings(ccm)["configuration"]["mend"]
    secret = ccm.directory / "secret"
    ccm.write(
        ccm.config.read_text().replace('secret = "5up3r-s3cret"', f'secret_file = "{secret}"')
    )
    subject = "secret node[pbx1].ami.secret_file"
    assert findings(ccm)[subject]["verdict"] == "failed"
    secret.write_text("x")
    secret.chmod(0o604)
    assert findings(ccm)[subject]["verdict"] == "warning"
    secret.chmod(0o640)
    assert findings(ccm)[subject]["verdict"] == "ok"
    secret.write_text("\n")
    assert findings(ccm)[subject]["verdict"] == "failed"


def test_a_state_directory_that_is_none(ccm: Ccm) -> None:
    (ccm.directory / "state").write_text("")
    assert "is no directory" in findings(ccm)["state directory"]["found"]


def test_queue_log_is_read(ccm: Ccm) -> None:
    told = findings(ccm)["pbx1 queue_log"]
    assert told["verdict"] == "note"
    assert "queue_log" in told["mend"]
    path = ccm.directory / "queue_log"
    ccm.write(ccm.config.read_text().replace("[node.ami]", f'queue_log = "{path}"\n[node.ami]'))
    assert "is not there" in findings(ccm)["pbx1 queue_log"]["found"]
    path.write_text("")
    assert findings(ccm)["pbx1 queue_log"]["verdict"] == "ok"
    path.write_text("[2026-11-27 09:00:00] NOTICE[1] asterisk.c: hello\n")
    assert findings(ccm)["pbx1 queue_log"]["verdict"] == "failed"
    path.write_text("1795770000|NONE|NONE|NONE|QUEUESTART|\n" * 1000)
    told = findings(ccm)["pbx1 queue_log"]
    assert told["verdict"] == "ok"
    assert "last row of 2026-11-27 09:00:00 UTC" in told["found"]


def test_recordings_matter_when_something_is_recorded(ccm: Ccm) -> None:
    ccm.recordings.rmdir()
    assert findings(ccm)["pbx1 recordings"]["verdict"] == "note"
    ccm.write(ccm.config.read_text() + '[queue.sales.recording]\npolicy = "always"\n')
    answer = json.loads(ccm.run("doctor", "--json", code=1).stdout)
    policy, directory = [f for f in answer["findings"] if f["subject"] == "pbx1 recordings"]
    assert policy["found"] == "recorded: nothing; but sales: every answered call"
    assert directory["verdict"] == "failed"


def test_the_database(filled: Ccm) -> None:
    found = findings(filled)
    assert found["database"]["verdict"] == "ok"
    assert "working as ccm_app" in found["database"]["found"]
    assert found["database schema"]["verdict"] == "ok"
    assert "2026-03-02 11:00:03 CET (sales)" in found["pbx1 calls"]["found"]


def test_no_call_was_ever_heard(on_database: Ccm) -> None:
    calls = findings(on_database)["pbx1 calls"]
    assert calls["verdict"] == "note"
    assert "read =" in calls["mend"]


def test_a_database_without_schema(ccm: Ccm, empty_database_url: str) -> None:
    ccm.write(ccm.config.read_text() + f'[database]\nurl = "{empty_database_url}"\n')
    found = findings(ccm)
    assert found["database"]["verdict"] == "ok"
    assert "ccm db migrate" in found["database schema"]["mend"]


def test_a_database_that_is_away(ccm: Ccm) -> None:
    ccm.write(ccm.config.read_text() + '[database]\nurl = "postgresql://u:geheim@127.0.0.1:1/x"\n')
    found = findings(ccm)["database"]
    assert found["verdict"] == "failed"
    assert "u:" not in found["found"]
    assert "geheim" not in json.dumps(found)


def test_what_the_daemon_says_of_its_links(ccm: Ccm) -> None:
    parts = {
        "ami pbx1": {
            "status": "degraded",
            "detail": "down: Asterisk did not answer a ping within 5 s\x1b[31m",
            "up": False,
            "since": "2026-03-02T09:00:00+00:00",
        },
        "journal": {"status": "ok", "detail": "", "backlog_facts": 17},
        "recordings": {"status": "degraded", "detail": "slow"},
    }
    body = json.dumps({"status": "degraded", "version": "9.9", "parts": parts}).encode()
    with daemon(ccm, 200, body):
        found = findings(ccm)
        text = ccm.run("doctor", code=1).stdout
    assert found["daemon"]["found"] == "running, version 9.9"
    link = found["daemon ami pbx1"]
    assert link["verdict"] == "failed"
    assert "did not answer a ping" in link["found"]
    assert "since 2026-03-02 10:00:00 CET" in link["found"]
    assert found["daemon journal"]["found"] == "backlog facts 17"
    assert found["daemon recordings"]["verdict"] == "warning"
    assert "\x1b" not in text


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"parts": 1}', b"\xff"])
def test_something_else_on_the_port(ccm: Ccm, body: bytes) -> None:
    with daemon(ccm, 200, body):
        found = findings(ccm)["daemon"]
    assert found["verdict"] == "failed"
    assert "web.port" in found["mend"]


def test_a_user_who_may_not_look(ccm: Ccm) -> None:
    """The checks are made with the rights of whoever runs them. Root may do everything, so here it
    takes another user's rights for a moment."""
    root = os.geteuid() == 0
    settings = load(ccm.config, {})
    settings.state_dir.mkdir()
    closed = [settings.state_dir, ccm.recordings]
    for directory in closed:
        directory.chmod(0o700 if root else 0)
    open_directories = [
        directory for directory in ccm.directory.parents if directory.is_relative_to("/tmp/")
    ]
    for directory in [ccm.directory, *open_directories[:-1]]:
        directory.chmod(0o755)
    if root:
        os.setresuid(65534, 65534, 0)
    try:
        (state,) = files.state_directory(settings)
        _, recordings = files.recordings(settings, settings.node[0])
    finally:
        if root:
            os.setresuid(0, 0, 0)
        for directory in closed:
            directory.chmod(0o700)
    assert state.verdict == "failed"
    assert f"belongs to {ccm.directory.owner()}" in state.found
    assert "Permission denied for user" in recordings.found
    assert f"usermod -aG {ccm.directory.group()}" in recordings.mend
