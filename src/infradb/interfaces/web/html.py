"""HTML as a tree of calls: whatever is not made here counts as text and is escaped."""

from collections.abc import Iterable
from html import escape

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = Html | str | int | None | Iterable["Content"]


def text(content: Content) -> Html:
    """Return content as HTML: text escaped, lists joined, None as nothing."""
    if isinstance(content, Html):
        return content
    if content is None:
        return Html("")
    if isinstance(content, str | int):
        return Html(escape(str(content)))
    return Html("".join(map(text, content)))


def tag(name: str, /, *content: Content, **attributes: str | int | bool | None) -> Html:
    """Return an element.

    An attribute's trailing underscore is dropped and its others become hyphens (`class_`, `aria_label`); None and
    False leave it out, True writes it without a value.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{written}>" if name in VOID else f"<{name}{written}>{text(content)}</{name}>")


def link(address: str, *content: Content, **attributes: str | None) -> Html:
    """Return a link; only to a place on this server, or to a web page."""
    if not address.startswith(("/", "?", "#", "http://", "https://")) or address.startswith("//"):
        return text(content)
    return tag("a", *content, href=address, **attributes)
