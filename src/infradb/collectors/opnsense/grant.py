"""How to make the least-privileged account on the firewall."""

from infradb.collectors.opnsense.endpoints import ENDPOINTS, OLDER_NAMES


def grant(name: str) -> str:
    """Return the steps, in the words of the firewall's own pages (25.7 to 26.7)."""
    privileges = list(dict.fromkeys(e.privilege for n, e in ENDPOINTS.items() if n not in ("config", "history")))
    lines = [f"   - {p}{f'   (before 25.7: {OLDER_NAMES[p]})' if p in OLDER_NAMES else ''}" for p in privileges]
    listed = "\n".join(lines)
    config = ENDPOINTS["config"].privilege
    return f"""On the firewall:

1. System: Access: Users, add the user `infradb`, "Scrambled password" on, login shell nologin.
2. Its privileges, nothing but:

   - System: Deny config write
{listed}
   - {config}   (config.xml and who changed it)

   Leave out the DHCP servers and name servers that it does not run. Privileges of OPNsense are for pages, not for
   reading: most of them would also let the key change something. "System: Deny config write" stops what is saved, and
   infradb sends GET alone. `{config}` lets the key read every secret in config.xml (infradb drops
   them before it looks at the rest); without it, set config=false, and what only the file tells is missing.
3. System: Access: Users, the user's "Create and download API key": a file with `key=` and `secret=`.

Then here, with the fingerprint of the web interface's certificate where it signed itself:

    infradb sources add opnsense {name} url=https://FIREWALL api_key=file:/path/key api_secret=file:/path/secret \\
      fingerprint=AA:BB:…
"""
