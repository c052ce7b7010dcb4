"""What is there twice although it can be there only once."""

from infradb.quality.rule import Rule

RULES = (
    Rule(
        "duplicate-hostname",
        "medium",
        "Several live hosts have one hostname",
        "Either one machine is known as two, and each half tells half of the truth; or two machines answer to one name,"
        " and whoever uses the name reaches either.",
        "One machine: `infradb merge A B`. Two machines: `infradb keep-apart A B`, or rename one of them.",
        "{hosts} live hosts are called {hostname}: {thing} is one of them",
        sql="""\
SELECT min(h.id) AS entity_id, lower(h.hostname) AS subject, lower(h.hostname) AS hostname, count(*) AS hosts
FROM hosts h
WHERE h.retired_at IS NULL AND EXISTS (
  SELECT 1 FROM hosts o WHERE o.retired_at IS NULL AND o.id <> h.id AND lower(o.hostname) = lower(h.hostname)
  AND NOT EXISTS (SELECT 1 FROM kept_apart k WHERE k.entity_a_id IN (h.id, o.id) AND k.entity_b_id IN (h.id, o.id)))
GROUP BY lower(h.hostname) HAVING count(*) > 1""",
    ),
    Rule(
        "duplicate-mac",
        "medium",
        "Interfaces of different hosts have one MAC address",
        "In one network the switch sends frames to whichever spoke last: both machines lose packets at random. Mostly a"
        " guest was cloned with its network card. Bridges, bonds, VLANs and tunnels share theirs rightly and are left"
        " out, as are locally administered addresses, except those that QEMU gives (52:54:00).",
        "Give one of them a new address (Proxmox: remove and add the network device; libvirt: delete the `mac`"
        " element).",
        "{mac_address} of {thing} is also that of {other}",
        sql="""\
SELECT min(i.id) AS entity_id, i.mac_address AS subject, max(i.id) AS other_id, i.mac_address,
       count(DISTINCT i.host_id) AS hosts
FROM network_interfaces i
WHERE i.retired_at IS NULL AND i.interface_type IN ('physical', 'virtual', 'wifi')
  AND (substr(i.mac_address, 2, 1) IN ('0', '4', '8', 'c') OR i.mac_address LIKE '52:54:00:%')
  AND i.mac_address NOT LIKE '00:00:00:00:00:%' AND i.mac_address NOT LIKE '00:00:5e:00:%'
  AND i.mac_address NOT LIKE '00:00:0c:07:ac:%' AND i.mac_address NOT LIKE '00:00:0c:9f:f%'
GROUP BY i.mac_address HAVING count(DISTINCT i.host_id) > 1""",
    ),
    Rule(
        "duplicate-service",
        "low",
        "One service is listed twice",
        "Two entries for one listener share its checks, its owner and its dependencies between them, so that each looks"
        " less important than the service is. Several names behind one port are told apart by their endpoint names.",
        "Retire the one that nobody maintains (`infradb retire NAME`), or give each an `endpoint_name`.",
        "{services} services are listed at {protocol} port {port} of {other}: {thing} is one of them",
        sql="""\
SELECT min(s.id) AS entity_id, coalesce(s.docker_container_id, s.host_id) AS other_id,
       coalesce(lower(s.protocol), 'tcp') || '/' || s.port || '/' || s.endpoint_name AS subject,
       coalesce(lower(s.protocol), 'tcp') AS protocol, s.port, count(*) AS services
FROM services s
WHERE s.retired_at IS NULL AND s.port IS NOT NULL AND coalesce(s.docker_container_id, s.host_id) IS NOT NULL
GROUP BY coalesce(s.docker_container_id, s.host_id), coalesce(lower(s.protocol), 'tcp'), s.port, s.endpoint_name
HAVING count(*) > 1""",
    ),
    Rule(
        "duplicate-route",
        "low",
        "A host has one way twice",
        "The kernel uses the one with the lower metric; the other one comes to light when the first is removed. Mostly"
        " both DHCP and a static configuration set it.",
        "Remove one of them from the host's network configuration; if one was typed here only, `infradb retire` it.",
        "{thing} is there a second time: {other} leads to {destination} through {gateway} as well",
        sql="""\
SELECT b.id AS entity_id, a.id AS other_id, a.destination_network AS destination, a.gateway_ip AS gateway
FROM network_routes a
JOIN network_routes b ON b.host_id = a.host_id AND b.routing_table = a.routing_table
 AND b.destination_network = a.destination_network AND b.gateway_ip = a.gateway_ip AND b.id > a.id
WHERE a.retired_at IS NULL AND b.retired_at IS NULL AND a.gateway_ip <> ''
  AND (a.interface_name = b.interface_name OR a.interface_name = '' OR b.interface_name = '')""",
    ),
)
