"""Reads nginx's configuration files; understands no more than `include`. Certificates' keys are never opened."""

import glob
import stat
from pathlib import Path
from typing import Any

from infradb.errors import CollectionError, SourceMalformed, SourceUnreachable
from infradb.transport.calls import CallLog

CALLS = ("read {path} and what it includes", "read the certificates that ssl_certificate names")
MOST_BYTES = 16 * 2**20
"""Largest file that is read."""
MOST_FILES = 5000
_DEEPEST = 20

Directive = dict[str, Any]
"""As crossplane gives it: `directive`, `args`, and where it has one its `block` with the name of its `file`."""


class NginxClient:
    """The configuration below one main file."""

    def __init__(self, path: Path, log: CallLog) -> None:
        self.path, self.log = path, log
        self.problems: list[str] = []
        self.files = 0

    def configuration(self) -> list[Directive]:
        """Return the main file with every `include` replaced by what it names.

        Raises `CollectionError` where the main file cannot be read; what is wrong with others is in `problems`.
        """
        try:
            with self.log.recording(CALLS[0]):
                return self._included(self._parsed(self.path), self.path, 0)
        except RecursionError as error:
            raise SourceMalformed(f"{self.path} is nested too deeply", hint="`nginx -t` says what is wrong") from error

    def _included(self, directives: list[Directive], file: Path, depth: int) -> list[Directive]:
        found: list[Directive] = []
        for one in directives:
            if one["directive"] == "include" and one["args"]:
                for path in self._named(one["args"][0]):
                    found += self._from_file(path, depth)
            elif "block" in one:
                found.append({**one, "block": self._included(one["block"], file, depth), "file": file.name})
            else:
                found.append(one)
        return found

    def _from_file(self, path: Path, depth: int) -> list[Directive]:
        self.files += 1
        if depth >= _DEEPEST or self.files > MOST_FILES:
            self.problems.append(f"{path} is left out: files include each other too often (does one include itself?)")
            return []
        try:
            return self._included(self._parsed(path), path, depth + 1)
        except CollectionError as error:
            self.problems.append(f"{error} ({error.hint})")
            return []

    def _named(self, pattern: str) -> list[Path]:
        """Return the files that an `include` names; relative ones lie beside the main file (nginx's conf prefix)."""
        full = str(self.path.parent / pattern)
        if not glob.has_magic(full) or "\x00" in full:
            return [Path(full)]
        return [Path(name) for name in sorted(glob.glob(full))]  # noqa: PTH207  (the pattern may be absolute)

    def _parsed(self, path: Path) -> list[Directive]:
        import crossplane

        _prove_file(path)
        try:
            # What is wrong with a directive is nginx's business: modules bring their own.
            read = crossplane.parse(
                str(path), single=True, comments=False, strict=False, check_ctx=False, check_args=False
            )
        except (ValueError, RecursionError, OSError) as error:
            raise SourceMalformed(f"{path} is no configuration of nginx", hint="check `path`") from error
        for wrong in read["errors"]:
            said = str(wrong["error"]).partition(" in /")[0]
            raise SourceMalformed(f"{path} line {wrong.get('line')}: {said}", hint="`nginx -t` says what is wrong")
        found: list[Directive] = read["config"][0]["parsed"]
        return found


def _prove_file(path: Path) -> None:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
            raise SourceMalformed(f"{path} is no file of less than {MOST_BYTES // 2**20} MiB", hint="check `path`")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "no path"
        hint = "check `path`, and give infradb the right to read it"
        raise SourceUnreachable(f"{path} cannot be read: {said}", hint=hint) from error
