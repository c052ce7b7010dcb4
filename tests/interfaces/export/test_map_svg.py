"""The map nests what runs on what, and copes with whatever the rows say."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infradb.importers.demo import collect
from infradb.interfaces.export.map_states import container_state, host_state, service_state
from infradb.interfaces.export.map_svg import MapData, map_svg
from infradb.interfaces.export.map_tree import tree, walk
from infradb.model.catalog import BY_TABLE
from infradb.observation import Observation

SVG = "{http://www.w3.org/2000/svg}"
Rectangle = tuple[float, float, float, float]


def demo() -> MapData:
    """The demo as rows of a database: keys are replaced by numbers."""
    found = [o for a in collect().scopes[0].answers for o in a.parse() if isinstance(o, Observation)]
    ids = {o.key: number for number, o in enumerate(found, 1)}
    rows: dict[str, list[dict[str, Any]]] = {}
    for observation in found:
        kind = BY_TABLE[observation.table]
        row = {**dict.fromkeys(kind.fields), **kind.defaults, **observation.values, "id": ids[observation.key]}
        row |= {f.name: ids.get(row[f.name]) for f in kind.references}
        rows.setdefault(observation.table, []).append(row)
    return MapData(
        rows["hosts"],
        rows["docker_containers"],
        rows["services"],
        rows["service_dependencies"],
        rows["networks"],
        rows["ip_addresses"],
    )


def boxes(text: str) -> dict[str, Rectangle]:
    """Every box of a picture: left, top, right, bottom."""
    found = {}
    for element in ET.fromstring(text).iter():
        if (name := element.get("id", "")).startswith("infradb-map-") and element.tag in (f"{SVG}rect", f"{SVG}g"):
            rect = element if element.tag == f"{SVG}rect" else element.find(f"{SVG}rect")
            assert rect is not None
            x, y, width, height = (float(rect.attrib[a]) for a in ("x", "y", "width", "height"))
            found[name.removeprefix("infradb-map-")] = (x, y, x + width, y + height)
    return found


def inside(inner: Rectangle, outer: Rectangle) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def apart(one: Rectangle, other: Rectangle) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def texts(text: str) -> str:
    return " ".join(t for e in ET.fromstring(text).iter() for t in (e.text, e.tail) if t)


class TestDemo:
    def test_guests_containers_and_services_lie_in_what_they_run_on(self) -> None:
        lab = demo()
        found = boxes(map_svg(lab))
        for row in lab.hosts:
            if row["parent_host_id"]:
                assert inside(found[f"host-{row['id']}"], found[f"host-{row['parent_host_id']}"])
        for row in lab.docker_containers:
            assert inside(found[f"container-{row['id']}"], found[f"host-{row['docker_host_id']}"])
        for row in lab.services:
            place = (
                f"container-{row['docker_container_id']}" if row["docker_container_id"] else f"host-{row['host_id']}"
            )
            assert inside(found[f"service-{row['id']}"], found[place])

    def test_siblings_lie_apart(self) -> None:
        lab = demo()
        found = boxes(map_svg(lab))
        roots = tree(lab)
        for siblings in (roots, *(node.children for node in walk(roots))):
            places = [found[node.key] for node in siblings]
            assert all(apart(a, b) for n, a in enumerate(places) for b in places[n + 1 :])

    def test_everything_lies_in_the_picture(self) -> None:
        text = map_svg(demo())
        root = ET.fromstring(text)
        picture = (0.0, 0.0, float(root.attrib["width"]), float(root.attrib["height"]))
        assert all(inside(box, picture) for box in boxes(text).values())

    def test_it_stands_alone(self) -> None:
        text = map_svg(demo())
        tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(text).iter()}
        assert {"title", "desc"} <= tags
        assert not tags & {"script", "image", "foreignObject", "use", "a"}
        assert "url(" not in text
        assert "prefers-color-scheme:dark" in text

    def test_every_dependency_is_a_line(self) -> None:
        lab = demo()
        titles = texts(map_svg(lab))
        assert map_svg(lab).count('class="hit"') == len(lab.service_dependencies) == 26
        assert "nextcloud needs postgresql (hard)" in titles
        assert "nextcloud needs collabora (optional)" in titles

    def test_states_are_written_and_in_the_legend(self) -> None:
        shown = texts(map_svg(demo()))
        for words in ("exited 137", "unhealthy", "stopped · low", "needs (soft)"):
            assert words in shown

    def test_it_is_the_same_whatever_the_order_of_rows(self) -> None:
        lab = demo()
        backwards = MapData(
            lab.hosts[::-1],
            lab.docker_containers[::-1],
            lab.services[::-1],
            lab.service_dependencies[::-1],
            lab.networks[::-1],
            lab.ip_addresses[::-1],
        )
        assert map_svg(lab) == map_svg(backwards)


class TestOddRows:
    def test_nothing(self) -> None:
        assert "Nothing is known yet" in texts(map_svg(MapData()))

    def test_one_host_with_nothing_but_a_number(self) -> None:
        assert set(boxes(map_svg(MapData(hosts=[{"id": 4}])))) == {"host-4"}

    def test_hosts_that_run_on_each_other(self) -> None:
        rows = [
            {"id": 1, "hostname": "a", "parent_host_id": 3},
            {"id": 2, "hostname": "b", "parent_host_id": 1},
            {"id": 3, "hostname": "c", "parent_host_id": 2},
            {"id": 4, "hostname": "self", "parent_host_id": 4},
        ]
        found = boxes(map_svg(MapData(hosts=rows)))
        assert set(found) == {"host-1", "host-2", "host-3", "host-4"}
        assert inside(found["host-3"], found["host-2"])
        assert inside(found["host-2"], found["host-1"])

    def test_what_runs_nowhere_known_has_a_box(self) -> None:
        lab = MapData(
            hosts=[{"id": 1, "hostname": "a", "parent_host_id": 99}],
            docker_containers=[{"id": 2, "container_name": "lost", "docker_host_id": 98}],
            services=[{"id": 3, "service_name": "lone", "host_id": None, "docker_container_id": 97}],
        )
        found = boxes(map_svg(lab))
        assert inside(found["container-2"], found["unplaced"])
        assert inside(found["service-3"], found["unplaced"])
        assert not inside(found["host-1"], found["unplaced"])

    def test_dependencies_of_unknown_services_are_left_out(self) -> None:
        edges = [
            {"id": 5, "dependent_service_id": 1, "dependency_service_id": 77},
            {"id": 6, "dependent_service_id": 1, "dependency_service_id": 1},
        ]
        text = map_svg(MapData(services=[{"id": 1, "service_name": "a"}], service_dependencies=edges))
        assert "hit" not in text.split("</style>")[1]

    def test_too_many_dependencies_are_counted_instead(self) -> None:
        services = [{"id": n, "service_name": f"s{n}"} for n in range(202)]
        edges = [{"id": 1000 + n, "dependent_service_id": n, "dependency_service_id": n + 1} for n in range(201)]
        text = map_svg(MapData(services=services, service_dependencies=edges))
        assert 'class="hit"' not in text
        assert "201 dependencies are not drawn" in texts(text)

    def test_names_may_hold_anything(self) -> None:
        nasty = "<script>alert('1')</script>\x07 & \ud800"
        lab = MapData(
            hosts=[{"id": 1, "hostname": nasty, "criticality": '"><b>', "status": "odd"}],
            networks=[{"id": 2, "network_name": nasty, "cidr": "not a network"}],
            ip_addresses=[{"id": 3, "ip_address": nasty, "network_id": 2}],
            title=nasty,
        )
        text = map_svg(lab)
        assert "<script" not in text
        ET.fromstring(text)

    @given(
        st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.integers(1, 30),
                    "hostname": st.text(max_size=40),
                    "parent_host_id": st.integers(1, 30) | st.none(),
                }
            ),
            unique_by=lambda row: row["id"],
            max_size=30,
        )
    )
    def test_each_host_is_drawn_once(self, rows: list[Mapping[str, Any]]) -> None:
        drawn = [node.key for node in walk(tree(MapData(hosts=rows)))]
        assert sorted(drawn) == sorted(f"host-{row['id']}" for row in rows)
        ET.fromstring(map_svg(MapData(hosts=rows)))


class TestSize:
    def large(self) -> MapData:
        hosts = [{"id": n, "hostname": f"host{n}", "parent_host_id": n % 40 if n >= 40 else None} for n in range(400)]
        containers = [
            {
                "id": 1000 + n,
                "container_name": f"c{n}",
                "docker_host_id": n % 400,
                "image": "busybox",
                "status": "running",
            }
            for n in range(800)
        ]
        services = [
            {"id": 10_000 + n, "service_name": f"s{n}", "docker_container_id": 1000 + n, "port": 80} for n in range(800)
        ]
        addresses = [{"id": 20_000 + n, "ip_address": f"10.0.{n // 250}.{n % 250}", "host_id": n} for n in range(400)]
        return MapData(hosts, containers, services, (), (), addresses)

    def test_two_thousand_boxes_take_less_than_two_seconds(self) -> None:
        lab = self.large()
        started = time.perf_counter()
        text = map_svg(lab)
        assert time.perf_counter() - started < 2
        assert len(boxes(text)) == 2000

    def test_a_long_chain_of_guests(self) -> None:
        rows = [{"id": n, "hostname": f"h{n}", "parent_host_id": n - 1} for n in range(1500)]
        assert len(boxes(map_svg(MapData(hosts=rows)))) == 1500


class TestStates:
    @pytest.mark.parametrize(
        ("row", "state", "word"),
        [
            ({"status": "running", "health_status": "healthy"}, "fine", "running"),
            ({"status": "running", "health_status": "unhealthy"}, "degraded", "unhealthy"),
            ({"status": "exited", "exit_code": 0}, "stopped", "exited"),
            ({"status": "exited", "exit_code": 137}, "down", "exited 137"),
            ({"status": "restarting"}, "degraded", "restarting"),
            ({"status": None}, "unknown", "unknown"),
        ],
    )
    def test_of_containers(self, row: dict[str, Any], state: str, word: str) -> None:
        found = container_state(row)
        assert (found.name, found.word) == (state, word)

    def test_of_hosts_and_services(self) -> None:
        assert host_state({"status": "maintenance"}).name == "maintenance"
        assert host_state({}).name == "unknown"
        assert service_state({"status": "down"}).name == "down"
