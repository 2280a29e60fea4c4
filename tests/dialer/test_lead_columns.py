"""What columns of a file are taken for, and which files can't be read so."""

import pytest

from ccmiddleware.dialer.lead_columns import Columns, InvalidColumns, columns_of, parse_map


@pytest.mark.parametrize(
    ("header", "mapped", "meant"),
    [
        (["phone"], {}, {"phone": "phone1"}),
        (
            ["ID", "Full Name", "Phone Number", "Mobile", "ZIP Code", "State", "Country"],
            {},
            {"ID": "external_id", "Full Name": "name", "Phone Number": "phone1",
             "Mobile": "phone2", "ZIP Code": "postal_code", "State": "state",
             "Country": "country"},
        ),
        (
            ["phone2", "phone1", "Product"],
            {},
            {"phone2": "phone2", "phone1": "phone1", "Product": "custom.Product"},
        ),
        (["Vorname", "Nachname", "Telefon", "PLZ"], {},
         {"Vorname": "first_name", "Nachname": "last_name", "Telefon": "phone1",
          "PLZ": "postal_code"}),
        (["Home Phone", "work_phone", "tel"], {},
         {"Home Phone": "phone1", "work_phone": "phone2", "tel": "phone3"}),
        (["a", "b", "c", "d"],
         {"a": "phone2", "b": "phone1", "c": "skip", "d": "custom.colour"},
         {"a": "phone2", "b": "phone1", "c": "skip", "d": "custom.colour"}),
        (["Timezone", "Priority", "number"], {},
         {"Timezone": "zone", "Priority": "priority", "number": "phone1"}),
        (["name", "phone"], {"name": "custom"}, {"name": "custom.name", "phone": "phone1"}),
    ],
)  # fmt: skip
def test_columns_are_recognised_or_said(
    header: list[str], mapped: dict[str, str], meant: dict[str, str]
) -> None:
    assert columns_of(header, mapped).described(header) == meant


def test_where_they_stand() -> None:
    assert columns_of(["phone3", "id", "phone1", "x"], {}) == Columns(
        4, (2, 0), {"external_id": 1}, ((3, "x"),)
    )


@pytest.mark.parametrize(
    ("header", "mapped", "said"),
    [
        (["name"], [], "no column is one of numbers; there are 'name': say which"),
        (["phone", "phone"], [], "names 'phone' twice"),
        (["phone", ""], [], "must name every column"),
        (["phone", "a\x1bb"], [], "must name every column"),
        (["phone", "id", "lead_id"], [], "'id' and 'lead_id' are both taken for external_id"),
        (["phone"], ["tel=phone1"], "--map names 'tel', which the file has not"),
        (["a", "b"], ["a=phone", "b=custom.x", "a=skip"], "'a' is given twice"),
        (["a"], ["a=phon"], "did you mean phone?"),
        (["a"], ["a=phone21"], "there is no field 'phone21'"),
        (["a"], ["a"], "write COLUMN=FIELD"),
        (["a"], ["a=custom."], "there is no field 'custom.'"),
        (["p", "x", "y"], ["p=phone", "x=custom.z", "y=custom.z"], "the same custom field"),
        ([f"phone{n}" for n in range(30, 52)], [], "more than 20 columns of numbers"),
        (["phone", *(f"c{n}" for n in range(200))], [], "more than 200 columns"),
    ],
)
def test_what_can_not_be_read_is_told(header: list[str], mapped: list[str], said: str) -> None:
    with pytest.raises(InvalidColumns) as refused:
        columns_of(header, parse_map(mapped))
    assert said in str(refused.value)
