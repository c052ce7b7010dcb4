"""Spoils recorded answers: what a broken, foreign or hostile source may send in their place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

NONSENSE: list[Any] = [
    None, True, False, 0, -1, 2**70, 1.5, 1e308, "", " ", "\x00", "é" * 300, "x" * 70_000, "999.999.999.999", "::ffff",
    "<html>", [], {}, [None], {"": None}, [[[]]], {"a": {"b": []}},
]  # fmt: skip


def spoiled(raw: Any) -> st.SearchStrategy[Any]:
    """Return copies of a JSON document with up to four of its values replaced, removed, repeated or cut."""
    places = list(_places(raw))

    @st.composite
    def build(draw: st.DrawFn) -> Any:
        document = copy.deepcopy(raw)
        if not places:
            return copy.deepcopy(draw(st.sampled_from(NONSENSE)))
        for place in draw(st.lists(st.sampled_from(places), min_size=1, max_size=4)):
            document = _spoil(document, place, draw)
        return document

    return build()


def spoiled_text(text: str) -> st.SearchStrategy[str]:
    """Return copies of a text that are cut, or have lines removed, repeated or replaced by nonsense."""
    lines = text.splitlines(keepends=True)

    @st.composite
    def build(draw: st.DrawFn) -> str:
        kept = list(lines)
        for _ in range(draw(st.integers(1, 4))):
            if not kept:
                break
            at = draw(st.integers(0, len(kept) - 1))
            match draw(st.sampled_from(["cut", "remove", "repeat", "replace", "half"])):
                case "cut":
                    kept = kept[:at]
                case "remove":
                    del kept[at]
                case "repeat":
                    kept.insert(at, kept[at])
                case "replace":
                    kept[at] = draw(st.text(max_size=80)) + "\n"
                case _:
                    kept[at] = kept[at][: len(kept[at]) // 2]
        return "".join(kept)

    return build()


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value[:50]))
    for name, inner in items:
        yield (*path, name)
        yield from _places(inner, (*path, name))


def _spoil(document: Any, place: tuple[Any, ...], draw: st.DrawFn) -> Any:
    holder = document
    for name in place[:-1]:
        try:
            holder = holder[name]
        except (KeyError, IndexError, TypeError):
            return document
    last = place[-1]
    try:
        match draw(st.sampled_from(["replace", "remove", "repeat", "cut"])):
            case "remove":
                del holder[last]
            case "repeat" if isinstance(holder, list):
                holder.append(holder[last])
            case "cut" if isinstance(holder[last], str):
                holder[last] = holder[last][: len(holder[last]) // 2]
            case _:
                # A copy: what is put there may be spoiled once more.
                holder[last] = copy.deepcopy(draw(st.sampled_from(NONSENSE)))
    except (KeyError, IndexError, TypeError):
        pass
    return document
