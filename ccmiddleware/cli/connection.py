"""Which Postgres a command talks to, and what a person would type to reach the same.

Not the store: it opens nothing itself, it only knows where, and says in words what to do when
nobody is there.
"""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

MASK = "***"


def without_password(url: str) -> str:
    """The URL with every password in it replaced, fit to be shown and put into an argument."""
    return split_password(url, MASK)[0]


def split_password(url: str, instead: str = "") -> tuple[str, str]:
    """The URL without its password, and the password; both places libpq knows are looked at."""
    parts = urlsplit(url)
    password = ""
    netloc = parts.netloc
    user_part, at, host = netloc.rpartition("@")
    if at and ":" in user_part:
        user, _, password = user_part.partition(":")
        netloc = f"{user}:{instead}@{host}" if instead else f"{user}@{host}"
    kept = []
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key == "password":
            password = quote(value)
            if instead:
                kept.append((key, instead))
        else:
            kept.append((key, value))
    query = urlencode(kept, safe="/*", quote_via=quote)
    from urllib.parse import unquote

    return urlunsplit((parts.scheme, netloc, parts.path, query, parts.fragment)), unquote(password)
