"""What nginx's directives mean. A new case is a new file: a configuration whose comments say what it leads to."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infradb.collectors.nginx.client import NginxClient
from infradb.collectors.nginx.parse import routes
from infradb.collectors.reverse_proxy.routes import ProxyFacts, route_answers
from infradb.errors import CollectionError
from infradb.observation import Observation, Rejected
from infradb.transport.calls import CallLog
from tests.collectors.fuzzing import spoiled_text
from tests.collectors.reverse_proxy.peer import told

CASES = Path(__file__).parent / "cases"
NAMES = sorted(p.stem for p in CASES.glob("*.conf"))


def expected(text: str) -> list[str]:
    """The routes that a case's comments tell: `#> ENTRY NAMEPATH -> BACKEND [FILE] MARKS`."""
    return sorted(re.findall(r"^#> (.+)$", text, re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_a_case_means_what_its_comments_say(name: str) -> None:
    path = CASES / f"{name}.conf"
    found = routes(NginxClient(path, CallLog()).configuration())
    assert told(ProxyFacts([r for r, _ in found])) == expected(path.read_text())


def test_a_certificate_that_is_its_own_keys_file_is_left_alone() -> None:
    files = {str(p) for _, p in routes(NginxClient(CASES / "names.conf", CallLog()).configuration()) if p}
    assert files == {"/etc/ssl/a.crt"}


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.sampled_from(NAMES).flatmap(lambda n: spoiled_text((CASES / f"{n}.conf").read_text())))
def test_spoiled_files_are_named_and_raise_nothing_else(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nginx.conf"
        path.write_text(text, "utf-8", "replace")
        client = NginxClient(path, CallLog())
        try:
            found = routes(client.configuration())
        except CollectionError as error:
            assert error.hint  # noqa: PT017  (either way is right, as long as it is said)
            return
        for answer in route_answers([r for r, _ in found], "x", {}, {}):
            assert all(isinstance(said, Observation | Rejected) for said in answer.parse())
