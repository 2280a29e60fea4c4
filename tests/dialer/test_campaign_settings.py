"""What may be set of a campaign: every key, what is refused with which words, and the way back."""

import pytest

from ccmiddleware.dialer.caller_ids import caller_id_for
from ccmiddleware.dialer.retry import DEFAULT
from ccmiddleware.dialer.settings import (
    KEYS,
    TRANSITIONS,
    after,
    campaign_hours,
    changed,
    check_may_change,
    effective,
    from_stored,
    key_named,
    number_cap,
    parse_changes,
    retry_rules,
    shown,
)
from ccmiddleware.dialer.values import InvalidCampaign, dial
from ccmiddleware.dialer.windows import CampaignHours

GOOD = [
    ("mode=Predictive", "predictive", "predictive"),
    ("node=pbx1", "pbx1", "pbx1"),
    ("queue=outbound sales", "outbound sales", "outbound sales"),
    ("profile=us-ftc", "us-ftc", "us-ftc"),
    ("trunks=a, b", ["a", "b"], "a,b"),
    (
        "caller_ids=+1 (212) 555-0100, +1305:+13055550100",
        ["+12125550100", "+1305:+13055550100"],
        "+12125550100,+1305:+13055550100",
    ),
    ("ring_seconds=20", 20, "20"),
    ("max_lines=1", 1, "1"),
    ("lines_per_agent=2.5", 2.5, "2.5"),
    ("calls_per_second=0.1", 0.1, "0.1"),
    ("ratio=3", 3.0, "3"),
    ("abandonment_limit=2.5%", 2.5, "2.5"),
    ("detection=yes", True, "yes"),
    ("detection_seconds=1.5s", 1.5, "1.5"),
    ("detection_sample=2.5%", 2.5, "2.5"),
    ("inbound_share=0", 0.0, "0"),
    ("safe_harbour_message=custom/safe-harbour", "custom/safe-harbour", "custom/safe-harbour"),
    ("machine_message=beep", "beep", "beep"),
    ("agentless_message=custom/news", "custom/news", "custom/news"),
    (
        "agentless_keys=1=agent, 2=queue:sales, 9=opt_out",
        {"1": "agent", "2": "queue:sales", "9": "opt_out"},
        "1=agent,2=queue:sales,9=opt_out",
    ),
    ("opt_out_key=*", "*", "*"),
    ("seller_name=Müller & Söhne", "Müller & Söhne", "Müller & Söhne"),
    ("seller_number=+49 30 1234567", "+49301234567", "+49301234567"),
    ("purpose=spring sale", "spring sale", "spring sale"),
    ("hours=fri 9:00-12:00; mon-thu 9:00-18:00",
     "mon-thu 09:00-18:00; fri 09:00-12:00", "mon-thu 09:00-18:00; fri 09:00-12:00"),
    (
        "holidays=December 25; 2026-12-24;2 days before Easter",
        ["december 25", "2026-12-24", "2 days before easter"],
        "december 25; 2026-12-24; 2 days before easter",
    ),
    ("number_cap=3 in 24h", {"calls": 3, "hours": 24}, "3 in 24h"),
    ("time_zone=America/New_York", "America/New_York", "America/New_York"),
    ("weight=3", 3, "3"),
    ("default_region=us", "US", "US"),
    ("stop_date=2026-12-31", "2026-12-31", "2026-12-31"),
    (
        "retry=busy 10m x3;  no_answer 4h x5 next-number",
        "busy 10m x3; no_answer 4h x5 next-number",
        "busy 10m x3; no_answer 4h x5 next-number",
    ),
    ("retry=never", "never", "never"),
    ("most_attempts=6", 6, "6"),
    ("callback_tolerance=30m", 1800, "30m"),
    ("callback_anybody=no", False, "no"),
    ("inbound_share=90", 90.0, "90"),
    ("disposition.SALE=success", {"effect": "success"}, "success"),
    ("disposition.7=next number", {"effect": "next_number"}, "next number"),
    ("disposition.later=again after 2d", {"effect": "again", "after": 172800}, "again after 2d"),
]  # fmt: skip


@pytest.mark.parametrize(("pair", "value", "text"), GOOD, ids=lambda one: str(one)[:40])
def test_what_is_typed_is_a_value_and_comes_back(pair: str, value: object, text: str) -> None:
    name = pair.partition("=")[0]
    assert parse_changes([pair]) == {name: value}
    assert shown(name, value) == text
    assert parse_changes([f"{name}={text}"]) == {name: value}
    assert from_stored({name: value}) == {name: value}


def test_every_key_is_in_the_table_above() -> None:
    tried = {pair.partition("=")[0] for pair, _, _ in GOOD}
    assert set(KEYS) <= tried


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("mod=power", "did you mean mode?"),
        ("mode=predictiv", "did you mean predictive?"),
        ("mode", "write mode=VALUE"),
        ("node=../etc", "no name of a node"),
        ("queue=a,b", "no name of a queue"),
        ("trunks=a,a", "a is given twice"),
        ("trunks=,", "no list of 1 to 20"),
        ("trunks=a b", "no name of a trunk"),
        ("caller_ids=2125550100", "with + and country code"),
        ("caller_ids=305:+13055550100", "no beginning of numbers"),
        ("caller_ids=+1305:555", "with + and country code"),
        ("ring_seconds=4", "from 5 to 120"),
        ("ring_seconds=٢٠", "from 5 to 120"),
        ("max_lines=-1", "from 1 to 10000"),
        ("lines_per_agent=nan", "from 1 to 20"),
        ("ratio=0.5", "from 1 to 10"),
        ("abandonment_limit=0%", "from 0.1 to 100"),
        ("calls_per_second=1e9", "from 0.1 to 1000"),
        ("detection=maybe", "neither yes nor no"),
        ("detection_seconds=60", "from 0.5 to 10"),
        ("safe_harbour_message=/etc/passwd", "no name of a sound"),
        ("safe_harbour_message=../x", "no name of a sound"),
        ("machine_message=a&b", "no name of a sound"),
        ("agentless_message=a,b", "no name of a sound"),
        ("agentless_keys=11=agent", "no key"),
        ("agentless_keys=1=agent,1=repeat", "the key 1 is given twice"),
        ("agentless_keys=1=dial", "write KEY=agent"),
        ("agentless_keys=1=queue:a,b", "no key"),
        ("opt_out_key=A", "no key"),
        ("opt_out_key=10", "no key"),
        ("seller_name=a\nb", "no single line"),
        ("seller_number=555", "with + and country code"),
        ("purpose=" + "x" * 201, "no single line"),
        ("hours=mon 9-18", "no span of time"),
        ("hours=mon 9:00-12:00; mon 13:00-14:00", "named twice"),
        ("holidays=24.12.", "no rule for a holiday"),
        ("holidays=2026-02-30", "there is no 2026-02-30"),
        ("holidays=july 4; July  4", "july 4 is given twice"),
        ("number_cap=3", "no limit: write 3 in 24h"),
        ("number_cap=0 in 24h", "no limit"),
        ("time_zone=New York", "did you mean America/New_York?"),
        ("weight=0", "from 1 to 1000"),
        ("default_region=USA", "no country"),
        ("default_region=XX", "no country"),
        ("stop_date=31.12.2026", "no date"),
        ("retry=busy 10m", "'busy 10m' is no rule"),
        ("retry=busy 10s x3", "no rule"),
        ("retry=connected 1h x1", "no rule can be for 'connected'"),
        ("most_attempts=0", "from 1 to 100"),
        ("disposition.SALE=sold", "no meaning of a code"),
        ("disposition.a b=done", "there is no setting"),
        ("disposition.X=again after soon", "no duration"),
    ],
)
def test_what_can_not_be_is_refused_in_words(pair: str, said: str) -> None:
    with pytest.raises(InvalidCampaign) as refused:
        parse_changes([pair])
    assert said in str(refused.value)


def test_twice_and_taken_back() -> None:
    with pytest.raises(InvalidCampaign, match="mode is given twice"):
        parse_changes(["mode=power", "mode=preview"])
    assert parse_changes(["mode=", "hours=always"]) == {"mode": None, "hours": None}
    assert changed({"mode": "power", "weight": 2}, {"mode": None, "ratio": 2.0}) == {
        "weight": 2,
        "ratio": 2.0,
    }


def test_what_holds_by_default_can_be_set() -> None:
    holds = effective({"weight": 3, "disposition.X": {"effect": "done"}})
    assert (holds["weight"], holds["mode"], holds["queue"]) == (3, "progressive", None)
    assert holds["disposition.X"] == {"effect": "done"}
    for name, value in holds.items():
        if value is not None:
            assert parse_changes([f"{name}={shown(name, value)}"]) == {name: value}


@pytest.mark.parametrize(
    "stored",
    [
        {"mode": "fast"},
        {"weight": "3"},
        {"nonsense": 1},
        {"trunks": "a"},
        {"safe_harbour_message": "../x"},
        {"retry": "busy 10m"},
        {"holidays": ["x"]},
        {"number_cap": {"calls": 3}},
        {"caller_ids": 5},
    ],
)
def test_what_is_stored_otherwise_is_not_used(stored: dict[str, object]) -> None:
    with pytest.raises(InvalidCampaign):
        from_stored(stored)


def test_every_action_in_every_state() -> None:
    states = ("draft", "running", "paused", "stopped")
    found = {}
    for action in TRANSITIONS:
        for state in states:
            try:
                found[action, state] = after(action, state)
            except InvalidCampaign as error:
                assert f"the campaign is {state}" in str(error)  # noqa: PT017 - beside the others
    assert found == {
        ("start", "draft"): "running",
        ("start", "paused"): "running",
        ("start", "stopped"): "running",
        ("pause", "running"): "paused",
        ("stop", "running"): "stopped",
        ("stop", "paused"): "stopped",
    }


def test_where_calls_are_the_node_stays() -> None:
    check_may_change("draft", ["node"])
    check_may_change("running", ["queue", "mode"])
    for state in ("running", "paused"):
        with pytest.raises(InvalidCampaign, match="node can't be changed"):
            check_may_change(state, ["mode", "node"])


@pytest.mark.parametrize(
    ("number", "turns"),
    [
        ("+12025550199", ["+12125550100", "+12125550101", "+12125550100"]),
        ("+13055550199", ["+13055550100", "+13055550100", "+13055550100"]),
        ("+13059990199", ["+13055550101", "+13055550102", "+13055550101"]),
    ],
)
def test_caller_ids_by_area_and_in_turn(number: str, turns: list[str]) -> None:
    given = parse_changes(
        ["caller_ids=+12125550100,+12125550101,+1305:+13055550100,"
         "+1305999:+13055550101,+1305999:+13055550102"]
    )["caller_ids"]  # fmt: skip
    assert [caller_id_for(given, number, turn) for turn in range(3)] == turns


def test_no_caller_id_where_none_fits() -> None:
    assert caller_id_for([], "+12025550199", 0) is None
    assert caller_id_for(["+44:+442071234567"], "+12025550199", 5) is None


@pytest.mark.parametrize(
    "text", ["PJSIP/{number}@provider", "Local/{digits}@out/n", "DAHDI/g1/9{digits}"]
)
def test_what_a_trunk_may_dial(text: str) -> None:
    assert dial(text) == text


@pytest.mark.parametrize(
    "text",
    ["PJSIP/provider", "{number}", "PJSIP/{number}{number}@p", "PJSIP/{number}&PJSIP/1@p",
     "PJSIP/{number}@p,30", "PJSIP/{number}@p\r\nAction: Originate", "PJSIP/${EVAL(x)}{number}"],
)  # fmt: skip
def test_what_a_trunk_may_not_dial(text: str) -> None:
    with pytest.raises(InvalidCampaign, match="nothing to dial"):
        dial(text)


def test_a_key_is_found_with_its_family() -> None:
    assert key_named("mode").default == "progressive"
    assert key_named("disposition.A-1").default is None


def test_its_hours_are_those_of_whoever_is_called() -> None:
    hours = campaign_hours(parse_changes(["hours=mon 10:00-18:00", "holidays=december 25"]))
    assert hours.week is not None
    assert [len(day) for day in hours.week] == [1, 0, 0, 0, 0, 0, 0]
    assert [one.rule for one in hours.holidays] == ["december 25"]
    assert campaign_hours({}) == CampaignHours()


def test_its_rules_are_those_of_the_rooms_that_decide() -> None:
    assert retry_rules({}) == DEFAULT
    given = parse_changes(["retry=busy 10m x3", "most_attempts=4", "number_cap=3 in 24h"])
    assert set(retry_rules(given).by_result) == {"busy"}
    assert retry_rules(given).most == 4
    assert retry_rules({"retry": "never"}).by_result == {}
    cap = number_cap(given)
    assert cap is not None
    assert (cap.calls, cap.hours) == (3, 24)
    assert number_cap({}) is None
