"""What an engine's answers mean: recorded from a real one, and varied by hand. A new case is a new file."""

from __future__ import annotations

import copy
import re
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from infradb.collectors.docker.engine import (
    Engine,
    engine_answer,
    images_by_id,
    network_answer,
    network_facts,
    volume_answer,
)
from infradb.collectors.docker.parse import container_answer
from infradb.model import catalog
from infradb.observation import Answer, Observation, Rejected

CASES = Path(__file__).parent / "cases"
NAMES = sorted(p.stem for p in CASES.glob("*.json") if not p.stem.endswith(".raw"))


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads((CASES / name).read_bytes())
    return content


def merged(value: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for name, inner in patch.items():
        if inner is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), inner)
    return result


def make_engine(patches: dict[str, Any] | None = None) -> Engine:
    raw = load("engine.raw.json")
    networks = [merged(n, (patches or {}).get(n["Name"], {})) for n in raw["networks"]]
    engine = Engine(raw["info"]["ID"], raw["info"]["Name"], raw["info"]["Name"])
    return Engine(
        engine.id,
        engine.name,
        engine.address,
        networks={n["Id"]: network_facts(n, engine) for n in networks},
        network_ids={n["Name"]: n["Id"] for n in networks},
        images=images_by_id(raw["images"]),
    )


def raw_of(case: dict[str, Any]) -> dict[str, Any]:
    raw: dict[str, Any] = merged(load(f"{case['base']}.raw.json"), case.get("patch", {}))
    return raw


def observations(answer: Answer) -> dict[str, Observation]:
    said = [one for one in answer.parse() if isinstance(one, Observation)]
    assert said[0].key == answer.key
    assert len({one.key for one in said}) == len(said)
    for one in said:
        catalog.BY_TABLE[one.table].adapter.validate_python(dict(one.values))
    return {one.key: one for one in said}


@pytest.mark.parametrize("name", NAMES)
def test_a_container_says_what_its_case_expects(name: str) -> None:
    case, raw = load(f"{name}.json"), raw_of(load(f"{name}.json"))
    engine = make_engine(case.get("engine"))

    def filled(value: Any) -> Any:
        text = orjson.dumps(value).decode().replace("$ENGINE", engine.key).replace("$C", f"container/{raw['Id']}")
        text = re.sub(r"\$NET\((\w+)\)", lambda m: f"network/{engine.network_ids[m[1]]}", text)
        return orjson.loads(text)

    said = observations(container_answer(raw, engine))

    for key, fields in filled(case["expected"]).items():
        assert key in said, sorted(said)
        table = fields.pop("table", said[key].table)
        assert (said[key].table, {f: said[key].values.get(f, "unsaid") for f in fields}) == (table, fields)
    for path in filled(case.get("absent", [])):
        key, _, field = path.partition("#")
        assert key not in said if not field else field not in said[key].values
    if "count" in case:
        assert len(said) == case["count"], sorted(said)


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_of_a_case_gets_into_its_answer(name: str) -> None:
    answer = container_answer(raw_of(load(f"{name}.json")), make_engine())
    assert "hunter2" not in repr(answer.parse())
    assert "hunter2" not in repr(answer.parse.args)  # type: ignore[attr-defined]


def test_a_wrong_criticality_is_told_with_its_place() -> None:
    case = load("label-criticality-wrong.json")
    rejected = [r for r in container_answer(raw_of(case), make_engine()).parse() if isinstance(r, Rejected)]
    assert rejected
    assert {(r.field, r.content) for r in rejected} == {("criticality", "very!")}


class TestDigest:
    def test_what_changes_by_itself_does_not_count(self) -> None:
        raw = load("running.raw.json")
        other = copy.deepcopy(raw)
        other["State"] |= {"Pid": 1, "Health": {"Status": "healthy", "Log": [{"Output": "new"}], "FailingStreak": 2}}
        other["NetworkSettings"] |= {"SandboxID": "x", "SandboxKey": "y"}
        other["NetworkSettings"]["Networks"]["bridge"]["EndpointID"] = "z"
        other["RestartCount"] = 7
        other["Mounts"].reverse()
        one, two = container_answer(raw, make_engine()), container_answer(other, make_engine(), used_memory_mb=3)
        assert one.digest == two.digest
        assert two.measured == {two.key: {"restart_count": 7, "used_memory_mb": 3}}

    @pytest.mark.parametrize(
        "patch",
        [
            {"Name": "/renamed"},
            {"State": {"Status": "paused"}},
            {"State": {"Health": {"Status": "unhealthy"}}},
            {"State": {"StartedAt": "2026-11-24T00:00:00Z"}},
            {"Config": {"Labels": {"a": "b"}}},
            {"Config": {"Env": ["A=b"]}},
            {"HostConfig": {"Memory": 1}},
            {"NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.9"}}}},
        ],
    )
    def test_what_is_read_counts(self, patch: dict[str, Any]) -> None:
        raw, engine = load("running.raw.json"), make_engine()
        assert container_answer(raw, engine).digest != container_answer(merged(raw, patch), engine).digest

    def test_a_network_that_changes_its_range_changes_its_containers(self) -> None:
        raw = load("running.raw.json")
        changed = make_engine({"shop_default": {"IPAM": {"Config": [{"Subnet": "172.30.0.0/16"}]}}})
        assert container_answer(raw, make_engine()).digest != container_answer(raw, changed).digest

    def test_another_password_is_no_change_because_it_is_never_seen(self) -> None:
        raw = load("running.raw.json")
        other = copy.deepcopy(raw)
        other["Config"]["Env"] = [e.replace("hunter2", "correcthorse") for e in other["Config"]["Env"]]
        assert container_answer(raw, make_engine()).digest == container_answer(other, make_engine()).digest


def test_an_unchanged_container_costs_next_to_nothing() -> None:
    raw, engine = orjson.dumps(load("running.raw.json")), make_engine()
    raws = [merged(orjson.loads(raw), {"Id": f"{n:064x}", "Name": f"/app{n}"}) for n in range(2000)]
    started = time.process_time()
    for one in raws:
        container_answer(one, engine)
    assert (time.process_time() - started) / len(raws) < 250e-6  # 27 µs on a quiet machine


class TestEngine:
    def test_it_is_a_docker_host_with_what_it_says_of_its_machine(self) -> None:
        raw = load("engine.raw.json")
        answer = engine_answer(raw["info"], raw["version"], "ab" * 32)
        (host,) = observations(answer).values()
        assert host.key == f"engine/{raw['info']['ID']}"
        assert host.values == {
            "hostname": "docker1",
            "docker_engine_id": raw["info"]["ID"],
            "docker_version": "20.10.24+dfsg1",
            "is_docker_host": True,
            "os_name": "Debian GNU/Linux",
            "os_version": "12",
            "kernel": raw["info"]["KernelVersion"],
            "architecture": "x86_64",
            "cpu_cores": 2,
            "total_ram_mb": 24105,
            "machine_id_hash": "ab" * 32,
        }

    @pytest.mark.parametrize(
        ("system", "name"),
        [
            ("Ubuntu 24.04.1 LTS", "Ubuntu"),
            ("Alpine Linux v3.20", "Alpine Linux"),
            ("Docker Desktop", "Docker Desktop"),
            ("openSUSE Leap 15.6", "openSUSE Leap"),
            ("Arch Linux", "Arch Linux"),
        ],
    )
    def test_the_systems_name_stands_without_its_version(self, system: str, name: str) -> None:
        answer = engine_answer({"ID": "A", "Name": "h", "OperatingSystem": system}, {})
        assert observations(answer)["engine/A"].values["os_name"] == name

    def test_what_it_does_not_say_is_left_open(self) -> None:
        values = observations(engine_answer({"ID": "A", "Name": "h", "MemTotal": 0, "OSVersion": ""}, {}))["engine/A"]
        assert set(values.values) == {"hostname", "docker_engine_id", "is_docker_host"}


class TestNetwork:
    def said(self, **patch: Any) -> dict[str, Observation]:
        raw = next(n for n in load("engine.raw.json")["networks"] if n["Name"] == "shop_default")
        return observations(network_answer(merged(raw, {"Id": "n1", **patch}), make_engine()))

    def test_a_bridge_has_its_subnet_in_the_engines_own_address_space(self) -> None:
        said = self.said()
        assert said["network/n1"].values["subnet"] == "172.30.5.0/24"
        assert said["network/n1/prefix/172.30.5.0/24"].values == {
            "network_name": "shop_default",
            "cidr": "172.30.5.0/24",
            "vrf": "docker:AAAABBBBCCCC",
            "gateway": "172.30.5.1",
        }

    def test_a_macvlan_lies_in_the_network_around_and_says_its_vlan(self) -> None:
        prefix = self.said(Driver="macvlan", Options={"parent": "eth0.20"})["network/n1/prefix/172.30.5.0/24"]
        assert (prefix.values["vrf"], prefix.values["vlan_id"]) == ("default", 20)

    @pytest.mark.parametrize("driver", ["host", "null"])
    def test_host_and_none_have_no_subnet(self, driver: str) -> None:
        said = self.said(Driver=driver)
        assert list(said) == ["network/n1"]
        assert said["network/n1"].values["subnet"] is None

    def test_a_range_with_host_bits_and_one_that_is_none_do_no_harm(self) -> None:
        config = [{"Subnet": "172.30.5.7/24", "Gateway": "172.30.5.1/24"}, {"Subnet": "nonsense"}, {}]
        assert list(self.said(IPAM={"Config": config})) == ["network/n1", "network/n1/prefix/172.30.5.0/24"]


class TestVolume:
    def test_secrets_in_options_vanish(self) -> None:
        options = {"type": "cifs", "o": "username=ann,password=hunter2,vers=3.0", "device": "//nas/media"}
        raw = {
            "Name": "media",
            "Driver": "local",
            "Mountpoint": "/m",
            "Options": options,
            "Labels": {"a.token": "hunter2"},
        }
        answer = volume_answer(raw, make_engine(), 1_500_000)
        values = observations(answer)["volume/media"].values
        assert values["options"] == {"type": "cifs", "o": "username=ann,password=***,vers=3.0", "device": "//nas/media"}
        assert values["labels"] == {"a.token": "***"}
        assert answer.measured == {"volume/media": {"size_mb": 1.5}}

    def test_an_unknown_size_is_not_said(self) -> None:
        raw = {"Name": "v", "Driver": "local", "Mountpoint": "", "Options": None, "Labels": None}
        assert volume_answer(raw, make_engine()).measured == {}
