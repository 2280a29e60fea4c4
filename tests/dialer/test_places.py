"""Places: what a number and what is stored about its party say of where the party may be."""

from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

from ccmiddleware.dialer.areas import clock, tables
from ccmiddleware.dialer.places import InvalidEvidence, NoPlace, Place, place_of

NEW_YORK, CHICAGO = "America/New_York", "America/Chicago"
DENVER, LOS_ANGELES = "America/Denver", "America/Los_Angeles"

# number, what is stored, country, zones, states
PLACES: list[tuple[str, dict[str, str], str, list[str], list[str]]] = [
    ("+13055550123", {}, "US", [NEW_YORK], ["US-FL"]),
    ("+18505550123", {}, "US", [NEW_YORK, CHICAGO], ["US-FL"]),
    ("+14485550123", {}, "US", [NEW_YORK, CHICAGO], ["US-FL"]),  # overlay of 850
    ("+12125550123", {}, "US", [NEW_YORK], ["US-NY"]),
    ("+17135550123", {}, "US", [CHICAGO], ["US-TX"]),
    ("+19155550123", {}, "US", [DENVER], ["US-TX"]),  # El Paso
    ("+16025550123", {}, "US", ["America/Phoenix"], ["US-AZ"]),
    ("+19285550123", {}, "US", ["America/Phoenix", DENVER], ["US-AZ"]),  # the Navajo Nation
    ("+18085550123", {}, "US", ["Pacific/Honolulu"], ["US-HI"]),
    ("+19075550123", {}, "US", ["America/Anchorage", "America/Adak"], ["US-AK"]),
    ("+13175550123", {}, "US", ["America/Indiana/Indianapolis"], ["US-IN"]),
    ("+12195550123", {}, "US", ["America/Indiana/Indianapolis", CHICAGO], ["US-IN"]),
    ("+12025550123", {}, "US", [NEW_YORK], ["US-DC"]),
    ("+17875550123", {}, "PR", ["America/Puerto_Rico"], ["US-PR"]),
    ("+16715550123", {}, "GU", ["Pacific/Guam"], ["US-GU"]),
    ("+14165550123", {}, "CA", ["America/Toronto"], ["CA-ON"]),
    ("+18075550123", {}, "CA", ["America/Toronto", "America/Winnipeg"], ["CA-ON"]),
    ("+19025550123", {}, "CA", ["America/Halifax"], ["CA-NS", "CA-PE"]),
    ("+13065550123", {}, "CA", ["America/Regina", "America/Edmonton"], ["CA-SK"]),
    ("+12423456789", {}, "BS", ["America/Nassau"], []),
    ("+18765230123", {}, "JM", ["America/Jamaica"], []),
    ("+442079460018", {}, "GB", ["Europe/London"], []),
    ("+447400123456", {}, "GB", ["Europe/London"], []),  # mobile
    ("+443001234567", {}, "GB", ["Europe/London"], []),  # 03: a company's number of the country
    ("+441534123456", {}, "JE", ["Europe/Jersey"], []),
    ("+493012345678", {}, "DE", ["Europe/Berlin"], []),
    ("+390612345678", {}, "IT", ["Europe/Rome"], []),  # the zero belongs to the number
    ("+912221234567", {}, "IN", ["Asia/Calcutta"], []),
    ("+97714567890", {}, "NP", ["Asia/Katmandu"], []),
    ("+61881234567", {}, "AU", ["Australia/Adelaide", "Australia/Perth"], []),
    # stored evidence within that of the number says where
    ("+18505550123", {"postal_code": "32301"}, "US", [NEW_YORK], ["US-FL"]),
    ("+18505550123", {"postal_code": "32501-1234"}, "US", [CHICAGO], ["US-FL"]),
    ("+18505550123", {"zone": NEW_YORK}, "US", [NEW_YORK], ["US-FL"]),
    ("+18505550123", {"zone": "US/Central"}, "US", ["US/Central"], ["US-FL"]),
    ("+19075550123", {"postal_code": "99501"}, "US", ["America/Anchorage"], ["US-AK"]),
    ("+19075550123", {"postal_code": "99546"}, "US", ["America/Adak"], ["US-AK"]),
    ("+12015550123", {"postal_code": "7030"}, "US", [NEW_YORK], ["US-NJ"]),  # lost its zero
    ("+12015550123", {"country": "US"}, "US", [NEW_YORK], ["US-NJ"]),
    ("+17875550123", {"country": "US"}, "PR", ["America/Puerto_Rico"], ["US-PR"]),
    ("+17875550123", {"country": "PR"}, "PR", ["America/Puerto_Rico"], ["US-PR"]),
    ("+19025550123", {"state": "PE"}, "CA", ["America/Halifax"], ["CA-PE"]),
    ("+14165550123", {"postal_code": "m5v 2t6"}, "CA", ["America/Toronto"], ["CA-ON"]),
    ("+493012345678", {"state": "DE-BY"}, "DE", ["Europe/Berlin"], ["DE-BY"]),
    ("+493012345678", {"state": "BY", "country": "de"}, "DE", ["Europe/Berlin"], ["DE-BY"]),
    ("+493012345678", {"postal_code": "80331"}, "DE", ["Europe/Berlin"], []),  # not used there
    ("+13055550123", {"zone": "", "state": " "}, "US", [NEW_YORK], ["US-FL"]),
    # a mobile number of Houston may be anywhere in Texas
    ("+17135550123", {"state": "TX"}, "US", [CHICAGO, DENVER], ["US-TX"]),
    ("+17135550123", {"state": "texas"}, "US", [CHICAGO, DENVER], ["US-TX"]),
    ("+17135550123", {"state": "US-TX", "postal_code": "77001"}, "US", [CHICAGO], ["US-TX"]),
    ("+17135550123", {"state": "TX", "zone": CHICAGO}, "US", [CHICAGO], ["US-TX"]),
    # borders of zones: what is known as one of them, what may be either, and what keeps both clocks
    ("+13345550123", {"postal_code": "36867"}, "US", [CHICAGO, NEW_YORK], ["US-AL"]),
    ("+13345550123", {"postal_code": "36830"}, "US", [CHICAGO], ["US-AL"]),
    ("+14235550123", {"postal_code": "37402"}, "US", [NEW_YORK], ["US-TN"]),
    ("+14235550123", {"postal_code": "37419"}, "US", [CHICAGO, NEW_YORK], ["US-TN"]),
    ("+14235550123", {"postal_code": "37367"}, "US", [CHICAGO, NEW_YORK], ["US-TN"]),
    ("+12195550123", {"postal_code": "46402"}, "US", [CHICAGO], ["US-IN"]),
    ("+18125550123", {"postal_code": "47708"}, "US", [CHICAGO], ["US-IN"]),
    ("+15415550123", {"postal_code": "97914"}, "US", [LOS_ANGELES, "America/Boise"], ["US-OR"]),
    ("+12085550123", {"postal_code": "83814"}, "US", [LOS_ANGELES], ["US-ID"]),
    ("+16055550123", {"postal_code": "57701"}, "US", [DENVER], ["US-SD"]),
    ("+17015550123", {"postal_code": "58102"}, "US", [CHICAGO], ["US-ND"]),
    ("+13085550123", {"postal_code": "69361"}, "US", [DENVER], ["US-NE"]),
    ("+19065550123", {"postal_code": "49855"}, "US", ["America/Detroit", "America/Menominee"],
     ["US-MI"]),
    ("+19155550123", {"postal_code": "79901"}, "US", [DENVER], ["US-TX"]),
    ("+19285550123", {"postal_code": "86301"}, "US", ["America/Phoenix"], ["US-AZ"]),
    ("+13065550123", {"postal_code": "S4P 3Y2"}, "CA", ["America/Regina"], ["CA-SK"]),
    ("+17095550123", {"postal_code": "A1C 5S7"}, "CA", ["America/St_Johns"], ["CA-NL"]),
    ("+16045550123", {"postal_code": "V6B 1A1"}, "CA", ["America/Vancouver"], ["CA-BC"]),
    # what contradicts widens
    ("+13055550123", {"state": "GA"}, "US", [NEW_YORK], ["US-FL", "US-GA"]),
    ("+13055550123", {"postal_code": "90001"}, "US", [NEW_YORK, LOS_ANGELES], ["US-CA", "US-FL"]),
    ("+13055550123", {"state": "HI"}, "US", [NEW_YORK, "Pacific/Honolulu"], ["US-FL", "US-HI"]),
    (
        "+13055550123",
        {"zone": LOS_ANGELES},
        "US",
        [NEW_YORK, LOS_ANGELES],
        ["US-CA", "US-FL", "US-ID", "US-NV", "US-OR", "US-WA"],
    ),
    (
        "+13055550123",
        {"postal_code": "10001", "state": "CA"},
        "US",
        [NEW_YORK, LOS_ANGELES],
        ["US-CA", "US-FL", "US-NY"],
    ),
    (
        "+13055550123",
        {"postal_code": "M5V2T6"},
        "US",
        [NEW_YORK, "America/Toronto"],
        ["CA-ON", "US-FL"],
    ),
    ("+442079460018", {"zone": "Europe/Berlin"}, "GB", ["Europe/Berlin", "Europe/London"], []),
    ("+442079460018", {"country": "DE"}, "GB", ["Europe/Berlin", "Europe/London"], []),
    ("+442079460018", {"state": "US-FL"}, "GB", ["Europe/London", NEW_YORK, CHICAGO], ["US-FL"]),
    # what tells no place itself may have one stored
    ("+18005550123", {"state": "NV"}, "US", [LOS_ANGELES, DENVER], ["US-NV"]),
    ("+18005550123", {"postal_code": "89101"}, "US", [LOS_ANGELES], ["US-NV"]),
    ("+18005550123", {"zone": LOS_ANGELES}, "US", [LOS_ANGELES],
     ["US-CA", "US-ID", "US-NV", "US-OR", "US-WA"]),  # the state is not known: all of the zone
    ("+881612345678", {"zone": "Asia/Tokyo"}, "001", ["Asia/Tokyo"], []),
    ("+13055550123", {"postal_code": "09012", "zone": NEW_YORK}, "US", [NEW_YORK], ["US-FL"]),
    # longest beginning of a postal code
    ("+18085550123", {"postal_code": "96799"}, "US", ["Pacific/Honolulu", "Pacific/Pago_Pago"],
     ["US-AS", "US-HI"]),
    ("+12035550123", {"postal_code": "06390"}, "US", [NEW_YORK], ["US-CT", "US-NY"]),
]  # fmt: skip


@pytest.mark.parametrize(("number", "stored", "country", "zones", "states"), PLACES)
def test_place(
    number: str, stored: dict[str, str], country: str, zones: list[str], states: list[str]
) -> None:
    place = place_of(number, **stored)
    assert (place.country, set(place.zones), set(place.states)) == (
        country,
        set(zones),
        set(states),
    )
    assert list(place.zones) == sorted(place.zones)
    assert list(place.states) == sorted(place.states)
    assert place.evidence


REFUSED: list[tuple[str, dict[str, str], type[Exception], str]] = [
    ("+18005550123", {}, NoPlace, "toll-free"),
    ("+18005550123", {"country": "US"}, NoPlace, "toll-free"),
    ("+19005550123", {}, NoPlace, "premium-rate"),
    ("+15005550123", {}, NoPlace, "personal number"),
    ("+448081570192", {}, NoPlace, "toll-free"),
    ("+881612345678", {}, NoPlace, "satellite"),
    ("+80012345678", {}, NoPlace, "international toll-free"),
    ("+12995550123", {}, NoPlace, "no number in use"),
    ("+13051550123", {}, NoPlace, "no number in use"),
    ("+1305555012", {}, NoPlace, "no number in use"),
    ("+2101234567", {}, NoPlace, "no number in use"),
    ("+4400000", {}, NoPlace, "no number in use"),
    ("+1", {}, NoPlace, "no number in use"),
    ("+" + "4" * 40, {}, NoPlace, "no number in use"),
    ("3055550123", {}, NoPlace, "no number in E.164"),
    ("+1305\u0665\u06650123", {}, NoPlace, "no number in E.164"),
    ("", {}, NoPlace, "no number in E.164"),
    ("+13055550123", {"postal_code": "09012"}, NoPlace, "armed forces"),
    ("+16715550123", {"postal_code": "96940"}, NoPlace, "country of its own"),
    ("+13055550123", {"zone": "New_York"}, InvalidEvidence, "did you mean America/New_York"),
    ("+13055550123", {"zone": "EDT"}, InvalidEvidence, "is no time zone"),
    ("+13055550123", {"zone": "../../etc/passwd"}, InvalidEvidence, "is no time zone"),
    ("+13055550123", {"state": "XX"}, InvalidEvidence, "no state of US"),
    ("+13055550123", {"state": "US-XX"}, InvalidEvidence, "no state of US"),
    ("+493012345678", {"state": "Bavaria"}, InvalidEvidence, "ISO 3166-2"),
    ("+493012345678", {"state": "BY"}, InvalidEvidence, "ISO 3166-2"),
    ("+493012345678", {"state": "US-XX"}, InvalidEvidence, "no state of"),
    ("+13055550123", {"postal_code": "ABC"}, InvalidEvidence, "no postal code of CA"),
    ("+13055550123", {"postal_code": "33"}, InvalidEvidence, "five digits"),
    ("+13055550123", {"postal_code": "21301"}, InvalidEvidence, "no postal code of US"),
    ("+13055550123", {"postal_code": "M5V", "country": "US"}, InvalidEvidence, "five digits"),
    ("+14165550123", {"postal_code": "W1A 1A1"}, InvalidEvidence, "no postal code of CA"),
    ("+442079460018", {"country": "UK"}, InvalidEvidence, "did you mean GB"),
    ("+442079460018", {"country": "England"}, InvalidEvidence, "ISO 3166"),
]


@pytest.mark.parametrize(("number", "stored", "error", "words"), REFUSED)
def test_no_place(number: str, stored: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as raised:
        place_of(number, **stored)
    assert words in str(raised.value)
    assert isinstance(raised.value, ValueError)


def test_evidence_says_in_words_what_was_used() -> None:
    place = place_of("+18505550123", postal_code="90001", state="FL")
    assert place.evidence == (
        "area code 850: US-FL, America/Chicago, America/New_York",
        "postal code 900..: US-CA, America/Los_Angeles",
        "stored state FL: US-FL, America/Chicago, America/New_York",
        "they contradict each other: all of them count",
    )
    toll_free = place_of("+18005550123", state="NV")
    assert "toll-free" in toll_free.evidence[0]
    assert "stored state NV" in toll_free.evidence[1]


def test_places_are_equal_by_country_zones_and_states() -> None:
    one, other = place_of("+13055550123"), place_of("+17865550123", postal_code="33101")
    assert one.evidence != other.evidence
    assert one.key == other.key


# What the library calls an area, where that is not the name of the state.
NAMES = {"Washington State": "Washington", "Washington D.C.": "District of Columbia",
         "British Colombia": "British Columbia"}  # fmt: skip


def _states_by_the_library() -> dict[str, set[str]]:
    """Codes of the states that phonenumbers names for the numbers of each area code."""
    by_name = {state.name: code for code, state in tables().states.items()}
    found: dict[str, set[str]] = {}
    for prefix, names in GEOCODE_DATA.items():
        if not prefix.startswith("1") or len(prefix) < 4 or "en" not in names:
            continue
        for part in names["en"].split("/"):
            name = part.rsplit(", ", 1)[-1]
            code = by_name.get(NAMES.get(name, name))
            codes = {code} if code else {f"{side}-{name}" for side in ("US", "CA")}
            found.setdefault(prefix[1:4], set()).update(codes & set(tables().states))
    return found


def _area_codes_in_use() -> list[str]:
    found = []
    for code in range(200, 1000):
        number = phonenumbers.parse(f"+1{code}2530000")
        if phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE_OR_MOBILE and (
            phonenumbers.region_code_for_number(number) in ("US", "CA")
        ):
            found.append(str(code))
    return found


def test_every_area_code_of_the_us_and_canada_has_its_states() -> None:
    """Against the library, which knows cities; two of its cities are over the border."""
    over_the_border = {"201": {"US-NY"}, "867": {"CA-BC"}}
    codes, library = _area_codes_in_use(), _states_by_the_library()
    assert len(codes) > 400
    for code in codes:
        ours = set(tables().area_codes[code].states)
        theirs = library[code]
        assert theirs - over_the_border.get(code, set()) <= ours, code
        assert ours <= theirs, code


LIBRARY_ERRS = {
    "689": "Orlando, in Eastern time; the library says Central",
    "879": "an overlay of 709; the library has a zone of the Caribbean",
    "474": "Saskatchewan, which has no summer time; the library has Manitoba's zone",
    "867": "Watson Lake, which the library puts into British Columbia",
    "907": "the western Aleutians have summer time; the library adds Hawaii's zone",
}


def test_every_area_code_has_all_zones_that_the_library_knows() -> None:
    for code, area in tables().area_codes.items():
        theirs = {
            clock(zone)
            for prefix, zones in TIMEZONE_DATA.items()
            if prefix.startswith(f"1{code}")
            for zone in zones
        }
        ours = {clock(zone) for zone in area.zones}
        assert code in LIBRARY_ERRS or theirs <= ours, code


def test_zones_of_an_area_code_are_those_of_its_states() -> None:
    for code, area in tables().area_codes.items():
        zones = {zone for state in area.states for zone in tables().states[state].zones}
        assert set(area.zones) <= zones, code
        assert area.zones, code


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_example_numbers_of_every_country(region: str) -> None:
    """Those that say where they are have a place there; all others a reason."""
    for kind in PhoneNumberType.values():
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None or not phonenumbers.is_valid_number(example):
            continue
        number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        expected = phonenumbers.region_code_for_number(phonenumbers.parse(number))
        try:
            said = place_of(number).country
        except NoPlace as reason:
            said = str(reason)
        if said != expected:
            told = kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
            assert "no time zone is known" in said or ("may be anywhere" in said and not told)


STORED: dict[str, Any] = {
    "zone": st.sampled_from(["", NEW_YORK, CHICAGO, "US/Pacific", "Europe/London"]),
    "postal_code": st.sampled_from(["", "33101", "32401", "90210", "V0A 1A0"]),
    "state": st.sampled_from(["", "FL", "TX", "US-CA", "ON", "DE-BY"]),
    "country": st.sampled_from(["", "US", "CA", "DE"]),
}


@settings(deadline=None)
@given(
    st.sampled_from(["+13055550123", "+18505550123", "+14165550123", "+442079460018"]),
    st.fixed_dictionaries(STORED),
)
def test_what_is_stored_is_never_left_out(number: str, stored: dict[str, str]) -> None:
    """A stored zone always counts, and so does the number where nothing stored fits it."""
    try:
        place = place_of(number, **stored)
    except InvalidEvidence:
        return
    clocks = set(map(clock, place.zones))
    assert not stored["zone"] or clock(stored["zone"]) in clocks
    assert clocks & set(map(clock, place_of(number).zones))
    assert isinstance(place, Place)
