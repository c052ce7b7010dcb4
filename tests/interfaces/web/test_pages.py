"""What the pages show."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from infradb.errors import InfradbError
from infradb.interfaces.web import server
from infradb.interfaces.web.html import link, tag
from infradb.interfaces.web.page import STYLE
from infradb.interfaces.web.status import STATUS
from infradb.model.physical import Host
from infradb.operations import sources
from infradb.operations.databases import open_database
from tests.interfaces.web.conftest import answer, csrf_of, fill, tell

PAGES = [
    "/",
    "/list",
    "/list/hosts",
    "/list/docker_containers",
    "/changes",
    "/findings",
    "/sources",
    "/search?q=immich",
]
VOID = {"meta", "link", "input", "br", "hr", "img"}


class Outline(HTMLParser):
    """Reads a page strictly: every element is closed in order, every id is there once."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.inputs: set[str] = set()
        self.headings: list[int] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        assert tag not in ("script", "style", "iframe"), tag
        assert not any(name.startswith("on") or name == "style" for name in attributes), attributes
        if tag not in VOID:
            self.open.append(tag)
        if attributes.get("id"):
            self.ids.append(str(attributes["id"]))
        if tag == "label":
            self.labelled.add(str(attributes["for"]))
        if tag == "input" and attributes.get("type") != "hidden":
            self.inputs.add(str(attributes["id"]))
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        self.addresses += [str(v) for n, v in attrs if n in ("href", "src", "action")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def browser(lab, browse):
    return browse(lab)


@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_whole_labelled_and_loads_nothing_from_elsewhere(browser, address):
    answered = browser.get(address)
    assert answered.status_code == 200
    outline = Outline()
    outline.feed(answered.text)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.inputs <= outline.labelled
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(not a.startswith(("http:", "https:", "//", "data:")) for a in outline.addresses)


@pytest.mark.parametrize("address", [*PAGES, "/list/services?q=nas&sort=-port", "/list/networks?q=10", "/thing/pve1"])
def test_every_page_works_on_postgresql(fresh_postgresql, browse, address):
    browser = browse(fill(open_database(fresh_postgresql, create=True)))
    browser.follow_redirects = True
    assert browser.get(address).status_code == 200


def test_the_first_page_shows_the_tree_down_to_services(browser):
    page = browser.get("/").text
    positions = [page.index(f">{name}<") for name in ("pve1", "nas", "immich", "2283/tcp")]
    assert positions == sorted(positions)
    assert "<strong>2</strong> <span>hosts</span>" in page


def test_a_container_named_like_a_script_is_text(browser):
    for address in (*PAGES, "/search?q=script", "/search?q=<script>"):
        page = browser.get(address).text
        assert "<script" not in page
        assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browser.get("/").text
    evil = browser.get("/list/docker_containers?q=script").text
    found = re.search(r'href="(/thing/[0-9a-f-]+)"', evil)
    assert found
    page = browser.get(found[1]).text
    assert "<h1>&lt;script&gt;" in page
    assert "<img" not in page
    assert "<script" not in page


def test_a_list_is_searched_by_its_hosts_name_too_and_sorted(browser):
    assert "immich" in browser.get("/list/docker_containers?q=NAS").text
    assert "has “nothing-such”" in browser.get("/list/docker_containers?q=nothing-such").text
    services = browser.get("/list/services?sort=-port").text
    assert services.index(">2283<") < services.index(">22<")
    assert browser.get("/list/services?sort=nonsense").status_code == 400
    assert browser.get("/list/services?page=-1").status_code == 200
    assert browser.get("/list/services?page=9999999").status_code == 200
    assert browser.get("/list/containers").headers["location"] == "/list/docker_containers"


def test_a_long_list_comes_in_pages(database, browse):
    tell(database, *[answer(f"h{n}", Host(hostname=f"host{n:03}", machine_id_hash=f"{n:064x}")) for n in range(150)])
    browser = browse(database)
    first, second = browser.get("/list/hosts").text, browser.get("/list/hosts?page=2").text
    assert "Page 1 of 2" in first
    assert ("host000" in first, "host120" in first) == (True, False)
    assert ("host000" in second, "host120" in second) == (False, True)


def test_a_thing_is_found_by_name_and_shows_fields_claims_and_changes(browser):
    moved = browser.get("/thing/nas")
    page = browser.get(moved.headers["location"]).text
    for said in ("hostname", "parent host", ">pve1<", "Who says what", "<strong>lab</strong>", 'class="change create"'):
        assert said in page


def test_what_is_not_there_is_said_so(browser):
    assert browser.get("/thing/nobody").status_code == 404
    assert "infradb search nobody" in browser.get("/thing/nobody").text
    assert browser.get("/nothing").status_code == 404
    assert browser.get("/list/nothing").status_code == 400
    assert browser.get("/changes?since=nonsense").status_code == 400
    assert browser.request("DELETE", "/").status_code == 405


def test_a_source_that_cannot_be_read_is_told_on_the_first_page_with_the_reason(database, browse):
    sources.ensure_defaults(database)
    sources.register(database, "docker", "far", {"url": "unix:///nonexistent/docker.sock"})
    sources.discover(database, ["far"])
    page = browse(database).get("/").text
    assert "far cannot be read" in page
    assert "no engine" in page or "No such file" in page or "socket" in page


def test_where_there_is_nothing_but_this_machine_the_first_page_asks_for_more(database, browse):
    tell(database, answer("this", Host(hostname="this", machine_id_hash="a" * 64)))
    page = browse(database).get("/").text
    assert "Only this machine so far" in page
    assert 'action="/sources"' in page
    assert 'action="/sources/proxmox"' in page
    assert "pveum role add infradb" in page


def test_where_there_are_containers_it_does_not_ask(browser):
    assert "Only this machine so far" not in browser.get("/").text


def test_a_docker_host_that_does_not_answer_is_not_added_and_what_is_missing_is_shown(database, browse):
    browser = browse(database)
    form = {"csrf": csrf_of(browser.get("/sources").text), "name": "far", "url": "unix:///nonexistent/docker.sock"}
    answered = browser.post("/sources", data=form)
    assert answered.status_code == 422
    assert "What is missing" in answered.text
    assert "Add it all the same" in answered.text
    with database.read() as connection:
        assert "far" not in [e.name for e in sources.entries(connection)]
    assert browser.post("/sources", data={**form, "anyway": "1"}).status_code == 303
    with database.read() as connection:
        assert "far" in [e.name for e in sources.entries(connection)]


@pytest.mark.parametrize("url", ["", "ftp://nas", "ssh://user:secret@nas", "javascript:alert(1)"])
def test_an_address_that_will_not_do_is_explained(database, browse, url):
    browser = browse(database)
    form = {"csrf": csrf_of(browser.get("/sources").text), "name": "far", "url": url, "anyway": "1"}
    answered = browser.post("/sources", data=form)
    assert answered.status_code == 422
    assert 'role="alert"' in answered.text


def test_a_docker_host_that_answers_is_added(database, browse, docker_client):
    browser = browse(database)
    form = {"csrf": csrf_of(browser.get("/sources").text), "name": "near", "url": docker_client.api.base_url}
    form["url"] = form["url"].replace("http+docker://localhost", "unix:///var/run/docker.sock")
    answered = browser.post("/sources", data=form)
    assert answered.status_code == 303, answered.text


def test_an_element_escapes_what_is_no_html_and_links_go_only_to_pages():
    assert tag("p", "<b>", ["&", 3, None], class_='"') == '<p class="&quot;">&lt;b&gt;&amp;3</p>'
    assert link("javascript:alert(1)", "x") == "x"
    assert link("//elsewhere.example", "x") == "x"


def test_every_error_of_ours_has_a_status():
    def below(cls: type[InfradbError]) -> set[str]:
        return {cls.code}.union(*(below(c) for c in cls.__subclasses__()))

    assert below(InfradbError) <= STATUS.keys()


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_contrasts_suffice_in_both_themes():
    light, dark = re.findall(r":root \{(.*?)\}", STYLE.decode(), re.S)
    for theme in (light, dark):
        tokens = dict(re.findall(r"--([\w-]+): (#\w{6})", theme))
        for ground in ("ground", "raised"):
            for words in ("text", "dim", "accent", "fine", "bad", "warn"):
                assert contrast(tokens[words], tokens[ground]) >= 4.5, (words, ground)
            assert contrast(tokens["control"], tokens[ground]) >= 3.0
        assert contrast(tokens["on-accent"], tokens["accent"]) >= 4.5
        for tint in ("tint-bad", "tint-warn", "tint-accent"):
            assert contrast(tokens["text"], tokens[tint]) >= 4.5


def test_the_server_is_what_the_command_asks_for_by_name():
    assert {"bind", "door", "place_of", "run", "Site"} <= set(server.__all__)
