"""Which HTTP status an error of ours is."""

STATUS: dict[str, int] = {
    "error": 500,
    "usage": 400,
    "settings": 400,
    "not-found": 404,
    "ambiguous": 409,
    "conflict": 409,
    "invalid-value": 422,
    "before-history": 422,
    "collection": 502,
    "source-unreachable": 502,
    "source-refused": 502,
    "source-malformed": 502,
    "import-refused": 422,
    "store": 500,
    "database-missing": 503,
    "database-foreign": 503,
    "database-newer": 503,
    "database-locked": 503,
    "database-full": 507,
    "chain-broken": 500,
}
"""HTTP status by an error's code (RFC 9110, 15; 507: RFC 4918, 11.5)."""
