"""What `ccm doctor` says of sending mail."""

import json
from pathlib import Path

from ccm_day import Ccm

from ccmiddleware.cli.checks import mail
from ccmiddleware.config import Settings

MAILBOX = {"queue": "q", "address": "help@x.example", "host": "x", "user": "u", "secret": "s"}


def settings(**more: object) -> Settings:
    node = {"name": "pbx1", "ami": {"secret": "x"}}
    return Settings.model_validate({"node": [node], **more})


async def test_without_mailboxes_nothing_is_said():
    assert await mail.smtp(settings()) == []
    assert mail.writing(settings()) == []


async def test_without_a_server_nothing_can_be_sent():
    (said,) = await mail.smtp(settings(mailbox={"help": MAILBOX}))
    assert (said.verdict, said.mend) == ("note", "add a section [smtp]")


async def test_a_server_that_does_not_answer_and_a_secret_that_is_not_there():
    (said,) = await mail.smtp(settings(smtp={"host": "127.0.0.1", "port": 1, "tls": "none"}))
    assert said.verdict == "failed"
    assert "SMTP 127.0.0.1:1: " in said.found
    gone = {"host": "127.0.0.1", "user": "u", "secret_file": "/nowhere"}
    (said,) = await mail.smtp(settings(smtp=gone))
    assert said.verdict == "failed"
    assert "/nowhere" in said.found


def test_a_template_that_is_wrong(tmp_path: Path):
    template = tmp_path / "t"
    template.write_text("{nmae}")
    broken = {**MAILBOX, "acknowledge": str(template)}
    said = mail.writing(settings(mailbox={"help": broken}, smtp={"host": "x"}))
    assert [one.subject for one in said] == ["mailbox help"]
    assert "is no placeholder" in said[0].found


def test_config_check_reads_what_the_settings_of_mail_name(ccm: Ccm):
    template = ccm.directory / "t"
    template.write_text("{nmae}")
    mailbox = MAILBOX | {"acknowledge": str(template), "signature_file": "/nowhere/s"}
    smtp = {"host": "x", "user": "u", "secret_file": "/nowhere/p", "tls_ca_file": "/nowhere/ca"}
    ccm.write(
        ccm.config.read_text()
        + "\n[mailbox.help]\n"
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in mailbox.items())
        + "[smtp]\n"
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in smtp.items())
    )
    told = json.loads(ccm.run("config", "check", "--json", code=2).stdout)["problems"]
    assert [line.removeprefix(f"{ccm.config}: ").split(" ")[0] for line in told] == [
        "mailbox.help.signature_file",
        "mailbox.help.acknowledge",
        "smtp.secret_file",
        "smtp.tls_ca_file:",
    ]
