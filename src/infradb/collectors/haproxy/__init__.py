"""HAProxy: frontends, conditions and backends, with the state that its socket tells."""
