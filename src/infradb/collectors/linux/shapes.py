"""Fits JSON to the shape that its reader expects, so that nothing behind it meets a value of another type."""

from typing import Any

Shape = Any
"""A type or several; a list with the shape of its items; a dict with the shapes of the fields that are read."""


class Misfit(Exception):
    """Says that a value has another shape altogether."""


def fit(value: Any, shape: Shape) -> tuple[Any, list[str]]:
    """Return what of a JSON document fits, and where something did not; raise `Misfit` where nothing does.

    Fields that nobody reads and those that are null are left out.

    >>> fit([{"name": "eth0", "mtu": "x", "more": 1}, 7], [{"name": str, "mtu": int}])
    ([{'name': 'eth0'}], ['0.mtu', '1'])
    """
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise Misfit
        kept = _fitting(enumerate(value), lambda _: shape[0])
        return list(kept[0].values()), kept[1]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise Misfit
        read = ((name, value[name]) for name in shape if value.get(name) is not None)
        return _fitting(read, shape.__getitem__)
    if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        raise Misfit
    return _clean(value), []


def _fitting(entries: Any, shape_of: Any) -> tuple[dict[Any, Any], list[str]]:
    kept: dict[Any, Any] = {}
    misfits: list[str] = []
    for name, value in entries:
        try:
            kept[name], below = fit(value, shape_of(name))
            misfits += [f"{name}.{place}" for place in below]
        except Misfit:
            misfits.append(str(name))
    return kept, misfits


def _clean(value: Any) -> Any:
    """Return a text without what no database takes: NUL, and halves of a surrogate pair."""
    if isinstance(value, str) and not value.isprintable():
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    return value
