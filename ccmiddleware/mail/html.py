"""HTML of messages: sanitised for people to look at, and as text.

nh3 (ammonia, a real HTML5 parser) makes well-formed HTML of whatever came; the text is made from
its output in one pass over the tags. Deep nesting and some characters in masses
make nh3 quadratic, so they are counted first, and HTML beyond reason is stripped of its tags.
Quoted history becomes lines with ``> ``, as it stands in plain text, so that one set of rules
(``history``) splits both.
"""

import html as entities
import re

import nh3

from ccmiddleware.mail.soundness import lines

MAX_NESTING = 1500
MAX_NESTED_TAGS = 50_000_000
"""Tags times the deepest nesting: for some tags a parser looks through all that are open."""
MAX_SLOW = 50_000_000_000
"""Characters times those of them that html5ever is slow at when it writes a text."""
HISTORY_MARK = "\ue000history\ue000"
"""A line that stands where a mail client marked the beginning of the history."""

_TAGS = set(
    "a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del details div dl dt "
    "em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong "
    "sub summary sup table tbody td tfoot th thead tr tt u ul var".split()
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "*": {"dir", "lang"},
}
_DROPPED_WITH_CONTENT = set(
    "script style title template noembed noframes iframe object math svg".split()
)
_CLIENT_MARKS = {"id", "style", "name"}

_SLOW = re.compile("[&\x80-\xbf]")
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)((?:[^>\"]|\"[^\"]*\")*)>")
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_MARKUP = re.compile(r"<[^>]{0,10000}>?")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_VOID = frozenset(
    "br hr img input meta link col area base embed source track wbr param !doctype".split()
)
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_OUTLOOK_BORDER = re.compile(
    r"border:\s*none;\s*border-top:\s*solid\s+#?[a-z0-9]+\s+1\.0pt", re.IGNORECASE
)
_HISTORY_IDS = frozenset(
    "appendonsend divrplyfwdmsg olk_src_body_section "
    "mail-editor-reference-message-container".split()
)
_BLOCKS = frozenset(
    "p div blockquote center table tr ul ol dl dt dd li pre h1 h2 h3 h4 h5 h6 hr caption details "
    "summary".split()
)
_APART = frozenset("p blockquote table ul ol dl pre h1 h2 h3 h4 h5 h6".split())


def beyond_reason(html: str) -> bool:
    """Whether nh3 would take more than a second or two; all that was found to be quadratic."""
    depth = _nesting(html)
    return (
        depth > MAX_NESTING
        or depth * html.count("<") > MAX_NESTED_TAGS
        or len(_SLOW.findall(html)) * len(html) > MAX_SLOW
    )


def _nesting(html: str) -> int:
    """How deep elements are nested at most, counted without parsing."""
    depth = deepest = 0
    for closing, name in _ANY_TAG.findall(html):
        if closing:
            depth = max(0, depth - 1)
        elif name.lower() not in _VOID:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def stripped(html: str) -> str:
    """The text of HTML that is too odd for more: all markup removed."""
    return lines(entities.unescape(_MARKUP.sub(" ", html)))


def sanitised(html: str) -> str:
    """HTML that does nothing: no script, no style, no form; images only from the message itself."""
    clean = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=_allowed,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return lines(clean)


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    scheme = value.strip().partition(":")[0].lower()
    if tag == "img" and attribute == "src":
        return value if scheme == "cid" else None  # a remote picture tells the sender who reads
    if attribute == "href":
        return value if scheme in ("http", "https", "mailto", "tel") else None
    return value


def text_of(html: str) -> str:
    """The text, block by block; quoted history with ``> ``; ``HISTORY_MARK`` where it begins."""
    marked = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes={"*": _CLIENT_MARKS, "a": {"href"}, "img": {"alt"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
        strip_comments=True,
    )
    renderer = _Renderer()
    end = 0
    for match in _TAG.finditer(marked):
        renderer.text(marked[end : match.start()])
        if match[1]:
            renderer.close(match[2])
        else:
            renderer.open(match[2], dict(_ATTRIBUTE.findall(match[3])))
        end = match.end()
    renderer.text(marked[end:])
    return renderer.whole()


class _Renderer:
    """Takes tags and text in order; nh3 has closed every element that it opened."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._open: list[tuple[str, str]] = []
        """Open elements, and what ends with each: quote, hidden, pre, href, or nothing."""
        self._quotes = self._hidden = self._pre = 0
        self._marked = False

    def text(self, escaped: str) -> None:
        if self._hidden or not escaped:
            return
        text = entities.unescape(escaped) if "&" in escaped else escaped
        if self._pre:
            first, *others = lines(text).split("\n")
            self._line.append(first)
            for other in others:
                self._end_line()
                self._line.append(other)
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", text).replace("\xa0", " ")
        if text.startswith(" ") and (not self._line or self._line[-1].endswith(" ")):
            text = text.lstrip(" ")
        if text:
            self._line.append(text)

    def open(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _BLOCKS:
            self._break(tag in _APART)
        if tag == "br":
            self._end_line()
        elif tag == "hr":
            if not self._hidden:
                self._line.append("________________________________")
            self._end_line()
        elif tag == "img":
            if alt := attributes.get("alt"):
                self.text(f"[{alt}]")
        elif tag not in _VOID:
            self._begin(tag, attributes)

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        role = self._role(tag, attributes)
        if role == "history":
            self._mark_history()
            role = ""
        self._quotes += role == "quote"
        self._hidden += role == "hidden"
        self._pre += role == "pre"
        if tag == "li" and not self._hidden:
            self._line.append("- ")
        if tag in ("td", "th") and self._line:
            self._line.append("  ")
        self._open.append((tag, role))

    def _role(self, tag: str, attributes: dict[str, str]) -> str:
        style = attributes.get("style", "")
        if _HIDDEN.search(style):
            return "hidden"
        if tag == "blockquote":
            return "quote"
        if tag == "div" and self._begins_history(attributes, style):
            return "history"
        if tag == "pre":
            return "pre"
        return f" <{attributes['href']}>" if tag == "a" and attributes.get("href") else ""

    @staticmethod
    def _begins_history(attributes: dict[str, str], style: str) -> bool:
        name = attributes.get("name", "").lower()
        return (
            attributes.get("id", "").lower().removeprefix("x_") in _HISTORY_IDS
            or name == "messagereplysection"
            or bool(_OUTLOOK_BORDER.search(style))
        )

    def _mark_history(self) -> None:
        if not self._marked and not self._hidden and not self._quotes:
            self._break(False)
            self._line.append(HISTORY_MARK)
            self._end_line()
            self._marked = True

    def close(self, tag: str) -> None:
        while self._open:
            name, role = self._open.pop()
            if name == "a" and role and not self._hidden:
                self._link(role)
            if name in _BLOCKS:
                self._break(name in _APART)
            self._quotes -= role == "quote"
            self._hidden -= role == "hidden"
            self._pre -= role == "pre"
            if name == tag:
                return

    def _link(self, href: str) -> None:
        shown = "".join(self._line[-3:]).strip()
        target = entities.unescape(href.strip(" <>"))
        bare = target.removeprefix("mailto:").removeprefix("tel:")
        if len(target) <= 300 and not shown.endswith((bare, bare.rstrip("/"), target)):
            self._line.append(f" <{target}>")

    def _break(self, apart: bool) -> None:
        if "".join(self._line).strip():
            self._end_line()
        self._line = []
        if apart and self._lines and self._lines[-1].strip("> "):
            self._lines.append("> " * self._quotes)

    def _end_line(self) -> None:
        if not self._hidden:
            text = "".join(self._line).rstrip()
            self._lines.append("> " * self._quotes + text)
        self._line = []

    def whole(self) -> str:
        self._break(False)
        return lines("\n".join(line.rstrip() for line in self._lines)).strip("\n")
