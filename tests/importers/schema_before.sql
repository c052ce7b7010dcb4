-- The layout of the old file before its owners merged their guests into one table.
CREATE TABLE hosts (id INTEGER PRIMARY KEY AUTOINCREMENT, hostname TEXT NOT NULL UNIQUE,
  host_type TEXT NOT NULL CHECK (host_type IN ('physical','vm','lxc','docker_host')), management_ip TEXT,
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active','stopped','maintenance','decommissioned')),
  cpu_cores INTEGER, total_ram_mb INTEGER, used_ram_mb INTEGER,
  parent_host_id INTEGER REFERENCES hosts(id) ON DELETE SET NULL, vmid INTEGER, purpose TEXT,
  criticality TEXT CHECK (criticality IN ('critical','high','medium','low')), notes TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE network_interfaces (id INTEGER PRIMARY KEY AUTOINCREMENT,
  host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE, interface_name TEXT NOT NULL,
  interface_type TEXT NOT NULL CHECK (interface_type IN ('physical','bridge','vlan','virtual','wifi')),
  mac_address TEXT, pci_slot TEXT, driver TEXT, speed_mbps INTEGER, bridge_name TEXT, bridge_ports TEXT, vlan_id INTEGER,
  parent_interface_id INTEGER REFERENCES network_interfaces(id) ON DELETE SET NULL,
  link_status TEXT CHECK (link_status IN ('up','down','unknown')), description TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, UNIQUE (host_id, interface_name));
CREATE TABLE storage_devices (id INTEGER PRIMARY KEY AUTOINCREMENT,
  host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE, device_name TEXT NOT NULL,
  device_type TEXT NOT NULL CHECK (device_type IN ('disk','raid','lvm','zfs','btrfs','mergerfs')),
  model TEXT, serial_number TEXT, capacity_gb INTEGER, filesystem_type TEXT, mount_point TEXT, used_gb INTEGER, available_gb INTEGER,
  raid_level TEXT, raid_members TEXT, smart_status TEXT CHECK (smart_status IN ('passed','failed','unknown')), health_status TEXT,
  purpose TEXT, notes TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, UNIQUE (host_id, device_name));
CREATE TABLE networks (id INTEGER PRIMARY KEY AUTOINCREMENT, network_name TEXT NOT NULL, cidr TEXT NOT NULL UNIQUE, vlan_id INTEGER,
  gateway TEXT, dns_servers TEXT, dhcp_enabled BOOLEAN DEFAULT 0, dhcp_range_start TEXT, dhcp_range_end TEXT, purpose TEXT,
  security_zone TEXT CHECK (security_zone IN ('public','dmz','management','private','isolated')), notes TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE ip_addresses (id INTEGER PRIMARY KEY AUTOINCREMENT, ip_address TEXT NOT NULL UNIQUE,
  network_id INTEGER NOT NULL REFERENCES networks(id) ON DELETE CASCADE,
  interface_id INTEGER REFERENCES network_interfaces(id) ON DELETE SET NULL, host_id INTEGER REFERENCES hosts(id) ON DELETE SET NULL,
  allocation_type TEXT NOT NULL CHECK (allocation_type IN ('static','dhcp','reserved')), hostname TEXT, purpose TEXT, notes TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE network_routes (id INTEGER PRIMARY KEY AUTOINCREMENT, source_network_id INTEGER REFERENCES networks(id) ON DELETE CASCADE,
  destination_network TEXT NOT NULL, gateway_ip TEXT NOT NULL, gateway_host_id INTEGER REFERENCES hosts(id) ON DELETE SET NULL,
  metric INTEGER DEFAULT 0, route_type TEXT CHECK (route_type IN ('static','dynamic','default')), interface_name TEXT, description TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE firewall_rules (id INTEGER PRIMARY KEY AUTOINCREMENT, firewall_host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
  rule_number INTEGER, action TEXT NOT NULL CHECK (action IN ('allow','deny','reject','nat')),
  direction TEXT NOT NULL CHECK (direction IN ('in','out','forward')), protocol TEXT CHECK (protocol IN ('tcp','udp','icmp','any')),
  source_network TEXT, source_port TEXT, destination_network TEXT, destination_port TEXT, schedule_name TEXT,
  schedule_enabled BOOLEAN DEFAULT 1, enabled BOOLEAN DEFAULT 1, description TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE docker_containers (id INTEGER PRIMARY KEY AUTOINCREMENT, docker_host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
  container_id TEXT NOT NULL, container_name TEXT NOT NULL, image TEXT NOT NULL, image_tag TEXT,
  status TEXT CHECK (status IN ('running','stopped','paused','restarting','exited')), restart_policy TEXT, network_mode TEXT,
  networks TEXT, ports TEXT, environment_vars TEXT, cpu_limit REAL, memory_limit_mb INTEGER,
  health_status TEXT CHECK (health_status IN ('healthy','unhealthy','starting','none')), labels TEXT, command TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  UNIQUE (docker_host_id, container_name));
CREATE TABLE docker_volumes (id INTEGER PRIMARY KEY AUTOINCREMENT, docker_host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
  volume_name TEXT NOT NULL, driver TEXT DEFAULT 'local', mount_point TEXT, options TEXT, size_mb INTEGER, labels TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  UNIQUE (docker_host_id, volume_name));
CREATE TABLE docker_networks (id INTEGER PRIMARY KEY AUTOINCREMENT, docker_host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
  network_name TEXT NOT NULL, network_id TEXT, driver TEXT CHECK (driver IN ('bridge','host','overlay','macvlan','null')),
  subnet TEXT, gateway TEXT, internal BOOLEAN DEFAULT 0, attachable BOOLEAN DEFAULT 0, labels TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  UNIQUE (docker_host_id, network_name));
CREATE TABLE services (id INTEGER PRIMARY KEY AUTOINCREMENT, service_name TEXT NOT NULL,
  service_type TEXT NOT NULL CHECK (service_type IN ('web','api','database','cache','queue','dns','dhcp','firewall','proxy','monitoring','backup','storage','other')),
  host_id INTEGER REFERENCES hosts(id) ON DELETE SET NULL, container_id INTEGER REFERENCES docker_containers(id) ON DELETE SET NULL,
  protocol TEXT, port INTEGER, endpoint_url TEXT, health_check_url TEXT, health_check_interval INTEGER DEFAULT 60,
  status TEXT CHECK (status IN ('healthy','degraded','down','unknown')), version TEXT,
  criticality TEXT CHECK (criticality IN ('critical','high','medium','low')), description TEXT, documentation_url TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE service_dependencies (id INTEGER PRIMARY KEY AUTOINCREMENT,
  dependent_service_id INTEGER NOT NULL REFERENCES services(id) ON DELETE CASCADE,
  dependency_service_id INTEGER NOT NULL REFERENCES services(id) ON DELETE CASCADE,
  dependency_type TEXT CHECK (dependency_type IN ('hard','soft','optional')), description TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, UNIQUE (dependent_service_id, dependency_service_id),
  CHECK (dependent_service_id != dependency_service_id));
CREATE TABLE infrastructure_changes (id INTEGER PRIMARY KEY AUTOINCREMENT,
  change_type TEXT NOT NULL CHECK (change_type IN ('create','update','delete','start','stop','restart','migrate','backup','restore')),
  entity_type TEXT NOT NULL, entity_id INTEGER NOT NULL, changed_by TEXT,
  change_source TEXT CHECK (change_source IN ('manual','api','automation','discovery')), old_values TEXT, new_values TEXT,
  description TEXT, change_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE health_checks (id INTEGER PRIMARY KEY AUTOINCREMENT, service_id INTEGER NOT NULL REFERENCES services(id) ON DELETE CASCADE,
  check_timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP, status TEXT NOT NULL CHECK (status IN ('healthy','degraded','down','timeout')),
  response_time_ms INTEGER, status_code INTEGER, response_body TEXT, error_message TEXT, check_source TEXT DEFAULT 'automated');

CREATE TABLE virtual_machines (id INTEGER PRIMARY KEY AUTOINCREMENT, host_id INTEGER NOT NULL UNIQUE REFERENCES hosts(id) ON DELETE CASCADE,
  proxmox_host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE, vmid INTEGER NOT NULL,
  vm_type TEXT CHECK (vm_type IN ('qemu','kvm')), os_type TEXT, network_interfaces TEXT, boot_disk TEXT, additional_disks TEXT,
  auto_start BOOLEAN DEFAULT 0, template BOOLEAN DEFAULT 0, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, UNIQUE (proxmox_host_id, vmid));
CREATE TABLE lxc_containers (id INTEGER PRIMARY KEY AUTOINCREMENT, host_id INTEGER NOT NULL UNIQUE REFERENCES hosts(id) ON DELETE CASCADE,
  proxmox_host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE, vmid INTEGER NOT NULL, os_template TEXT,
  unprivileged BOOLEAN DEFAULT 1, rootfs_storage TEXT, rootfs_size_gb INTEGER, mount_points TEXT, network_config TEXT,
  nesting BOOLEAN DEFAULT 0, keyctl BOOLEAN DEFAULT 0, auto_start BOOLEAN DEFAULT 0, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, UNIQUE (proxmox_host_id, vmid));
CREATE TABLE docker_container_volumes (id INTEGER PRIMARY KEY AUTOINCREMENT,
  container_id INTEGER NOT NULL REFERENCES docker_containers(id) ON DELETE CASCADE,
  volume_id INTEGER REFERENCES docker_volumes(id) ON DELETE SET NULL, container_path TEXT NOT NULL, host_path TEXT,
  read_only BOOLEAN DEFAULT 0, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, UNIQUE (container_id, container_path));

CREATE VIEW v_host_inventory AS SELECT h.id, h.hostname, h.host_type, h.management_ip, h.status, h.criticality,
  (SELECT count(*) FROM services s WHERE s.host_id = h.id) AS services_count FROM hosts h;
CREATE VIEW v_docker_inventory AS SELECT c.container_name, c.image, c.image_tag, c.status, c.health_status, h.hostname AS docker_host
  FROM docker_containers c JOIN hosts h ON h.id = c.docker_host_id;
CREATE VIEW v_network_topology AS SELECT n.network_name, n.cidr, i.ip_address, i.allocation_type, h.hostname
  FROM networks n LEFT JOIN ip_addresses i ON i.network_id = n.id LEFT JOIN hosts h ON h.id = i.host_id;
CREATE VIEW v_service_dependencies AS SELECT a.service_name AS dependent_service, d.dependency_type, b.service_name AS dependency_service
  FROM service_dependencies d JOIN services a ON a.id = d.dependent_service_id JOIN services b ON b.id = d.dependency_service_id;
CREATE VIEW v_recent_changes AS SELECT * FROM infrastructure_changes WHERE change_timestamp >= datetime('now', '-30 days');
