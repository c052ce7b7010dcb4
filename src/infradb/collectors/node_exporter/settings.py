"""What the user sets for machines that run a node_exporter."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from infradb.transport.address import LoginSettings, WebAddress


def _several(value: Any) -> Any:
    return [part for part in value.replace(",", " ").split() if part] if isinstance(value, str) else value


def _different(value: list[str]) -> list[str]:
    if len(set(value)) < len(value):
        raise ValueError("names an address twice")
    return value


class NodeExporterSettings(LoginSettings):
    """Settings of the node_exporter collector."""

    urls: Annotated[
        list[WebAddress], BeforeValidator(_several), AfterValidator(_different), Field(min_length=1, max_length=1000)
    ]
    """Addresses of the exporters, with commas between them: `http://web1:9100,http://web2:9100`."""
