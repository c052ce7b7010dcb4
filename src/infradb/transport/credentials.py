"""Secrets by reference: settings name where a secret lies, and only the collector that needs it ever reads it.

| reference | where it lies |
|---|---|
| `env:NAME` | the environment of infradb |
| `file:/path` | the first line of a file |
| `keyring:SERVICE/USER` | the keyring of the system, where the module `keyring` is installed |
| `credential:NAME` | a systemd credential (systemd.exec(5), LoadCredential) |
| `stored:NAME` | one file of infradb's own, readable by its owner only |
"""

import contextlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, get_args

from pydantic import AfterValidator, Field
from pydantic.fields import FieldInfo

from infradb.errors import SettingsError

SCHEMES = ("env", "file", "keyring", "credential", "stored")
_held: dict[str, str] = {}
_REFERENCE = re.compile(rf"^({'|'.join(SCHEMES)}):.+$", re.DOTALL)


class SecretMark:
    """Marks a setting that holds a reference to a secret."""


def _is_reference(value: str) -> str:
    if not _REFERENCE.match(value):
        # What was given is perhaps the secret itself, so it is not repeated.
        raise ValueError(
            "must not be the secret itself but where it lies: env:NAME, file:/path, or left out to be asked"
        )
    return value


Secret = Annotated[str, AfterValidator(_is_reference), Field(max_length=1000), SecretMark()]
"""A setting that says where a secret lies."""


def is_secret(info: FieldInfo) -> bool:
    """Tell whether a setting holds a reference to a secret, also where it may be left out."""
    marks = [*info.metadata, *(m for a in get_args(info.annotation) for m in getattr(a, "__metadata__", ()))]
    return any(isinstance(m, SecretMark) for m in marks)


def reveal(reference: str) -> str:
    """Return the secret that a reference points at; raise `SettingsError` that says what to do, never the secret."""
    scheme, _, place = reference.partition(":")
    secret = _READERS[scheme](place)
    if not secret:
        raise SettingsError(f"the secret {reference} is empty", hint="put it where the reference points")
    return secret


@contextlib.contextmanager
def holding(source: str, secrets: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Hold secrets in memory while a source is tried; yield setting -> reference. At the end they are forgotten."""
    names = {field: f"{source}.{field}" for field in secrets}
    _held.update({names[field]: secret for field, secret in secrets.items()})
    try:
        yield {field: f"stored:{name}" for field, name in names.items()}
    finally:
        for name in names.values():
            _held.pop(name, None)


def keep(references: Iterable[str]) -> None:
    """Store what is held under these references in infradb's own file, mode 0600."""
    kept = {name: _held[name] for name in (r.removeprefix("stored:") for r in references)}
    if kept:
        _write_stored({**_read_stored(), **kept})


def forget(prefix: str) -> int:
    """Remove stored secrets whose names start with `prefix`; return how many there were."""
    secrets = _read_stored()
    kept = {n: s for n, s in secrets.items() if not n.startswith(prefix)}
    if len(kept) != len(secrets):
        _write_stored(kept)
    return len(secrets) - len(kept)


def secrets_file() -> Path:
    """Return infradb's own file of secrets: `INFRADB_SECRETS`, or `secrets.json` in the XDG config folder."""
    if named := os.environ.get("INFRADB_SECRETS"):
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "infradb" / "secrets.json"


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise SettingsError(f"the environment has no {name}", hint=f"export {name}=… where infradb is started")
    return os.environ[name]


def _from_file(place: str) -> str:
    try:
        text = Path(place).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SettingsError(
            f"the secret in {place} cannot be read: {why}", hint="check the path and its rights"
        ) from error
    return text.splitlines()[0].strip() if text.strip() else ""


def _from_keyring(place: str) -> str:
    service, _, user = place.rpartition("/")
    try:
        keyring = import_module("keyring")
    except ImportError as error:
        hint = "`pip install keyring` beside infradb, or use file:/path"
        raise SettingsError("the Python module keyring is not installed", hint=hint) from error
    found = keyring.get_password(service, user)
    if found is None:
        raise SettingsError(f"the keyring has no {place}", hint=f"`keyring set {service} {user}` stores it")
    return str(found)


def _from_systemd(name: str) -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        hint = f"LoadCredential={name}:/path in the unit that starts infradb"
        raise SettingsError("infradb was not started with systemd credentials", hint=hint)
    return _from_file(str(Path(folder) / name))


def _from_stored(name: str) -> str:
    secrets = _held if name in _held else _read_stored()
    if name not in secrets:
        hint = "add the source again: it asks for the secret"
        raise SettingsError(f"{secrets_file()} holds no secret {name!r}", hint=hint)
    return secrets[name]


_READERS: dict[str, Callable[[str], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
    "credential": _from_systemd,
    "stored": _from_stored,
}


def _read_stored() -> dict[str, str]:
    path = secrets_file()
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsError(f"others may read {path}", hint=f"chmod 600 {path}, and change the secrets in it")
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path} is no JSON", hint="mend it, or remove it and add the sources again") from error
    return dict(found) if isinstance(found, dict) else {}


def _write_stored(secrets: dict[str, str]) -> None:
    path = secrets_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file 0600; renaming replaces the old one at once, so that no moment has half of it.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(secrets, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
