"""What all reverse proxies have in common: routes, the certificates they show, and how both become a run.

It reads no proxy and is no collector by itself: `traefik`, `caddy`, `nginx`, `npm` and `haproxy` fill it.
"""
