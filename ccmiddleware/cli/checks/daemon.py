"""Checks of the running daemon: what it says of itself under /healthz, link by link.

This is where a dead or frozen link to Asterisk shows, with the moment since when. Plain HTTP over
the standard library: nothing else is needed for one small request.
"""

import asyncio
import http.client
import json
from contextlib import suppress
from datetime import datetime
from typing import Any

from ccmiddleware.cli.checks import Finding, Verdict
from ccmiddleware.cli.when import local_zone, show
from ccmiddleware.config import WebSettings
from ccmiddleware.plaintext import plain

TIMEOUT = 5.0
LARGEST = 1024 * 1024
VERDICTS: dict[str, Verdict] = {"ok": "ok", "degraded": "warning", "failed": "failed"}
START = "start it: ccm run, or systemctl start ccmiddleware (then: journalctl -u ccmiddleware)"


async def daemon(settings: WebSettings) -> list[Finding]:
    """Whether the daemon runs, and each part of it as it says itself."""
    subject = "daemon"
    where = f"http://{settings.host}:{settings.port}/healthz"
    if settings.port == 0:
        return [Finding(subject, "note", "web.port is 0: nobody knows where the daemon answers")]
    try:
        async with asyncio.timeout(TIMEOUT + 1):
            answer = await asyncio.to_thread(_ask, settings)
    except ConnectionRefusedError:
        return [Finding(subject, "warning", f"not running: nobody answers at {where}", START)]
    except (OSError, TimeoutError, http.client.HTTPException) as error:
        mend = "it may hang: look at its log, and restart it if it stays like this"
        found = f"no answer from {where}: {error or type(error).__name__}"
        return [Finding(subject, "failed", found, mend)]
    except ValueError:
        mend = f"something else listens there: set web.port to a free port (now {settings.port})"
        return [Finding(subject, "failed", f"{where} does not answer as our daemon does", mend)]
    return _parts(answer)


def _ask(settings: WebSettings) -> dict[str, Any]:
    """The answer of /healthz. Raises OSError, HTTPException, and ValueError when it is not ours."""
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz", headers={"Accept": "application/json"})
        answer = json.loads(connection.getresponse().read(LARGEST))
    finally:
        connection.close()
    if not isinstance(answer, dict) or not isinstance(answer.get("parts"), dict):
        raise ValueError("not our health")
    return answer


def _parts(answer: dict[str, Any]) -> list[Finding]:
    version = plain(str(answer.get("version", "?")))
    findings = [Finding("daemon", "ok", f"running, version {version}")]
    for name, part in answer["parts"].items():
        if not isinstance(part, dict):
            continue
        verdict = VERDICTS.get(str(part.get("status")), "warning")
        if verdict == "warning" and (part.get("up") is False or name == "database"):
            verdict = "failed"  # it mends itself, but at present nothing is seen or stored
        figures = [
            _figure(key, value)
            for key, value in part.items()
            if key not in ("status", "detail", "up") and value is not None
        ]
        said = ", ".join(text for text in (str(part.get("detail") or ""), *figures) if text)
        mend = "" if verdict == "ok" else "the checks above say why; the daemon keeps trying"
        findings.append(
            Finding(f"daemon {plain(name)}", verdict, plain(said) or str(part.get("status")), mend)
        )
    return findings


def _figure(key: str, value: Any) -> str:
    if key.endswith("since"):
        with suppress(ValueError):
            return (
                f"{key.replace('_', ' ')} {show(datetime.fromisoformat(str(value)), local_zone())}"
            )
    return f"{key.replace('_', ' ')} {value}"
