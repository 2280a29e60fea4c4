"""docs/compliance.md says what the profiles hold."""

from compliance_page import PAGE, page

from ccmiddleware.dialer.profile_files import parse_profile


def test_the_page_has_the_profiles_as_they_are() -> None:
    text = PAGE.read_text()
    assert page(text) == text, "run .venv/bin/python tests/dialer/compliance_page.py"


def test_the_example_of_a_stricter_profile_is_one() -> None:
    _, _, rest = PAGE.read_text().partition("```toml\n")
    example, _, _ = rest.partition("```")
    profile = parse_profile(example, "acme")
    assert profile.builds_on.startswith("us-ftc")
    assert profile.terms.limit.value < 0.03
    assert len(profile.everywhere.weeks) == 2
    assert [day.rule for day in profile.states["US-LA"].holidays[-1].value] == ["2026-08-30"]
