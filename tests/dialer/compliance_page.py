"""Writes the tables of docs/compliance.md from the profiles: the page says what is enforced.

.venv/bin/python tests/dialer/compliance_page.py     writes them anew
"""

from collections.abc import Iterator
from pathlib import Path

from ccmiddleware.dialer.profile_files import BUILTIN, builtin
from ccmiddleware.dialer.profile_rows import rows
from ccmiddleware.dialer.profiles import Profile

PAGE = Path(__file__).parents[2] / "docs" / "compliance.md"


def table(profile: Profile) -> Iterator[str]:
    yield "| key | value | from |"
    yield "|---|---|---|"
    for row in rows(profile):
        yield f"| `{row.key}` | {row.value} | {row.source} |"


def page(text: str) -> str:
    """The page with its tables as the profiles are now."""
    for name in BUILTIN:
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        text = head + begin + "\n".join(table(builtin(name))) + "\n" + end + tail
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
