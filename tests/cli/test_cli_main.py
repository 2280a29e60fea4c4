"""The border of the command line: help, exit codes, no tracebacks, quick start, pipes."""

import json
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from ccm_day import PROJECT, Ccm
from click.testing import CliRunner

from ccmiddleware import __version__
from ccmiddleware.cli.main import cli

HEAVY = (
    "asyncpg",
    "aiohttp",
    "panoramisk",
    "pydantic",
    "rich",
    "structlog",
    "msgspec",
    "asyncio",
    "numpy",
)


def every_command(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from every_command(below, (*path, name))


COMMANDS = dict(every_command(cli))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_help_has_an_example_that_is_a_command(path: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        result = CliRunner().invoke(cli, [*path, option])
        assert result.exit_code == 0, result.output
        assert "Example:" in result.stdout
    epilog = COMMANDS[path].epilog or ""
    assert " ".join(("ccm", *path[:1])) in epilog.replace("--config ./ccm.toml ", "").replace(
        "--config /etc/ccmiddleware/ccm.toml ", ""
    )


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_command_is_explained(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_the_commands_are_those_that_are_promised() -> None:
    leaves = {path for path, command in COMMANDS.items() if not isinstance(command, click.Group)}
    assert {" ".join(path) for path in leaves} == {
        "contact add",
        "contact changes",
        "contact export",
        "contact import",
        "contact link",
        "contact list",
        "contact delete",
        "contact merge",
        "contact set",
        "contact settings",
        "contact show",
        "contact unlink",
        "conversation link",
        "conversation list",
        "conversation show",
        "conversation unlink",
        "run",
        "status",
        "doctor",
        "wallboard",
        *(f"config {name}" for name in ("check", "example", "show")),
        *(f"db {name}" for name in ("migrate", "status", "url", "psql")),
        *(f"email {name}" for name in ("list", "show", "messages", "note")),
        *(f"email {name}" for name in ("take", "reply", "requeue", "transfer", "close")),
        *(f"email quarantine {name}" for name in ("list", "show", "release", "drop")),
        *(f"outbox {name}" for name in ("list", "show", "retry", "drop")),
        *(f"queue {name}" for name in ("list", "show", "watch", "skill", "penalties")),
        *(f"queue {name}" for name in ("set", "show-settings", "changes", "hours")),
        *(f"queue {name}" for name in ("open", "close", "resume")),
        *(f"queue holiday {name}" for name in ("add", "remove", "list")),
        *(f"queue priority {name}" for name in ("add", "remove", "list", "import")),
        *(f"agent {name}" for name in ("list", "watch", "login", "logout", "pause", "unpause")),
        "agent email",
        "agent skill",
        *(f"skill {name}" for name in ("list", "add", "remove")),
        *(f"agent {name}" for name in ("monitor", "whisper", "barge", "unmonitor")),
        *(
            f"campaign {name}"
            for name in ("create", "set", "show", "list", "history", "delete", "evidence")
        ),
        *(f"campaign {name}" for name in ("check", "start", "pause", "stop", "profiles")),
        *(f"campaign {name}" for name in ("watch", "explain", "report")),
        *(f"lead {name}" for name in ("import", "list", "show", "export")),
        *(
            f"dnc {name}"
            for name in ("add", "remove", "import", "check", "list", "scrubbed", "optouts")
        ),
        *(f"trunk {name}" for name in ("set", "list", "remove")),
        "command list",
        *(f"interaction {name}" for name in ("list", "show", "dispose")),
        *(f"callback {name}" for name in ("list", "show", "add", "move", "cancel")),
        "campaign simulate",
        *(f"disposition {name}" for name in ("list", "add", "remove")),
        *(
            f"recording {name}"
            for name in ("list", "path", "show", "verify", "export", "hold", "release", "expire")
        ),
        *(f"recording {name}" for name in ("pause", "resume", "start", "stop")),
        *(f"report {name}" for name in ("list", "describe", "show")),
    }


def test_version() -> None:
    assert CliRunner().invoke(cli, ["--version"]).stdout == f"ccm {__version__}\n"


def test_help_and_completion_import_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from ccmiddleware.cli.main import cli\n"
        "try:\n    cli.main(['--help'])\n"
        "finally:\n"
        f"    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert "Exit codes" in done.stdout
    assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nonsense",), 2, "No such command 'nonsense'"),
        (("queue", "lst"), 2, "No such command 'lst'"),
        (("queue", "show"), 2, "Missing argument"),
        (("interaction", "list", "--since", "gestern"), 2, "2026-03-01T08:30"),
        (
            ("interaction", "list", "--since", "today", "--until", "yesterday"),
            2,
            "before it begins",
        ),
        (("interaction", "list", "--outcome", "lsot"), 2, "'lost'"),
        (("interaction", "list", "--limit", "0"), 2, "1<=x"),
        (("queue", "watch", "--interval", "0"), 2, "0.2"),
        (("report", "show", "x", "--time-zone", "Berlin"), 2, "did you mean Europe/Berlin?"),
        (("report", "show", "x", "--time-zone", "../../etc/passwd"), 2, "is no time zone"),
        (("report", "show", "x", "--format", "xml"), 2, "'csv'"),
        (("queue", "list"), 3, "the embedded Postgres"),
        (("db", "status"), 3, "start it"),
        (("db", "psql"), 3, "start it"),
        (("recording", "verify"), 3, "start it"),
    ],
)
def test_mistakes_end_with_a_line_and_a_code(
    ccm: Ccm, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = ccm.process(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_run_needs_secrets_that_can_be_read(ccm: Ccm) -> None:
    ccm.write(ccm.config.read_text().replace('secret = "5up3r-s3cret"', 'secret_file = "/nowhere"'))
    done = ccm.process("run")
    assert done.returncode == 2
    assert "node[pbx1].ami.secret_file /nowhere" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_configuration_says_how_to_begin(ccm: Ccm) -> None:
    ccm.config.unlink()
    done = ccm.process("queue", "list")
    assert done.returncode == 2
    assert "ccm config example >" in done.stderr


def test_a_database_that_is_away_is_one_line(ccm: Ccm) -> None:
    ccm.write(ccm.config.read_text() + '[database]\nurl = "postgresql://u:geheim@127.0.0.1:1/x"\n')
    for arguments in (("queue", "list"), ("db", "migrate"), ("report", "list"), ("agent", "watch")):
        done = ccm.process(*arguments)
        assert done.returncode == 3, arguments
        assert "can't be reached" in done.stderr, arguments
        assert len(done.stderr.splitlines()) == 1, arguments
        assert "geheim" not in done.stderr + done.stdout, arguments


def test_a_bug_is_one_line_and_a_traceback_only_with_debug(
    ccm: Ccm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: object) -> None:
        raise ZeroDivisionError("what happened\x1b[31m")

    monkeypatch.setattr("ccmiddleware.cli.context.App.settings", broken)
    result = ccm.run("queue", "list", code=70)
    assert result.stderr.startswith("ccm: unexpected error: ZeroDivisionError: what happened")
    assert len(result.stderr.splitlines()) == 1
    assert "\x1b" not in result.stderr
    with_debug = CliRunner().invoke(cli, ["--debug", "--config", str(ccm.config), "queue", "list"])
    assert with_debug.exit_code == 70
    assert "Traceback" in with_debug.stderr


def test_a_reader_that_goes_away_is_no_error(filled: Ccm) -> None:
    """``ccm … | head -1``: the reader closes the pipe while we write."""
    arguments = [sys.executable, "-m", "ccmiddleware", "--config", str(filled.config)]
    with subprocess.Popen(
        [*arguments, "agent", "watch", "--json", "--count", "1000", "--interval", "0.2"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "[\n"
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_shell_completion_knows_commands_options_and_choices() -> None:
    def complete(words: str, number: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from ccmiddleware.cli.main import main; main()"],
            cwd=PROJECT,
            env={"_CCM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "plain,queue" in complete("ccm qu", 1)
    assert "plain,watch" in complete("ccm queue ", 2)
    assert "plain,--since" in complete("ccm interaction list --si", 3)
    assert "plain,abandoned" in complete("ccm interaction list --outcome ab", 4)
    assert "plain,Europe/Berlin" in complete("ccm report show x --time-zone Europe/Be", 5)


def test_json_answers_are_one_value_each(filled: Ccm) -> None:
    for arguments in (
        ("config", "show"),
        ("config", "check"),
        ("db", "status"),
        ("db", "url"),
        ("queue", "list"),
        ("agent", "list"),
        ("interaction", "list"),
        ("recording", "list"),
        ("recording", "verify"),
        ("report", "list"),
        ("report", "describe", "interaction"),
        ("report", "show", "queue_now"),
    ):
        json.loads(filled.run(*arguments, "--json").stdout)
