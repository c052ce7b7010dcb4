"""Turns one old value into what its field takes, or says in words why that cannot be."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from math import isfinite
from typing import Annotated, Any, Literal, get_args, get_origin

import orjson
from pydantic import AfterValidator, BeforeValidator, TypeAdapter, ValidationError

from infradb import clock
from infradb.importers.infrastructure_db.mapping import Via
from infradb.model.describe import FieldSpec
from infradb.model.types import canonical_address, canonical_destination, canonical_mac, canonical_network

Convert = Callable[[Any], Any]
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_CONTAINER_ID = re.compile(r"[0-9a-f]{12,64}")
_PORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9.]+|[0-9a-fA-F]*:[0-9a-fA-F:]*):)?(?P<host>\d{1,5})(?:->|:))?"
    r"(?P<inner>\d{1,5})(?:/(?P<protocol>tcp|udp|sctp))?"
)
_LONGEST = 100_000


class Unfit(Exception):
    """Says why a value does not fit its field: `is not an IP address`."""

    @property
    def reason(self) -> str:
        """Return the sentence's end."""
        return str(self.args[0])


class Blank(Exception):
    """Says that a value says nothing: an empty text."""


class NotText(str):
    """Text that the old file holds as bytes or with a NUL in it; no field takes it."""

    __slots__ = ()


def converter(spec: FieldSpec, via: Via = "field") -> Convert:
    """Return the function that turns an old value into a value of the field; it raises `Unfit` or `Blank`."""
    special: Mapping[str, Convert] = {
        "status": _container_status(spec),
        "ports": ports,
        "pairs": pairs,
        "addresses": addresses,
        "container_id": container_id,
        "protocol": protocol,
    }
    return special[via] if via in special else _plain(spec)


def _plain(spec: FieldSpec) -> Convert:
    if spec.references:
        return lambda value, start=f"{spec.references}/": f"{start}{value}"  # type: ignore[misc]
    if spec.is_json:
        return _json(spec)
    if spec.choices:
        return _choice(spec.choices)
    if spec.python_type is bool:
        return _boolean
    if spec.python_type in (int, float):
        return _number(spec)
    marks = _marks(spec)
    for mark in marks:
        if isinstance(mark, AfterValidator) and mark.func in _CANONICAL:
            return _CANONICAL[mark.func]
    return _name(spec) if any(isinstance(mark, BeforeValidator) for mark in marks) else _text(spec)


def _parts(spec: FieldSpec) -> Iterator[Any]:
    """Yield the annotation of a field and all that it is made of: of `Annotated[list[Any] | None, …]` also the list."""
    waiting = [spec.annotation]
    while waiting:
        annotation = waiting.pop()
        yield annotation
        if get_origin(annotation) is not Literal:
            waiting += get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)


def _marks(spec: FieldSpec) -> list[Any]:
    return [mark for part in _parts(spec) for mark in getattr(part, "__metadata__", ())]


def _origins(spec: FieldSpec) -> set[Any]:
    return {get_origin(part) for part in _parts(spec)}


def text_of(value: Any) -> str:
    """Return the value as text without blanks around it; raise `Unfit` where it is none, `Blank` where it is empty."""
    if isinstance(value, NotText):
        raise Unfit("holds bytes that are no text")
    text = value.strip() if isinstance(value, str) else str(value)
    if not text:
        raise Blank
    return text


def _name(spec: FieldSpec) -> Convert:
    longest = spec.max_length or _LONGEST

    def convert(value: Any) -> str:
        text = value.strip() if type(value) is str else text_of(value)
        if not text:
            raise Blank
        if len(text) > longest:
            raise Unfit(f"is longer than {longest} characters")
        return text

    return convert


def _text(spec: FieldSpec) -> Convert:
    longest = spec.max_length or _LONGEST

    def convert(value: Any) -> str:
        text = value if type(value) is str else text_of(value)
        if not text:
            raise Blank
        if len(text) > longest:
            raise Unfit(f"is longer than {longest} characters")
        return text

    return convert


def _choice(choices: tuple[str, ...]) -> Convert:
    allowed = frozenset(choices)

    def convert(value: Any) -> str:
        if value in allowed:
            return str(value)
        text = text_of(value).lower()
        if text in allowed:
            return text
        raise Unfit(f"is none of {', '.join(choices)}")

    return convert


def _container_status(spec: FieldSpec) -> Convert:
    chosen = _choice((*spec.choices, "stopped"))

    def convert(value: Any) -> str:
        status: str = chosen(value)
        return "exited" if status == "stopped" else status

    return convert


def _boolean(value: Any) -> bool:
    if type(value) is int and 0 <= value <= 1:
        return value == 1
    return bool(_as_the_model_does(bool, text_of(value), "is neither 0 nor 1"))


def _number(spec: FieldSpec) -> Convert:
    kind: type = spec.python_type
    lowest = -(2**63) if spec.minimum is None else spec.minimum
    highest = 2**63 - 1 if spec.maximum is None else spec.maximum
    whole = "whole number" if kind is int else "number"
    if spec.minimum is None:
        reason = f"is not a {whole}"
    elif spec.maximum is None or spec.maximum >= 2**53:
        reason = f"is not a {whole} of {lowest} or more"
    else:
        reason = f"is not a {whole} from {lowest} to {highest}"

    def convert(value: Any) -> float:
        number = value if type(value) in (int, kind) else _as_the_model_does(kind, text_of(value), reason)
        if lowest <= number <= highest and isfinite(number):
            return number if kind is int else float(number)
        raise Unfit(reason)

    return convert


@lru_cache(maxsize=8)
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _as_the_model_does(kind: type, text: str, reason: str) -> Any:
    try:
        return _adapter(kind).validate_python(text)
    except ValidationError as error:
        raise Unfit(reason) from error


def _canonical(canonical: Callable[[str], str], reason: str, easy: re.Pattern[str] | None = None) -> Convert:
    known = lru_cache(maxsize=8192)(canonical)

    def convert(value: Any) -> str:
        if easy is not None and type(value) is str and easy.fullmatch(value):
            return value
        try:
            return known(text_of(value))
        except ValueError as error:
            raise Unfit(reason) from error

    return convert


address = _canonical(canonical_address, "is not an IP address", _IPV4)
network = _canonical(canonical_network, "is not a network in CIDR form whose host bits are zero")


def instant(value: Any) -> str:
    """Return an old timestamp (UTC, as SQLite's CURRENT_TIMESTAMP writes it) as an instant."""
    text = value if type(value) is str else text_of(value)
    try:
        return _instant(text)
    except (ValueError, OverflowError) as error:
        raise Unfit("is not a time such as 2025-10-17 11:30:58") from error


@lru_cache(maxsize=4096)
def _instant(text: str) -> str:
    moment = datetime.fromisoformat(text.strip())
    # The usual form needs nothing but another separator; the year keeps its four digits.
    return f"{text[:10]}T{text[11:]}.000Z" if _USUAL(text) else clock.to_instant(moment)


_USUAL: Callable[[str], Any] = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}").fullmatch
_CANONICAL: dict[Any, Convert] = {
    canonical_address: address,
    canonical_network: network,
    canonical_destination: _canonical(canonical_destination, "is neither `default` nor a network in CIDR form"),
    canonical_mac: _canonical(canonical_mac, "is not a MAC address", _MAC),
}


def document(value: Any) -> Any:
    """Return the JSON document that a text holds; `null` says nothing."""
    text = value if type(value) is str else text_of(value)
    if not text or text.isspace():
        raise Blank
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Unfit("is malformed JSON") from error
    if "\\u0000" in text:
        raise Unfit("holds a NUL character")
    if found is None:
        raise Blank
    return found


def _json(spec: FieldSpec) -> Convert:
    kinds = tuple(kind for kind in (list, dict) if kind in _origins(spec))
    wanted = " or ".join({list: "a list", dict: "an object"}[kind] for kind in kinds)

    def convert(value: Any) -> Any:
        found = document(value)
        if isinstance(found, kinds):
            return found
        raise Unfit(f"is JSON, but not {wanted}")

    return convert


def pairs(value: Any) -> dict[str, Any]:
    """Return an object of names and values, also from a list of `NAME=value` as Docker shows it."""
    found = document(value)
    if isinstance(found, dict):
        return found
    if isinstance(found, list) and all(isinstance(each, str) for each in found):
        return {name: text for name, _, text in (each.partition("=") for each in found)}
    raise Unfit("is JSON, but neither an object nor a list of NAME=value")


def addresses(value: Any) -> list[Any]:
    """Return a list of addresses, from JSON or as people write it, with commas or blanks between."""
    text = text_of(value)
    if not text.startswith(("[", "{", '"')):
        try:
            return [address(each) for each in re.split(r"[,;\s]+", text)]
        except (Unfit, Blank):
            pass  # then it is malformed JSON like any other
    found = document(value)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Unfit("is JSON, but not a list of addresses")
    try:
        return [address(each) for each in found]
    except Blank as error:
        raise Unfit("holds an empty address") from error


def container_id(value: Any) -> str:
    """Return the ID of a container; anything else would make strangers one."""
    text = text_of(value).lower()
    if _CONTAINER_ID.fullmatch(text):
        return text
    raise Unfit("is not the ID of a container: 12 to 64 hexadecimal digits")


def protocol(value: Any) -> str:
    """Return what people wrote, tcp and udp in lower case."""
    text = text_of(value)
    return text.lower() if text.lower() in ("tcp", "udp") else text


def ports(value: Any) -> list[dict[str, Any]]:
    """Return the ports that a list such as `["0.0.0.0:8080->80/tcp", "443/tcp"]` names."""
    found = document(value)
    if not isinstance(found, list):
        raise Unfit("is JSON, but not a list of ports")
    return [_port(each) for each in found]


def _port(written: Any) -> dict[str, Any]:
    match = _PORT.fullmatch(str(written).strip()) if isinstance(written, str | int) else None
    if match is None or int(match["inner"]) > 65535 or int(match["host"] or 0) > 65535:
        raise Unfit("holds something that is not a port such as 0.0.0.0:8080->80/tcp")
    port: dict[str, Any] = {"container_port": int(match["inner"]), "protocol": match["protocol"] or "tcp"}
    if match["host"]:
        try:
            port["host_ip"] = address((match["ip"] or "0.0.0.0").strip("[]"))  # noqa: S104 (Docker's word for any)
        except (Unfit, Blank) as error:
            raise Unfit("publishes a port on something that is not an IP address") from error
        port["host_port"] = int(match["host"])
    return port
