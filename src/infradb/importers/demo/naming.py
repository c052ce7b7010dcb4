"""Builds what leads people to the lab's services: names in the DNS, routes of the proxy, its certificate, aliases."""

from typing import Any

from infradb.importers.demo.derive import hexadecimal
from infradb.importers.demo.gather import Gathered
from infradb.importers.demo.hardware import host_key
from infradb.importers.demo.machines import MACHINES
from infradb.importers.demo.software import STACKS
from infradb.importers.demo.stacks import DOMAIN
from infradb.importers.demo.wiring import ALIASES
from infradb.model.network import DnsRecord, FirewallAlias
from infradb.model.services import Certificate, ProxyRoute

_PROXY, _PROXY_ADDRESS = "traefik", "10.10.20.21"
_CERTIFICATE = f"certificates/{DOMAIN}"


def tell_naming(gathered: Gathered) -> None:
    """Tell aliases of the firewall, records of the DNS, the wildcard certificate and every route of the proxy."""
    for name, kind, content, description in ALIASES:
        alias = FirewallAlias(
            firewall_host_id=host_key("opnsense"),
            alias_name=name,
            alias_type=kind,
            content=content,
            description=description,
        )
        gathered.tell((f"firewall_aliases/{name}", alias))
    gathered.tell((_CERTIFICATE, _certificate()))
    for machine in MACHINES:
        for address in [n.address for n in machine.nics if n.address][:1]:
            gathered.tell(_record(f"{machine.name}.{DOMAIN}", address, host_id=host_key(machine.name)))
    for stack in STACKS:
        for offer in (o for b in stack.boxes if b.proxied for o in b.offers if o.url.endswith(f".{DOMAIN}/")):
            hostname = offer.url.removeprefix("https://").rstrip("/")
            gathered.tell(_record(hostname, _PROXY_ADDRESS))
            route = ProxyRoute(
                proxy=_PROXY,
                entry="websecure",
                hostname=hostname,
                backend_url=f"http://{offer.name}:{offer.port}",
                backend_status="up",
                proxy_service_id=f"services/{_PROXY}",
                backend_service_id=f"services/{offer.name}",
                certificate_id=_CERTIFICATE,
                tls=True,
                native_name=f"{offer.name}@docker",
            )
            gathered.tell((f"proxy_routes/{hostname}", route))


def _certificate() -> Certificate:
    return Certificate(
        fingerprint=hexadecimal(f"certificate {DOMAIN}"),
        subject=f"*.{DOMAIN}",
        names=[DOMAIN, f"*.{DOMAIN}"],
        issuer="Let's Encrypt R13",
        not_before_at="2026-10-20T04:10:00.000Z",
        not_after_at="2027-10-20T04:09:59.000Z",
        host_id=host_key("docker1"),
    )


def _record(name: str, address: str, **more: Any) -> tuple[str, DnsRecord]:
    record = DnsRecord(
        record_name=name, record_type="A", content=address, zone=DOMAIN, server="opnsense", ttl_seconds=3600, **more
    )
    return f"dns_records/{name}", record
