"""Writes nft's JSON as nft writes it, in an order of its own where sets come in any."""

import json
from collections.abc import Mapping
from typing import Any

from infradb.collectors.linux.filters import joined, plain_address

_ARITHMETIC = ("&", "|", "^", "<<", ">>")
_UNNAMED = ("iif", "iifname", "oif", "oifname")


def words(value: Any) -> str:
    """Return an expression: `ip saddr`, `ct state`, `10.0.0.0/8`, `{ 22, 80 }`."""
    if isinstance(value, list):
        return ",".join(sorted(words(each) for each in value))
    if not isinstance(value, dict) or len(value) != 1:
        return str(value) if isinstance(value, str | int) else _raw(value)
    (kind, inner) = next(iter(value.items()))
    if kind in _ARITHMETIC and isinstance(inner, list):
        return f" {kind} ".join(words(each) for each in inner)
    if kind == "set" and isinstance(inner, list):
        return f"{{ {', '.join(value_list(value))} }}"
    if kind == "concat" and isinstance(inner, list):
        return " . ".join(words(each) for each in inner)
    if kind == "range" and isinstance(inner, list):
        return "-".join(words(each) for each in inner)
    if isinstance(inner, dict) and kind in _SHAPES:
        return _SHAPES[kind](inner)
    return f"{kind} {_raw(inner)}"


def value_list(value: Any) -> list[str]:
    """Return what a match compares with, one text each: the elements of a set, of a list of flags, or the value."""
    inner = value.get("set") if isinstance(value, dict) else value
    if isinstance(inner, list):
        return sorted(text for each in inner for text in value_list(each))
    return [] if inner is None and not isinstance(value, dict) else [words(value)]


def address(value: Any, negated: bool) -> str:
    """Return addresses and networks that a match compares with, as the model writes them."""
    return joined([plain_address(text) for text in value_list(value)], negated)


def statement(expression: Mapping[str, Any]) -> str:
    """Return a statement of a rule: `tcp dport 22`, `limit rate 5/second`, `jump mine`."""
    (kind, inner) = next(iter(expression.items()), ("", None))
    said: Mapping[str, Any] = inner if isinstance(inner, dict) else {}
    if kind == "match":
        sign = "" if said.get("op") in ("==", "in") else f"{said.get('op')} "
        return f"{words(said.get('left'))} {sign}{words(said.get('right'))}"
    if kind in ("jump", "goto"):
        return f"{kind} {said.get('target')}"
    if kind == "limit":
        over = "over " if said.get("inv") else ""
        return f"limit rate {over}{said.get('rate')}/{said.get('per')}"
    if kind == "log":
        return f'log prefix "{said["prefix"]}"' if "prefix" in said else "log"
    if kind == "reject":
        return " ".join(["reject", *(str(said[n]) for n in ("type", "expr") if n in said)])
    if kind in ("dnat", "snat", "redirect"):
        parts = [words(said[n]) for n in ("addr", "port") if said.get(n) is not None]
        return f"{kind} to {':'.join(parts)}" if parts else kind
    if kind == "vmap":
        return f"{words(said.get('key'))} vmap {_raw(said.get('data'))}"
    if kind == "xt":
        return f"xt {said.get('type')} {said.get('name')}"
    if kind == "quota":  # what is used of it changes with every packet
        return f"quota {'over ' if said.get('inv') else ''}{said.get('val')} {said.get('val_unit', 'bytes')}"
    return kind if inner is None else f"{kind} {_raw(_steady(inner))}"


def _payload(said: Mapping[str, Any]) -> str:
    if "field" in said:
        return f"{said.get('protocol')} {said['field']}"
    return f"@{said.get('base')},{said.get('offset')},{said.get('len')}"


def _meta(said: Mapping[str, Any]) -> str:
    key = str(said.get("key"))
    return key if key in _UNNAMED else f"meta {key}"


def _prefix(said: Mapping[str, Any]) -> str:
    return f"{words(said.get('addr'))}/{said.get('len')}"


def _ct(said: Mapping[str, Any]) -> str:
    return " ".join(["ct", *(str(said[n]) for n in ("dir", "family", "key") if n in said)])


def _fib(said: Mapping[str, Any]) -> str:
    return f"fib {' . '.join(value_list(said.get('flags')))} {said.get('result')}"


_SHAPES = {"payload": _payload, "meta": _meta, "prefix": _prefix, "ct": _ct, "fib": _fib}


def _steady(value: Any) -> Any:
    """Return a statement's inside without what changes while packets flow."""
    if isinstance(value, Mapping):
        return {n: _steady(v) for n, v in value.items() if n not in ("used", "expires", "packets", "bytes")}
    return [_steady(v) for v in value] if isinstance(value, list) else value


def _raw(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
