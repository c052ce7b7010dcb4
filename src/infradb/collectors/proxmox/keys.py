"""Native keys. None of a guest's holds its node, so that one that moves stays what it is."""


def node_key(node: str) -> str:
    """Return the key of a node."""
    return f"node/{node}"


def interface_key(owner: str, name: str) -> str:
    """Return the key of an interface of a node or a guest."""
    return f"{owner}/interface/{name}"


def guest_key(vmid: int) -> str:
    """Return the key of a guest as a host."""
    return f"guest/{vmid}"


def place_key(vmid: int) -> str:
    """Return the key of a guest's virtualization side."""
    return f"guest/{vmid}/place"


def storage_key(storage: str, node: str) -> str:
    """Return the key of a storage; `node` is empty where it is shared."""
    return f"storage/{node}/{storage}" if node else f"storage/{storage}"


def network_key(cidr: str) -> str:
    """Return the key of a network."""
    return f"network/{cidr}"


def address_key(owner: str, address: str) -> str:
    """Return the key of an address of a node or a guest."""
    return f"{owner}/address/{address}"
