"""Adding a Proxmox cluster in the browser: tried first, told what is wrong, and its secret shown to nobody."""

from __future__ import annotations

import stat

import pytest

from infradb.operations import sources
from tests.collectors.proxmox.peer import SECRET, TOKEN, lab, serving
from tests.interfaces.web.conftest import csrf_of


@pytest.fixture(autouse=True)
def secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("INFRADB_SECRETS", str(tmp_path / "secrets.json"))
    return tmp_path / "secrets.json"


def send(browser, **said: str):
    form = {"csrf": csrf_of(browser.get("/sources").text), "name": "pve", "token_id": TOKEN, "token_secret": SECRET}
    return browser.post("/sources/proxmox", data={**form, **said}, follow_redirects=False)


def names(database) -> list[str]:
    with database.read() as connection:
        return [e.name for e in sources.entries(connection)]


def test_a_cluster_that_answers_is_added_and_can_be_read(database, browse, secrets):
    with serving(lab()) as peer:
        answered = send(browse(database), url=peer.url, fingerprint=peer.fingerprint)
        assert answered.status_code == 303
        assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
        (report,) = sources.discover(database, ["pve"])
        assert (report.status, report.errors) == ("complete", ())
    with database.read() as connection:
        assert len(connection.query("SELECT 1 FROM proxmox_containers")) > 1
        assert SECRET not in str(connection.query("SELECT settings FROM sources"))


def test_one_that_does_not_answer_is_not_added_and_its_secret_is_not_sent_back(database, browse, secrets):
    answered = send(browse(database), url="https://127.0.0.1:9")
    assert answered.status_code == 422
    assert "nothing listens there" in answered.text
    assert "https://127.0.0.1:9" in answered.text
    assert SECRET not in answered.text
    assert "pve" not in names(database)
    assert not secrets.exists()


def test_a_certificate_that_nobody_knows_is_refused_with_its_fingerprint(database, browse):
    with serving(lab()) as peer:
        answered = send(browse(database), url=peer.url)
        assert answered.status_code == 422
        assert peer.fingerprint in answered.text


@pytest.mark.parametrize("missing", ["name", "token_secret", "url", "token_id"])
def test_what_is_missing_is_asked_for(database, browse, missing):
    answered = send(browse(database), **{"url": "https://127.0.0.1:9", missing: ""})
    assert answered.status_code == 422
    assert "pve" not in names(database)
