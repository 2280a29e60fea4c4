"""Reading the configuration: every mistake at once and in words; secrets from the environment."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ccmiddleware.config import Settings, load, parse
from ccmiddleware.config_mail import LONGEST_LOCAL_PART
from ccmiddleware.errors import ConfigError
from ccmiddleware.mail import tokens

NODE = '[[node]]\nname = "pbx1"\n[node.ami]\nsecret = "x"\n'
TWO = NODE + '[[node]]\nname = "pbx-2"\n[node.ami]\nsecret_file = "/nowhere"\n'
MAILBOX = (
    NODE + '[mailbox.help]\nqueue = "support"\naddress = "help@shop.example"\nhost = "localhost"\n'
    'user = "help"\nsecret = "y"\n'
)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(tomllib.loads(text), "f.toml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "f.toml: node: must be set"),
        ("node = []", "f.toml: node: there is no [[node]]; each Asterisk server needs one"),
        ("[node]\n", "f.toml: node: must be a list of tables, written as [[node]]"),
        ("[[node]]\n", "f.toml: node[number 1].name: must be set"),
        ('[[node]]\nname = "a b"', "f.toml: node[a b].name: must be letters, digits"),
        ('[[node]]\nname = "a"', "f.toml: node[a].ami: must be set"),
        ('[[node]]\nname = "a"\n[node.ami]', "f.toml: node[a].ami: has no secret"),
        (
            '[[node]]\nname = "a"\n[node.ami]\nsecret = "x"\nsecret_file = "y"',
            "f.toml: node[a].ami: has both secret and secret_file",
        ),
        ('[[node]]\nname = "a"\n[node.ami]\nsecret = ""', "f.toml: node[a].ami.secret: is empty"),
        (NODE + "port = 99999", "f.toml: node[pbx1].ami.port: must be less than or equal to 65535"),
        (NODE + "prt = 1", "f.toml: node[pbx1].ami.prt: no such setting; did you mean port?"),
        (NODE + "[recroding]", "f.toml: recroding: no such setting; did you mean recording?"),
        ('host = "x"\n' + NODE, "there is node.ami.host and mailbox.NAME.host and smtp.host"),
        (NODE + "[log]\nzzz = 1", "log has level, format"),
        (NODE + "[queue.s]\nservice_level = 3", "did you mean service_level_seconds?"),
        (NODE + "[queue.s.recording]\npolcy = 3", "did you mean policy?"),
        (
            NODE + '[recording]\npolicy = "some"',
            "must be 'never', 'always', 'percentage' or 'on_demand'",
        ),
        (NODE + "[recording]\nkeep_days = 0", 'number of days from 1 to 36500, or "forever"'),
        (NODE + '[recording_store]\nbucket = "b-1"\nsecret = "s"', "access_key: must be set"),
        (NODE + "[recording]\npercentage = 101", "less than or equal to 100 (it is 101)"),
        ("database = 3\n" + NODE, "f.toml: database: must be a table of settings"),
        (MAILBOX + 'mark = "move"', 'mark = "move" and move_to belong together'),
        (MAILBOX + 'move_to = "Taken"', 'mark = "move" and move_to belong together'),
        (MAILBOX + 'mark = "move"\nmove_to = "INBOX"', "move_to is the folder that is taken in"),
        (MAILBOX + 'node = "pbx9"', "mailbox.help.node 'pbx9' is none of the nodes pbx1"),
        (MAILBOX.replace("help@", ""), "must be an email address, such as sales@example.com"),
        (MAILBOX + 'folder = "a\\nb"', "must be the name of a folder"),
        (MAILBOX + NODE.replace("pbx1", "pbx2"), "mailbox.help has no node: say on which"),
        (
            MAILBOX.replace("help@", "customer-service@"),
            "help: customer-service@shop.example has no room",
        ),
        (
            MAILBOX.replace("help@", "help+1@"),
            "before the @ there may be 15 characters, without a +",
        ),
        (MAILBOX.replace("@shop", "@-shop"), "must be an email address, such as sales@example.com"),
        (
            MAILBOX.replace("help@", "he..lp@"),
            "must be an email address, such as sales@example.com",
        ),
        (MAILBOX + 'name = "a\\nb"', "name has control characters"),
        (MAILBOX + 'acknowledge = "/a"', "mailbox.help.acknowledge needs [smtp]"),
        (NODE + '[smtp]\nhost = "x"\nuser = "u"', "user and its secret_file (or secret) belong"),
        (NODE + '[smtp]\nhost = "x"\nsecret = "s"', "user and its secret_file (or secret) belong"),
        (NODE + '[smtp]\nhost = "x"\nhello = "a b"', "must be a host name or an address in brack"),
        (NODE + NODE, "node names must differ; used more than once: pbx1"),
    ],
)
def test_each_mistake_is_told_with_what_would_be_right(text: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(text)), problems(text)


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(
        NODE + 'port = "x"\nuser = ""\n[web]\nport = -1\n[log]\nlevel = "loud"\n[jurnal]\n'
    )
    assert len(found) == 5


@pytest.mark.parametrize(
    "text",
    [
        NODE.replace('"x"', "5312731"),
        NODE + 'pasword = "5312731"',
        NODE + '[node.ari]\nsecret = 5312731\nurl = "x"',
        NODE + "[database]\nurl = 5312731",
        NODE + "[database]\npassword = 5312731",
    ],
)
def test_no_mistake_shows_a_secret(text: str) -> None:
    assert "5312731" not in "\n".join(problems(text))


def loaded(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "ccm.toml"
    path.write_text(text)
    return load(path, environ)


def test_secrets_from_the_environment_win(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        TWO + '[node.ari]\nsecret = "old"\n',
        CCM_NODE_PBX1_AMI_SECRET="one",
        CCM_NODE_PBX_2_AMI_SECRET="two",
        CCM_NODE_PBX_2_ARI_SECRET="three",
        CCM_DATABASE_URL="postgresql://db/x",
    )
    first, second = settings.node
    assert first.ami.reveal() == "one"
    assert second.ami.reveal() == "two"
    assert second.ari is not None
    assert second.ari.reveal() == "three"
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == "postgresql://db/x"


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    settings = loaded(tmp_path, NODE, CCM_NODE_PBX1_AMI_SECRET="", CCM_DATABASE_URL="")
    assert settings.node[0].ami.reveal() == "x"
    assert settings.database.url is None


@pytest.mark.parametrize(
    ("text", "variable", "words"),
    [
        (NODE, "CCM_NODE_PBX9_AMI_SECRET", "right would be CCM_NODE_PBX1_AMI_SECRET"),
        (NODE, "CCM_NODE_PBX1_ARI_SECRET", "has no section ari"),
        (TWO.replace("pbx1", "pbx_2"), "CCM_NODE_PBX_2_AMI_SECRET", "belongs to 2 nodes"),
    ],
)
def test_a_variable_that_fits_nothing_is_a_mistake(
    tmp_path: Path, text: str, variable: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        loaded(tmp_path, text, **{variable: "geheim"})


@pytest.mark.parametrize(
    "content",
    [b"a = = 1", b"\xff\xfe", b'[[node]]\nname = "a"\nname = "b"'],
)
def test_a_file_that_is_no_toml_is_told_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ccm.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=str(path)):
        load(path, {})


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ccm config example"):
        load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="can't be read"):
        load(tmp_path, {})


def test_secret_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    node: dict[str, Any] = {"name": "a", "ami": {"secret_file": str(secret)}}
    settings = parse({"node": [node]}, "x")
    with pytest.raises(ConfigError, match="No such file"):
        settings.node[0].ami.reveal()
    secret.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        settings.node[0].ami.reveal()
    secret.write_text("geheim\n")
    assert settings.node[0].ami.reveal() == "geheim"
    assert "geheim" not in repr(settings)


def test_a_queue_says_only_what_differs_in_its_recordings() -> None:
    settings = parse(
        {
            "node": [{"name": "pbx1", "ami": {"secret": "x"}}],
            "recording": {"policy": "always", "compression": "flac", "keep_days": 90},
            "queue": {
                "sales": {"recording": {"keep_days": "forever"}},
                "desk": {"recording": {"policy": "never", "keep_days": 90}},
            },
        },
        "test",
    )
    assert settings.recording_for("support") == settings.recording
    sales, desk = settings.recording_for("sales"), settings.recording_for("desk")
    assert (sales.policy, sales.compression, sales.keep_days) == ("always", "flac", "forever")
    assert (desk.policy, desk.compression, desk.keep_days) == ("never", "flac", 90)
    assert settings.recording_for("sales").percentage == 100


def test_mailboxes_belong_to_nodes_and_have_their_ports() -> None:
    settings = parse(tomllib.loads(MAILBOX), "test")
    assert list(settings.mailboxes_of("pbx1")) == ["help"]
    assert settings.mailboxes_of("pbx2") == {}
    assert settings.mailbox["help"].at_port == 993
    assert settings.mailbox["help"].model_copy(update={"tls": "starttls"}).at_port == 143
    assert settings.mailbox["help"].model_copy(update={"port": 10143}).at_port == 10143


def test_smtp_has_its_ports_and_its_secret_from_the_environment(tmp_path: Path) -> None:
    text = NODE + '[smtp]\nhost = "x"\nuser = "u"\nsecret = "s"\n'
    smtp = parse(tomllib.loads(text), "f.toml").smtp
    assert smtp is not None
    ports = {
        tls: smtp.model_copy(update={"tls": tls}).at_port for tls in ("tls", "starttls", "none")
    }
    assert ports == {"tls": 465, "starttls": 587, "none": 25}
    path = tmp_path / "ccm.toml"
    path.write_text(text)
    found = load(path, {"CCM_SMTP_SECRET": "outside"}).smtp
    assert found is not None
    assert found.reveal() == "outside"
    path.write_text(NODE)
    with pytest.raises(ConfigError, match="CCM_SMTP_SECRET is set, but there is no section smtp"):
        load(path, {"CCM_SMTP_SECRET": "outside"})


def test_local_parts_leave_room_for_tokens() -> None:
    assert LONGEST_LOCAL_PART == tokens.LONGEST_BASE


def test_the_folder_of_an_account_is_its_source() -> None:
    mailbox = parse(tomllib.loads(MAILBOX), "f.toml").mailbox["help"]
    other = mailbox.model_copy(update={"host": "Mail.Example", "user": "a@b/c", "folder": "x/y z"})
    assert mailbox.source == "imap://help@localhost/INBOX"
    assert other.source == "imap://a%40b%2Fc@mail.example/x%2Fy%20z"


def test_the_secret_of_a_mailbox_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "ccm.toml"
    path.write_text(MAILBOX)
    assert load(path, {"CCM_MAILBOX_HELP_SECRET": "outside"}).mailbox["help"].reveal() == "outside"
    with pytest.raises(ConfigError, match="right would be CCM_MAILBOX_HELP_SECRET"):
        load(path, {"CCM_MAILBOX_HLEP_SECRET": "outside"})


def test_the_secret_of_the_store_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "ccm.toml"
    secret = {"CCM_RECORDING_STORE_SECRET": "from outside"}
    path.write_text(NODE)
    with pytest.raises(ConfigError, match="no section recording_store"):
        load(path, secret)
    path.write_text(NODE + '[recording_store]\nbucket = "b-1"\naccess_key = "k"\n')
    store = load(path, secret).recording_store
    assert store is not None
    assert store.reveal() == "from outside"
