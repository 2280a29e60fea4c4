"""The example file and the reference table are made from the settings and agree with them."""

import re
import tomllib
from pathlib import Path

import pytest

from ccmiddleware.config import Settings, load, parse
from ccmiddleware.config_example import example, reference
from ccmiddleware.config_problems import known_keys
from ccmiddleware.errors import ConfigError

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
SETTING = re.compile(r"^#(?=[a-z_]+ = |\[)", re.MULTILINE)


def test_only_the_secret_must_be_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "ccm.toml"
    path.write_text(example())
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert caught.value.problems == [
        f"{path}: node[pbx1].ami.secret: is empty; write the secret here, or remove this and set "
        "secret_file"
    ]
    path.write_text(example().replace('secret = ""  # fill in', 'secret = "x"'))
    assert load(path, {}).node[0].name == "pbx1"


def test_what_is_commented_out_are_the_defaults() -> None:
    """With every comment made a setting, nothing but samples differs from what holds anyway."""
    text = SETTING.sub("", example())
    for sample in (
        "time_zone",
        "secret_file",
        "tls_ca_file",
        "password_file",
        "move_to",
        "signature_file",
        "acknowledge",
        'url = "postgresql',
    ):
        text = re.sub(rf"^{sample}.*$", "", text, flags=re.MULTILINE)
    text = text.replace('secret = ""', 'secret = "x"')
    full = parse(tomllib.loads(text), "example")
    bare = parse(
        {
            "node": [{"name": "pbx1", "ami": {"secret": "x"}, "ari": {"secret": "x"}}],
            "recording_store": {"bucket": "recordings", "access_key": "AKIAEXAMPLE", "secret": "x"},
            "smtp": {"host": "smtp.example.com", "user": "ccm@example.com", "secret": "x"},
        },
        "bare",
    )
    assert full.recording_store is not None
    assert full.smtp is not None
    assert full.smtp.at_port == 465
    full = full.model_copy(
        update={
            "recording_store": full.recording_store.model_copy(update={"endpoint": None}),
            "smtp": full.smtp.model_copy(update={"port": None}),
            "dialing": full.dialing.model_copy(update={"profiles": None}),
        }
    )
    same = full.model_dump(exclude={"queue", "node", "mailbox"})
    assert same == bare.model_dump(exclude={"queue", "node", "mailbox"})
    assert (
        full.node[0].model_copy(update={"recordings_on_asterisk": None, "queue_log": None})
        == bare.node[0]
    )


def test_every_setting_stands_in_the_example_and_in_the_table() -> None:
    table = reference()
    lines = example().splitlines()
    for key in known_keys(Settings):
        assert f"| `{key}` |" in table
        name = key.rsplit(".", 1)[-1]
        assert any(re.match(rf"#?{name} = ", line) for line in lines), key


def test_the_document_holds_the_table() -> None:
    assert reference() in DOCUMENT.read_text(), "run: ccm config example --format markdown"


def test_no_line_of_the_example_is_too_long_to_read() -> None:
    assert max(len(line) for line in example().splitlines()) <= 100
