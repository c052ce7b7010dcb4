PRAGMA application_id = 1768842852;

-- Facts about this database itself.
CREATE TABLE infradb_meta (
  -- Name of the fact.
  name TEXT NOT NULL,
  -- The fact.
  value TEXT NOT NULL,
  CONSTRAINT pk_infradb_meta PRIMARY KEY (name)
) STRICT;

-- Every entity of every type; the parent of all entity tables.
CREATE TABLE entities (
  -- Number by which rows point at it.
  id INTEGER PRIMARY KEY,
  -- Table that holds its fields.
  kind TEXT NOT NULL,
  -- UUIDv7 (RFC 9562) that never changes and means the same in every copy of the database.
  uid TEXT NOT NULL,
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT,
  -- Owner whose retirement took it along, and whose return brings it back.
  retired_with INTEGER REFERENCES entities (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Entity that it turned out to be.
  merged_into INTEGER REFERENCES entities (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT uq_entities_uid UNIQUE (uid)
) STRICT;

-- A place where hosts stand.
CREATE TABLE sites (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- What the place is called.
  name TEXT NOT NULL,
  -- Postal address.
  address TEXT,
  -- Whatever is worth knowing about it.
  notes TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_sites_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_sites_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A machine: bare metal, a guest, a container host, an appliance or a cloud instance.
CREATE TABLE hosts (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Name the machine calls itself, without its domain unless it says otherwise; not unique.
  hostname TEXT NOT NULL,
  -- What it is; `docker_host` only where nobody said what the machine under an engine is.
  host_type TEXT CONSTRAINT ck_hosts_host_type_values CHECK (host_type = 'physical' OR host_type = 'vm' OR host_type = 'lxc' OR host_type = 'docker_host' OR host_type = 'network_device' OR host_type = 'cloud'),
  -- Address by which it is administered.
  management_ip TEXT,
  -- Whether it runs, as last observed; maintenance and decommissioned are for people to say.
  status TEXT NOT NULL DEFAULT 'unknown' CONSTRAINT ck_hosts_status_values CHECK (status = 'active' OR status = 'stopped' OR status = 'maintenance' OR status = 'decommissioned' OR status = 'unknown'),
  -- Logical processors.
  cpu_cores INTEGER CONSTRAINT ck_hosts_cpu_cores_range CHECK (cpu_cores >= 0),
  -- Processor as it names itself.
  cpu_model TEXT,
  -- Installed memory in MiB.
  total_ram_mb INTEGER CONSTRAINT ck_hosts_total_ram_mb_range CHECK (total_ram_mb >= 0),
  -- Memory in use in MiB, without caches.
  used_ram_mb INTEGER CONSTRAINT ck_hosts_used_ram_mb_range CHECK (used_ram_mb >= 0),
  -- Host that this one runs on.
  parent_host_id INTEGER REFERENCES hosts (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Number of the guest on its hypervisor.
  vmid INTEGER CONSTRAINT ck_hosts_vmid_range CHECK (vmid >= 1 AND vmid <= 999999999),
  -- What it is there for.
  purpose TEXT,
  -- How badly it is missed.
  criticality TEXT CONSTRAINT ck_hosts_criticality_values CHECK (criticality = 'critical' OR criticality = 'high' OR criticality = 'medium' OR criticality = 'low'),
  -- Whatever is worth knowing about it.
  notes TEXT,
  -- Person or team that answers for it.
  owner TEXT,
  -- Room, rack and unit.
  location TEXT,
  -- Inventory label.
  asset_tag TEXT,
  -- Whom it was bought from.
  supplier TEXT,
  -- Day of purchase.
  purchased_at TEXT,
  -- Last day of warranty.
  warranty_until TEXT,
  -- Day on which the vendor stops supporting it.
  end_of_support_at TEXT,
  -- Site it stands at.
  site_id INTEGER REFERENCES sites (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Manufacturer as the firmware names it.
  vendor TEXT,
  -- Product as the firmware names it.
  model TEXT,
  -- Serial number of the machine from the firmware (SMBIOS type 1).
  serial_number TEXT,
  -- System UUID from the firmware (SMBIOS type 1), lower case; never for containers, which show their host's.
  smbios_uuid TEXT,
  -- HMAC of /etc/machine-id, which is confidential (machine-id(5)); stands for one installed system.
  machine_id_hash TEXT,
  -- SHA-256 fingerprint of its SSH host key.
  ssh_host_key TEXT,
  -- Hardware addresses that stand for it: burnt in, or set by its hypervisor for this very guest; no bridge's.
  mac_addresses TEXT CONSTRAINT ck_hosts_mac_addresses_json CHECK (mac_addresses IS NULL OR json_valid(mac_addresses)),
  -- ID that its Docker engine reports (`/info`: ID).
  docker_engine_id TEXT,
  -- Version of its Docker engine.
  docker_version TEXT,
  -- Operating system (os-release(5): NAME).
  os_name TEXT,
  -- Version of the operating system (os-release(5): VERSION_ID).
  os_version TEXT,
  -- Release of the running kernel.
  kernel TEXT,
  -- Machine architecture as uname(2) names it.
  architecture TEXT,
  -- When it was started.
  boot_time_at TEXT,
  -- Whether a Docker engine runs on it.
  is_docker_host INTEGER CONSTRAINT ck_hosts_is_docker_host_bool CHECK (is_docker_host IN (0, 1)),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_hosts_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_hosts_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A point where a host attaches to a network.
CREATE TABLE network_interfaces (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Host it belongs to.
  host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Name given by the operating system.
  interface_name TEXT NOT NULL,
  -- What kind of interface it is.
  interface_type TEXT NOT NULL DEFAULT 'virtual' CONSTRAINT ck_network_interfaces_interface_type_values CHECK (interface_type = 'physical' OR interface_type = 'bridge' OR interface_type = 'vlan' OR interface_type = 'virtual' OR interface_type = 'wifi' OR interface_type = 'bond' OR interface_type = 'tunnel' OR interface_type = 'loopback'),
  -- Hardware address.
  mac_address TEXT,
  -- PCI address of the card.
  pci_slot TEXT,
  -- Kernel driver.
  driver TEXT,
  -- Link speed in Mbit/s.
  speed_mbps INTEGER,
  -- Largest packet in bytes.
  mtu INTEGER CONSTRAINT ck_network_interfaces_mtu_range CHECK (mtu >= 0),
  -- Bridge that it is a port of.
  bridge_name TEXT,
  -- Names of the ports, where it is a bridge itself.
  bridge_ports TEXT CONSTRAINT ck_network_interfaces_bridge_ports_json CHECK (bridge_ports IS NULL OR json_valid(bridge_ports)),
  -- 802.1Q tag, where it is a VLAN interface or an access port.
  vlan_id INTEGER CONSTRAINT ck_network_interfaces_vlan_id_range CHECK (vlan_id >= 0 AND vlan_id <= 4095),
  -- Interface below it: of a VLAN its link, of a bond's member the bond.
  parent_interface_id INTEGER REFERENCES network_interfaces (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Whether it has carrier.
  link_status TEXT CONSTRAINT ck_network_interfaces_link_status_values CHECK (link_status = 'up' OR link_status = 'down' OR link_status = 'unknown'),
  -- Alias or comment.
  description TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_network_interfaces_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_network_interfaces_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A disk, a part of one, an array, a pool, or a file system from elsewhere.
CREATE TABLE storage_devices (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Host it is attached to.
  host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Path of the device, name of the pool, or source of the mount.
  device_name TEXT NOT NULL,
  -- What kind of storage it is.
  device_type TEXT NOT NULL DEFAULT 'disk' CONSTRAINT ck_storage_devices_device_type_values CHECK (device_type = 'disk' OR device_type = 'partition' OR device_type = 'raid' OR device_type = 'lvm' OR device_type = 'zfs' OR device_type = 'btrfs' OR device_type = 'mergerfs' OR device_type = 'nfs' OR device_type = 'smb' OR device_type = 'loop' OR device_type = 'crypt' OR device_type = 'other'),
  -- Product name of the disk.
  model TEXT,
  -- Serial number of the disk.
  serial_number TEXT,
  -- Size in GB (10^9 bytes).
  capacity_gb REAL CONSTRAINT ck_storage_devices_capacity_gb_range CHECK (capacity_gb >= 0),
  -- File system on it.
  filesystem_type TEXT,
  -- Where it is mounted first.
  mount_point TEXT,
  -- Used space in GB (10^9 bytes).
  used_gb REAL CONSTRAINT ck_storage_devices_used_gb_range CHECK (used_gb >= 0),
  -- Space in GB (10^9 bytes) that users may still fill.
  available_gb REAL CONSTRAINT ck_storage_devices_available_gb_range CHECK (available_gb >= 0),
  -- RAID level or profile: raid1, raidz2, mirror, single.
  raid_level TEXT,
  -- Names of the devices it is made of.
  raid_members TEXT CONSTRAINT ck_storage_devices_raid_members_json CHECK (raid_members IS NULL OR json_valid(raid_members)),
  -- What the disk says about its own health.
  smart_status TEXT CONSTRAINT ck_storage_devices_smart_status_values CHECK (smart_status = 'passed' OR smart_status = 'failed' OR smart_status = 'unknown'),
  -- State of the array or pool: online, degraded, faulted.
  health_status TEXT,
  -- Device that it lies on.
  parent_device_id INTEGER REFERENCES storage_devices (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- What it is there for.
  purpose TEXT,
  -- Whatever is worth knowing about it.
  notes TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_storage_devices_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_storage_devices_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A place where two interfaces meet.
CREATE TABLE links (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- One end.
  interface_a_id INTEGER NOT NULL REFERENCES network_interfaces (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- The other end.
  interface_b_id INTEGER NOT NULL REFERENCES network_interfaces (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- How it is known: a person said so, LLDP, or a forwarding table.
  kind TEXT NOT NULL DEFAULT 'cable' CONSTRAINT ck_links_kind_values CHECK (kind = 'cable' OR kind = 'lldp' OR kind = 'fdb'),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_links_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_links_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT,
  CONSTRAINT ck_links_not_itself CHECK (interface_a_id <> interface_b_id)
) STRICT;

-- A virtual LAN as one bridge knows it.
CREATE TABLE vlans (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Switch, router or other host that has it.
  host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- 802.1Q tag.
  vlan_id INTEGER NOT NULL CONSTRAINT ck_vlans_vlan_id_range CHECK (vlan_id >= 0 AND vlan_id <= 4095),
  -- What it is called there; its number where nobody named it.
  vlan_name TEXT NOT NULL,
  -- Names of the interfaces that carry it untagged.
  untagged_ports TEXT CONSTRAINT ck_vlans_untagged_ports_json CHECK (untagged_ports IS NULL OR json_valid(untagged_ports)),
  -- Names of the interfaces that carry it tagged.
  tagged_ports TEXT CONSTRAINT ck_vlans_tagged_ports_json CHECK (tagged_ports IS NULL OR json_valid(tagged_ports)),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_vlans_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_vlans_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A hardware address that was seen behind an interface of a bridge, by whomever it belongs to. It is what is needed to tell who is plugged in where, once another source knows the interface of that address.
CREATE TABLE mac_sightings (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Interface behind which it was seen.
  interface_id INTEGER NOT NULL REFERENCES network_interfaces (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- The hardware address.
  mac_address TEXT NOT NULL,
  -- VLAN in which it was seen; 0 where the bridge tells none.
  vlan_id INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_mac_sightings_vlan_id_range CHECK (vlan_id >= 0 AND vlan_id <= 4095),
  -- How it is known: the bridge forwards to it there, or the port at the other end announced it.
  seen_by TEXT NOT NULL DEFAULT 'fdb' CONSTRAINT ck_mac_sightings_seen_by_values CHECK (seen_by = 'fdb' OR seen_by = 'lldp'),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_mac_sightings_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_mac_sightings_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- An IP network, known because it was seen or planned.
CREATE TABLE networks (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- What it is called; the CIDR where nobody named it.
  network_name TEXT NOT NULL,
  -- Network address and prefix length.
  cidr TEXT NOT NULL,
  first_key BLOB NOT NULL,
  last_key BLOB NOT NULL,
  -- Address space it lies in: `default`, `docker:<engine>` for an engine's bridges, `host:<machine>` for loopback.
  vrf TEXT NOT NULL DEFAULT 'default',
  -- 802.1Q tag that carries it.
  vlan_id INTEGER CONSTRAINT ck_networks_vlan_id_range CHECK (vlan_id >= 0 AND vlan_id <= 4095),
  -- Address that leads out of it.
  gateway TEXT,
  -- Addresses of its resolvers.
  dns_servers TEXT CONSTRAINT ck_networks_dns_servers_json CHECK (dns_servers IS NULL OR json_valid(dns_servers)),
  -- Whether addresses are handed out in it.
  dhcp_enabled INTEGER CONSTRAINT ck_networks_dhcp_enabled_bool CHECK (dhcp_enabled IN (0, 1)),
  -- First address handed out.
  dhcp_range_start TEXT,
  -- Last address handed out.
  dhcp_range_end TEXT,
  -- What it is there for.
  purpose TEXT,
  -- How far it is trusted.
  security_zone TEXT CONSTRAINT ck_networks_security_zone_values CHECK (security_zone = 'public' OR security_zone = 'dmz' OR security_zone = 'management' OR security_zone = 'private' OR security_zone = 'isolated'),
  -- Smallest network of the same address space that contains it.
  parent_network_id INTEGER REFERENCES networks (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Whatever is worth knowing about it.
  notes TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_networks_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_networks_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A storage that guests' disks lie on.
CREATE TABLE proxmox_storages (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Cluster that it is defined in.
  cluster TEXT NOT NULL DEFAULT 'default',
  -- Node that it belongs to; empty where it is shared.
  node TEXT NOT NULL DEFAULT '',
  -- What it is called.
  storage_name TEXT NOT NULL,
  -- Node that it belongs to, as a host.
  host_id INTEGER REFERENCES hosts (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Plug-in: dir, zfspool, lvmthin, nfs, rbd, pbs …
  storage_type TEXT,
  -- What it may hold: images, rootdir, backup, iso, vztmpl, snippets.
  content TEXT CONSTRAINT ck_proxmox_storages_content_json CHECK (content IS NULL OR json_valid(content)),
  -- Whether all nodes see the same content.
  shared INTEGER CONSTRAINT ck_proxmox_storages_shared_bool CHECK (shared IN (0, 1)),
  -- Whether it is in use.
  enabled INTEGER CONSTRAINT ck_proxmox_storages_enabled_bool CHECK (enabled IN (0, 1)),
  -- Size in GB (10^9 bytes); measured, because that of a data set or a share moves with whatever lies beside it.
  total_gb REAL CONSTRAINT ck_proxmox_storages_total_gb_range CHECK (total_gb >= 0),
  -- Used space in GB (10^9 bytes).
  used_gb REAL CONSTRAINT ck_proxmox_storages_used_gb_range CHECK (used_gb >= 0),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_proxmox_storages_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_proxmox_storages_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- The virtualization side of a guest: a virtual machine or an LXC container of a Proxmox cluster.
CREATE TABLE proxmox_containers (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- The guest itself, as a host.
  host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Node that it runs on.
  proxmox_host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Cluster that the number is unique in; of a lone node its own name.
  cluster TEXT NOT NULL DEFAULT 'default',
  -- Number of the guest.
  vmid INTEGER NOT NULL CONSTRAINT ck_proxmox_containers_vmid_range CHECK (vmid >= 1 AND vmid <= 999999999),
  -- Virtual machine or container.
  container_type TEXT NOT NULL CONSTRAINT ck_proxmox_containers_container_type_values CHECK (container_type = 'vm' OR container_type = 'lxc'),
  -- Hypervisor of a virtual machine.
  vm_type TEXT CONSTRAINT ck_proxmox_containers_vm_type_values CHECK (vm_type = 'qemu' OR vm_type = 'kvm'),
  -- Operating system as the configuration names it.
  os_type TEXT,
  -- Template that a container was made from.
  os_template TEXT,
  -- Whether a container runs in its own user namespace.
  unprivileged INTEGER CONSTRAINT ck_proxmox_containers_unprivileged_bool CHECK (unprivileged IN (0, 1)),
  -- Disk that a virtual machine boots from.
  boot_disk TEXT,
  -- Disks of a virtual machine besides the boot disk, as configured.
  disks TEXT CONSTRAINT ck_proxmox_containers_disks_json CHECK (disks IS NULL OR json_valid(disks)),
  -- Storage that holds a container's root file system.
  rootfs_storage TEXT,
  -- Size of a container's root file system in GB.
  rootfs_size_gb REAL CONSTRAINT ck_proxmox_containers_rootfs_size_gb_range CHECK (rootfs_size_gb >= 0),
  -- Further mounts of a container, as configured.
  mount_points TEXT CONSTRAINT ck_proxmox_containers_mount_points_json CHECK (mount_points IS NULL OR json_valid(mount_points)),
  -- Network interfaces, as configured.
  nics TEXT CONSTRAINT ck_proxmox_containers_nics_json CHECK (nics IS NULL OR json_valid(nics)),
  -- Whether a container may run containers.
  nesting INTEGER CONSTRAINT ck_proxmox_containers_nesting_bool CHECK (nesting IN (0, 1)),
  -- Whether a container may use keyctl(2).
  keyctl INTEGER CONSTRAINT ck_proxmox_containers_keyctl_bool CHECK (keyctl IN (0, 1)),
  -- Whether it starts with its node.
  auto_start INTEGER CONSTRAINT ck_proxmox_containers_auto_start_bool CHECK (auto_start IN (0, 1)),
  -- Place in the order of start.
  start_order INTEGER CONSTRAINT ck_proxmox_containers_start_order_range CHECK (start_order >= 0),
  -- Whether it is a template for others.
  template INTEGER CONSTRAINT ck_proxmox_containers_template_bool CHECK (template IN (0, 1)),
  -- Resource pool that it belongs to.
  pool TEXT,
  -- State that the high availability manager is asked to keep: started, stopped, ignored, disabled.
  ha_state TEXT,
  -- Nodes that it may run on, as the name of the group or affinity rule.
  ha_group TEXT,
  -- Names of its snapshots, oldest first.
  snapshots TEXT CONSTRAINT ck_proxmox_containers_snapshots_json CHECK (snapshots IS NULL OR json_valid(snapshots)),
  -- Whether its firewall is in force.
  firewall_enabled INTEGER CONSTRAINT ck_proxmox_containers_firewall_enabled_bool CHECK (firewall_enabled IN (0, 1)),
  -- When its last backup ended.
  last_backup_at TEXT,
  -- How its last backup ended.
  last_backup_status TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_proxmox_containers_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_proxmox_containers_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT,
  CONSTRAINT ck_proxmox_containers_vm_columns CHECK (container_type = 'vm' OR (vm_type IS NULL AND boot_disk IS NULL)),
  CONSTRAINT ck_proxmox_containers_lxc_columns CHECK (container_type = 'lxc' OR (os_template IS NULL AND unprivileged IS NULL AND rootfs_storage IS NULL AND rootfs_size_gb IS NULL AND mount_points IS NULL AND nesting IS NULL AND keyctl IS NULL))
) STRICT;

-- A disk of a guest and the storage that it lies on.
CREATE TABLE guest_disks (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Guest that has it.
  proxmox_container_id INTEGER NOT NULL REFERENCES proxmox_containers (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Its place in the configuration: scsi0, rootfs, mp0.
  disk_name TEXT NOT NULL,
  -- Storage that holds it; none where a device or a folder of the node is passed through.
  proxmox_storage_id INTEGER REFERENCES proxmox_storages (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Volume as the configuration names it: local-zfs:vm-101-disk-0.
  volume TEXT,
  -- Size in GB (10^9 bytes).
  size_gb REAL CONSTRAINT ck_guest_disks_size_gb_range CHECK (size_gb >= 0),
  -- Where a container mounts it.
  mount_point TEXT,
  -- Whether backups hold it.
  backup INTEGER CONSTRAINT ck_guest_disks_backup_bool CHECK (backup IN (0, 1)),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_guest_disks_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_guest_disks_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A network of a Docker engine.
CREATE TABLE docker_networks (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Host whose engine has it.
  docker_host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- What it is called.
  network_name TEXT NOT NULL,
  -- ID that the engine gave it.
  network_id TEXT,
  -- bridge, host, overlay, macvlan, ipvlan, null.
  driver TEXT,
  -- First subnet in CIDR form.
  subnet TEXT,
  -- Address that leads out of it.
  gateway TEXT,
  -- Whether it is cut off from the outside.
  internal INTEGER CONSTRAINT ck_docker_networks_internal_bool CHECK (internal IN (0, 1)),
  -- Whether containers may join it by hand.
  attachable INTEGER CONSTRAINT ck_docker_networks_attachable_bool CHECK (attachable IN (0, 1)),
  -- Labels, secrets redacted.
  labels TEXT CONSTRAINT ck_docker_networks_labels_json CHECK (labels IS NULL OR json_valid(labels)),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_docker_networks_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_docker_networks_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A named volume of a Docker engine.
CREATE TABLE docker_volumes (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Host whose engine has it.
  docker_host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- What it is called.
  volume_name TEXT NOT NULL,
  -- Volume driver.
  driver TEXT DEFAULT 'local',
  -- Where it lies on the host.
  mount_point TEXT,
  -- Options of the driver, secrets redacted.
  options TEXT CONSTRAINT ck_docker_volumes_options_json CHECK (options IS NULL OR json_valid(options)),
  -- Space it takes in MB (10^6 bytes).
  size_mb REAL CONSTRAINT ck_docker_volumes_size_mb_range CHECK (size_mb >= 0),
  -- Labels, secrets redacted.
  labels TEXT CONSTRAINT ck_docker_volumes_labels_json CHECK (labels IS NULL OR json_valid(labels)),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_docker_volumes_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_docker_volumes_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A container of a Docker engine; it stays itself when compose re-creates it.
CREATE TABLE docker_containers (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Host whose engine runs it.
  docker_host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- ID of this incarnation: 64 hexadecimal digits, or the 12 that people copy.
  container_id TEXT,
  -- Name without the leading slash.
  container_name TEXT NOT NULL,
  -- Image it was made from, without its tag; the image's ID where it has no name.
  image TEXT NOT NULL,
  -- Tag it was asked for by.
  image_tag TEXT,
  -- Digest of the image in its registry, else the image's ID.
  image_digest TEXT,
  -- State as the engine names it.
  status TEXT CONSTRAINT ck_docker_containers_status_values CHECK (status = 'created' OR status = 'running' OR status = 'paused' OR status = 'restarting' OR status = 'removing' OR status = 'exited' OR status = 'dead'),
  -- What the engine does when it exits.
  restart_policy TEXT,
  -- bridge, host, none, container:… or the name of a network.
  network_mode TEXT,
  -- Exposed and published ports: container_port, protocol, and host_ip and host_port where published.
  ports TEXT CONSTRAINT ck_docker_containers_ports_json CHECK (ports IS NULL OR json_valid(ports)),
  -- Names of the environment variables, with the values that are not secret.
  environment_vars TEXT CONSTRAINT ck_docker_containers_environment_vars_json CHECK (environment_vars IS NULL OR json_valid(environment_vars)),
  -- Processors it may use at most.
  cpu_limit REAL CONSTRAINT ck_docker_containers_cpu_limit_range CHECK (cpu_limit >= 0),
  -- Memory it may use at most, in MiB.
  memory_limit_mb INTEGER CONSTRAINT ck_docker_containers_memory_limit_mb_range CHECK (memory_limit_mb >= 0),
  -- Memory in use in MiB, without caches.
  used_memory_mb INTEGER CONSTRAINT ck_docker_containers_used_memory_mb_range CHECK (used_memory_mb >= 0),
  -- How often the engine restarted it.
  restart_count INTEGER CONSTRAINT ck_docker_containers_restart_count_range CHECK (restart_count >= 0),
  -- Verdict of its own health check.
  health_status TEXT CONSTRAINT ck_docker_containers_health_status_values CHECK (health_status = 'healthy' OR health_status = 'unhealthy' OR health_status = 'starting' OR health_status = 'none'),
  -- Labels, secrets redacted.
  labels TEXT CONSTRAINT ck_docker_containers_labels_json CHECK (labels IS NULL OR json_valid(labels)),
  -- Entry point and arguments, secrets redacted.
  command TEXT,
  -- Compose project it belongs to.
  compose_project TEXT,
  -- Service of that project.
  compose_service TEXT,
  -- Number among the service's replicas.
  compose_number INTEGER CONSTRAINT ck_docker_containers_compose_number_range CHECK (compose_number >= 0),
  -- Services of its compose project that are to run before it.
  depends_on TEXT CONSTRAINT ck_docker_containers_depends_on_json CHECK (depends_on IS NULL OR json_valid(depends_on)),
  -- Whether it runs with all privileges.
  privileged INTEGER CONSTRAINT ck_docker_containers_privileged_bool CHECK (privileged IN (0, 1)),
  -- When it was last started.
  started_at TEXT,
  -- Code that it last ended with, where it does not run.
  exit_code INTEGER,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_docker_containers_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_docker_containers_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A container's place in a network.
CREATE TABLE docker_container_networks (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- The container.
  docker_container_id INTEGER NOT NULL REFERENCES docker_containers (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- The network.
  docker_network_id INTEGER NOT NULL REFERENCES docker_networks (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Address of the container there.
  ip_address TEXT,
  -- Hardware address of the container there.
  mac_address TEXT,
  -- Names by which others in the network find it.
  aliases TEXT CONSTRAINT ck_docker_container_networks_aliases_json CHECK (aliases IS NULL OR json_valid(aliases)),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_docker_container_networks_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_docker_container_networks_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- Something mounted into a container: a volume, a folder of the host, or memory.
CREATE TABLE docker_container_volumes (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- The container.
  docker_container_id INTEGER NOT NULL REFERENCES docker_containers (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- The volume, where it is one.
  docker_volume_id INTEGER REFERENCES docker_volumes (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Where it appears in the container.
  mount_path TEXT NOT NULL,
  -- Where it lies on the host.
  host_path TEXT,
  -- Whether the container may not write.
  read_only INTEGER CONSTRAINT ck_docker_container_volumes_read_only_bool CHECK (read_only IN (0, 1)),
  -- What is mounted.
  mount_type TEXT CONSTRAINT ck_docker_container_volumes_mount_type_values CHECK (mount_type = 'volume' OR mount_type = 'bind' OR mount_type = 'tmpfs' OR mount_type = 'npipe' OR mount_type = 'cluster' OR mount_type = 'image'),
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_docker_container_volumes_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_docker_container_volumes_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- An address that something has, had or is to have.
CREATE TABLE ip_addresses (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- The address itself (RFC 5952).
  ip_address TEXT NOT NULL,
  ip_key BLOB NOT NULL,
  -- Address space it lies in, as its network's.
  vrf TEXT NOT NULL DEFAULT 'default',
  -- Smallest known network that contains it.
  network_id INTEGER REFERENCES networks (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Interface that carries it.
  interface_id INTEGER REFERENCES network_interfaces (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Host that has it.
  host_id INTEGER REFERENCES hosts (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Container that has it.
  docker_container_id INTEGER REFERENCES docker_containers (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- How it came to its holder.
  allocation_type TEXT NOT NULL DEFAULT 'static' CONSTRAINT ck_ip_addresses_allocation_type_values CHECK (allocation_type = 'static' OR allocation_type = 'dhcp' OR allocation_type = 'reserved' OR allocation_type = 'docker' OR allocation_type = 'virtual'),
  -- Name that belongs to it.
  hostname TEXT,
  -- Hardware address it was seen with.
  mac_address TEXT,
  -- Whom the first half of the hardware address belongs to (IEEE registration authority).
  mac_vendor TEXT,
  -- Ports on which it answered a scan: `tcp/22`.
  open_ports TEXT CONSTRAINT ck_ip_addresses_open_ports_json CHECK (open_ports IS NULL OR json_valid(open_ports)),
  -- When it last answered or was leased.
  last_seen_at TEXT,
  -- When its lease ends, where it has one.
  lease_ends_at TEXT,
  -- What it is there for.
  purpose TEXT,
  -- Whatever is worth knowing about it.
  notes TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_ip_addresses_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_ip_addresses_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A way that a host sends packets.
CREATE TABLE network_routes (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Host whose table holds it; unknown for imported ones.
  host_id INTEGER REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Network for which it was noted, in imported ones.
  source_network_id INTEGER REFERENCES networks (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Where it leads: `default` or a network.
  destination_network TEXT NOT NULL,
  -- Next hop; empty where the destination is on the link.
  gateway_ip TEXT NOT NULL DEFAULT '',
  -- Host that has the next hop's address.
  gateway_host_id INTEGER REFERENCES hosts (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- The lower one is preferred.
  metric INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_network_routes_metric_range CHECK (metric >= 0),
  -- How it came about.
  route_type TEXT CONSTRAINT ck_network_routes_route_type_values CHECK (route_type = 'static' OR route_type = 'dynamic' OR route_type = 'default' OR route_type = 'connected'),
  -- Interface it leaves through.
  interface_name TEXT NOT NULL DEFAULT '',
  -- Routing table that holds it.
  routing_table TEXT NOT NULL DEFAULT 'main',
  -- Whatever is worth knowing about it.
  description TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_network_routes_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_network_routes_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- One rule of one packet filter, in the order in which it is evaluated (decisions/0018).
CREATE TABLE firewall_rules (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Host that filters.
  firewall_host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Identifier that the firewall gives it, or a hash of what it matches; never its number.
  native_id TEXT NOT NULL,
  -- Table that holds its chain: `inet filter`, `ip nat`, `ip filter legacy`; `filter` and `nat` of pf.
  ruleset TEXT,
  -- Chain, zone or interface group that holds it.
  chain TEXT,
  -- Place in the order of evaluation, within its chain; within its ruleset where that has no chains that jump.
  rule_number INTEGER CONSTRAINT ck_firewall_rules_rule_number_range CHECK (rule_number >= 0),
  -- Where packets enter its chain; empty of a chain that others jump to, and of pf.
  hook TEXT CONSTRAINT ck_firewall_rules_hook_values CHECK (hook = 'prerouting' OR hook = 'input' OR hook = 'forward' OR hook = 'output' OR hook = 'postrouting' OR hook = 'ingress' OR hook = 'egress'),
  -- Place of its chain among those of the same hook: the lower one is asked first.
  priority INTEGER CONSTRAINT ck_firewall_rules_priority_range CHECK (priority >= -2147483648 AND priority <= 2147483647),
  -- What it does with a packet that matches; goto comes not back, return leaves the chain, queue asks a program.
  action TEXT NOT NULL CONSTRAINT ck_firewall_rules_action_values CHECK (action = 'allow' OR action = 'deny' OR action = 'reject' OR action = 'nat' OR action = 'jump' OR action = 'goto' OR action = 'return' OR action = 'continue' OR action = 'queue'),
  -- Chain of the same ruleset that it asks.
  jump_to TEXT,
  -- Whether the first match decides; where not, the last matching rule does (pf).
  quick INTEGER CONSTRAINT ck_firewall_rules_quick_bool CHECK (quick IN (0, 1)),
  -- Which packets it looks at; any where several hooks lead to its chain.
  direction TEXT NOT NULL CONSTRAINT ck_firewall_rules_direction_values CHECK (direction = 'in' OR direction = 'out' OR direction = 'forward' OR direction = 'any'),
  -- Version of IP that it is about; empty where both.
  family TEXT CONSTRAINT ck_firewall_rules_family_values CHECK (family = 'ipv4' OR family = 'ipv6'),
  -- Protocol that it matches.
  protocol TEXT,
  -- Where packets come from: network, alias (`@name` of a set) or `any`; commas between several, `!` for all but.
  source_network TEXT,
  -- Source port, range or `any`.
  source_port TEXT,
  -- Where packets go, in the form of their source.
  destination_network TEXT,
  -- Destination port, range or `any`.
  destination_port TEXT,
  -- States of the connection that it matches: `established,related`; all but these with `!`.
  connection_state TEXT,
  -- What else has to hold, in the firewall's own words; who can't tell whether it does knows no verdict.
  conditions TEXT CONSTRAINT ck_firewall_rules_conditions_json CHECK (conditions IS NULL OR json_valid(conditions)),
  -- Which address it rewrites; both in a one-to-one translation.
  nat_type TEXT CONSTRAINT ck_firewall_rules_nat_type_values CHECK (nat_type = 'source' OR nat_type = 'destination' OR nat_type = 'both'),
  -- Address and port that it rewrites to.
  nat_to TEXT,
  -- Interface that it is bound to: where packets come in, or of pf's rules of direction out, leave.
  interface TEXT,
  -- Interface that packets leave through.
  out_interface TEXT,
  -- Schedule that switches it.
  schedule_name TEXT,
  -- Whether the schedule is in force.
  schedule_enabled INTEGER CONSTRAINT ck_firewall_rules_schedule_enabled_bool CHECK (schedule_enabled IN (0, 1)),
  -- Whether it is in force: switched on, and in a chain that packets come to.
  enabled INTEGER NOT NULL DEFAULT 1 CONSTRAINT ck_firewall_rules_enabled_bool CHECK (enabled IN (0, 1)),
  -- Program that made it and keeps it so: docker, ufw, firewalld, fail2ban …
  managed_by TEXT,
  -- The rule in the firewall's own words, without counters.
  rule TEXT,
  -- Packets that it has matched since the firewall counts.
  packets INTEGER CONSTRAINT ck_firewall_rules_packets_range CHECK (packets >= 0),
  -- Comment.
  description TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_firewall_rules_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_firewall_rules_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A name that a firewall's rules use for addresses, networks, ports or other names.
CREATE TABLE firewall_aliases (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Host that filters.
  firewall_host_id INTEGER NOT NULL REFERENCES hosts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Name that rules use.
  alias_name TEXT NOT NULL,
  -- Part of the configuration that the name is valid in: a table, `datacenter`, a guest; empty where everywhere.
  zone TEXT NOT NULL DEFAULT '',
  -- What it stands for: addresses and networks, ports, a set that is filled elsewhere, a group of rules.
  alias_type TEXT NOT NULL DEFAULT 'network' CONSTRAINT ck_firewall_aliases_alias_type_values CHECK (alias_type = 'network' OR alias_type = 'port' OR alias_type = 'set' OR alias_type = 'group' OR alias_type = 'other'),
  -- What it stands for now, one entry each.
  content TEXT CONSTRAINT ck_firewall_aliases_content_json CHECK (content IS NULL OR json_valid(content)),
  -- Whether it is in force.
  enabled INTEGER NOT NULL DEFAULT 1 CONSTRAINT ck_firewall_aliases_enabled_bool CHECK (enabled IN (0, 1)),
  -- Comment.
  description TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_firewall_aliases_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_firewall_aliases_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A name in the DNS and what it answers.
CREATE TABLE dns_records (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Full name in lower case without the last dot (RFC 1034, 3.1).
  record_name TEXT NOT NULL,
  -- Type of the record: A, AAAA, CNAME, PTR, MX, TXT, SRV …
  record_type TEXT NOT NULL,
  -- What it answers, in the form of zone files (RFC 1035, 5); addresses in canonical form.
  content TEXT NOT NULL,
  -- Zone that holds it; empty for local overrides.
  zone TEXT NOT NULL DEFAULT '',
  -- Server that answers so: the name of its source.
  server TEXT NOT NULL DEFAULT '',
  -- How long it may be kept.
  ttl_seconds INTEGER CONSTRAINT ck_dns_records_ttl_seconds_range CHECK (ttl_seconds >= 0),
  -- Host that serves it.
  host_id INTEGER REFERENCES hosts (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_dns_records_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_dns_records_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- Something that answers, on a host or in a container.
CREATE TABLE services (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- What it is called.
  service_name TEXT NOT NULL,
  -- What it does.
  service_type TEXT NOT NULL DEFAULT 'other' CONSTRAINT ck_services_service_type_values CHECK (service_type = 'web' OR service_type = 'api' OR service_type = 'database' OR service_type = 'cache' OR service_type = 'queue' OR service_type = 'dns' OR service_type = 'dhcp' OR service_type = 'firewall' OR service_type = 'proxy' OR service_type = 'monitoring' OR service_type = 'backup' OR service_type = 'storage' OR service_type = 'mail' OR service_type = 'vpn' OR service_type = 'other'),
  -- Host that it runs on, where it runs on none of its containers.
  host_id INTEGER REFERENCES hosts (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Container that it runs in.
  docker_container_id INTEGER REFERENCES docker_containers (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- tcp or udp, or what people wrote.
  protocol TEXT,
  -- Port that it listens on, inside its container where it has one.
  port INTEGER CONSTRAINT ck_services_port_range CHECK (port >= 0 AND port <= 65535),
  -- Port of the Docker host that leads to it.
  published_port INTEGER CONSTRAINT ck_services_published_port_range CHECK (published_port >= 0 AND published_port <= 65535),
  -- Name under which it is one of several behind the same port.
  endpoint_name TEXT NOT NULL DEFAULT '',
  -- Addresses that it listens on.
  bind_addresses TEXT CONSTRAINT ck_services_bind_addresses_json CHECK (bind_addresses IS NULL OR json_valid(bind_addresses)),
  -- Program that listens.
  process TEXT,
  -- systemd unit that the program belongs to.
  unit TEXT,
  -- Where users find it.
  endpoint_url TEXT,
  -- Verdict of its checks; never set by hand.
  status TEXT NOT NULL DEFAULT 'unknown' CONSTRAINT ck_services_status_values CHECK (status = 'healthy' OR status = 'degraded' OR status = 'down' OR status = 'unknown'),
  -- What another watcher says of it: up, down, degraded, pending, maintenance.
  reported_status TEXT,
  -- How badly it is missed.
  criticality TEXT CONSTRAINT ck_services_criticality_values CHECK (criticality = 'critical' OR criticality = 'high' OR criticality = 'medium' OR criticality = 'low'),
  -- Person or team that answers for it.
  owner TEXT,
  -- Version of the software.
  version TEXT,
  -- Whatever is worth knowing about it.
  description TEXT,
  -- Where it is documented.
  documentation_url TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_services_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_services_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- States that one service needs another.
CREATE TABLE service_dependencies (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Service that needs.
  dependent_service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Service that is needed.
  dependency_service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- How badly: it stops, it suffers, it does without.
  dependency_type TEXT CONSTRAINT ck_service_dependencies_dependency_type_values CHECK (dependency_type = 'hard' OR dependency_type = 'soft' OR dependency_type = 'optional'),
  -- Name of the group of dependencies that stand in for each other.
  redundancy_group TEXT,
  -- How many of the group are needed: any, all, or a number.
  redundancy_rule TEXT,
  -- How it is known.
  origin TEXT NOT NULL DEFAULT 'declared' CONSTRAINT ck_service_dependencies_origin_values CHECK (origin = 'declared' OR origin = 'observed' OR origin = 'inferred'),
  -- What it was concluded from.
  evidence TEXT CONSTRAINT ck_service_dependencies_evidence_json CHECK (evidence IS NULL OR json_valid(evidence)),
  -- How sure the conclusion is, from 0 to 1.
  confidence REAL CONSTRAINT ck_service_dependencies_confidence_range CHECK (confidence >= 0),
  -- Whatever is worth knowing about it.
  description TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_service_dependencies_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_service_dependencies_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT,
  CONSTRAINT ck_service_dependencies_not_itself CHECK (dependent_service_id <> dependency_service_id)
) STRICT;

-- What is probed to know how a service is.
CREATE TABLE checks (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Service that it speaks for.
  service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Kind of probe: http, tcp, icmp, dns …
  check_type TEXT NOT NULL DEFAULT 'http',
  -- What is probed: a URL, an address and port, a name.
  target TEXT NOT NULL,
  -- Time between two probes.
  interval_seconds INTEGER NOT NULL DEFAULT 60 CONSTRAINT ck_checks_interval_seconds_range CHECK (interval_seconds >= 0),
  -- How long an answer may take.
  timeout_ms INTEGER NOT NULL DEFAULT 5000 CONSTRAINT ck_checks_timeout_ms_range CHECK (timeout_ms >= 0),
  -- Failures in a row before the service counts as down.
  retries INTEGER NOT NULL DEFAULT 2 CONSTRAINT ck_checks_retries_range CHECK (retries >= 0),
  -- What the answer must be like.
  expectations TEXT CONSTRAINT ck_checks_expectations_json CHECK (expectations IS NULL OR json_valid(expectations)),
  -- Whether it runs.
  enabled INTEGER NOT NULL DEFAULT 1 CONSTRAINT ck_checks_enabled_bool CHECK (enabled IN (0, 1)),
  -- When it runs next.
  next_due_at TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_checks_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_checks_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A TLS certificate that something shows.
CREATE TABLE certificates (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- SHA-256 of the certificate (DER) in lower-case hexadecimal.
  fingerprint TEXT NOT NULL,
  -- Common name, else the first name that it is valid for.
  subject TEXT NOT NULL,
  -- Names and addresses that it is valid for (RFC 5280, 4.2.1.6).
  names TEXT CONSTRAINT ck_certificates_names_json CHECK (names IS NULL OR json_valid(names)),
  -- Who signed it.
  issuer TEXT,
  -- From when it is valid.
  not_before_at TEXT,
  -- Until when it is valid.
  not_after_at TEXT,
  -- Host that holds it.
  host_id INTEGER REFERENCES hosts (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- File that holds it, where it is one.
  path TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_certificates_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_certificates_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- A name that a reverse proxy leads to a backend.
CREATE TABLE proxy_routes (
  -- The entity that the row describes.
  id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Proxy that holds it: the name of its source.
  proxy TEXT NOT NULL,
  -- Where it listens: an entry point, a frontend, an address and port.
  entry TEXT NOT NULL DEFAULT '',
  -- Name that users ask for in lower case; `*` where any.
  hostname TEXT NOT NULL,
  -- Beginning of the path, where only that is meant.
  path TEXT NOT NULL DEFAULT '',
  -- Where it leads, as configured: http://10.0.0.5:8096; of several, one row each.
  backend_url TEXT NOT NULL,
  -- What the proxy itself says of the backend: up, down.
  backend_status TEXT,
  -- Service of the proxy.
  proxy_service_id INTEGER REFERENCES services (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Service that the backend was found to be.
  backend_service_id INTEGER REFERENCES services (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Certificate that it shows.
  certificate_id INTEGER REFERENCES certificates (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Whether users reach it over TLS.
  tls INTEGER CONSTRAINT ck_proxy_routes_tls_bool CHECK (tls IN (0, 1)),
  -- Rule as the proxy writes it, where name and path do not say it all.
  rule TEXT,
  -- Whether it is in force.
  enabled INTEGER NOT NULL DEFAULT 1 CONSTRAINT ck_proxy_routes_enabled_bool CHECK (enabled IN (0, 1)),
  -- What the proxy itself calls it: shop@file.
  native_name TEXT,
  -- Free-form labels of the user's own.
  tags TEXT CONSTRAINT ck_proxy_routes_tags_json CHECK (tags IS NULL OR json_valid(tags)),
  -- Free-form fields of the user's own.
  custom TEXT CONSTRAINT ck_proxy_routes_custom_json CHECK (custom IS NULL OR json_valid(custom)),
  -- When infradb first knew it.
  created_at TEXT NOT NULL,
  -- When a field last changed.
  updated_at TEXT NOT NULL,
  -- Since when nobody sees it any more.
  retired_at TEXT
) STRICT;

-- Somebody or something that says what there is.
CREATE TABLE sources (
  -- Number of the source.
  id INTEGER PRIMARY KEY,
  -- What it is called: `manual`, `local`, `docker` …
  name TEXT NOT NULL,
  -- Collector or importer that reads it.
  kind TEXT NOT NULL,
  -- Whether it holds what people typed; otherwise it observes.
  declared INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_sources_declared_bool CHECK (declared IN (0, 1)),
  -- Place in the order of sources; the lower one wins.
  rank INTEGER NOT NULL DEFAULT 50 CONSTRAINT ck_sources_rank_range CHECK (rank >= 0),
  -- How it is reached; credentials only as references.
  settings TEXT CONSTRAINT ck_sources_settings_json CHECK (settings IS NULL OR json_valid(settings)),
  -- Whether it is read.
  enabled INTEGER NOT NULL DEFAULT 1 CONSTRAINT ck_sources_enabled_bool CHECK (enabled IN (0, 1)),
  -- Since when it has said nothing for so long that every other source counts before it.
  silent_since TEXT,
  -- When it was added.
  created_at TEXT NOT NULL,
  CONSTRAINT uq_sources_name UNIQUE (name)
) STRICT;

-- What one answer of a source can enumerate; absence means something within it only.
CREATE TABLE scopes (
  -- Number of the scope.
  id INTEGER PRIMARY KEY,
  -- Source that answers.
  source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- What it is called within the source.
  name TEXT NOT NULL,
  -- How far an append-only scope was read.
  cursor TEXT,
  CONSTRAINT uq_scopes_source_id_name UNIQUE (source_id, name)
) STRICT;

-- One pass over one source: what it saw and what that changed.
CREATE TABLE discovery_runs (
  -- Number of the run.
  id INTEGER PRIMARY KEY,
  -- Source that was read.
  source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Identifier that a run from elsewhere brought along, so that it is taken in once.
  uid TEXT,
  -- When reading began.
  started_at TEXT NOT NULL,
  -- When the result was stored.
  finished_at TEXT NOT NULL,
  -- The worst status of its scopes; failed where there is none.
  status TEXT NOT NULL CONSTRAINT ck_discovery_runs_status_values CHECK (status = 'complete' OR status = 'partial' OR status = 'failed'),
  -- Per scope: status, how many answers were seen, and errors.
  scopes TEXT NOT NULL CONSTRAINT ck_discovery_runs_scopes_json CHECK (scopes IS NULL OR json_valid(scopes)),
  -- Answers read.
  seen INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_discovery_runs_seen_range CHECK (seen >= 0),
  -- Entities made.
  created INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_discovery_runs_created_range CHECK (created >= 0),
  -- Entities changed.
  updated INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_discovery_runs_updated_range CHECK (updated >= 0),
  -- Entities retired.
  retired INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_discovery_runs_retired_range CHECK (retired >= 0),
  -- Entities that came back.
  revived INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_discovery_runs_revived_range CHECK (revived >= 0),
  -- Entities unseen but still within their grace.
  missing INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_discovery_runs_missing_range CHECK (missing >= 0),
  -- What failed, in words.
  errors TEXT CONSTRAINT ck_discovery_runs_errors_json CHECK (errors IS NULL OR json_valid(errors)),
  -- Each kind of call that was made: [call, times, failed, milliseconds].
  calls TEXT CONSTRAINT ck_discovery_runs_calls_json CHECK (calls IS NULL OR json_valid(calls))
) STRICT;

-- What one source says, in one scope, about one thing that it knows by one native key.
CREATE TABLE claims (
  -- Number of the claim.
  id INTEGER PRIMARY KEY,
  -- Scope in which it is said.
  scope_id INTEGER NOT NULL REFERENCES scopes (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- What the source itself calls the thing.
  native_key TEXT NOT NULL,
  -- Entity that it was found to be.
  entity_id INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Native key of the answer that says it; null where the claim is about the answer's own thing.
  answer TEXT,
  -- 64-bit hash of the redacted answer and its parser's version; null where it belongs to another's answer.
  digest INTEGER,
  -- The fields and their values as said, references as native keys (JSON).
  said TEXT NOT NULL,
  -- Rule by which the entity was found.
  rule TEXT NOT NULL DEFAULT 'new',
  -- What that rule saw (JSON).
  evidence TEXT,
  -- When it was last seen, while it is missing but within its grace.
  missing_since TEXT,
  -- Since when the source says it no more; kept, so that what comes back is known again.
  withdrawn_at TEXT,
  -- Until when single fields are claimed (JSON: field -> instant).
  expires TEXT,
  CONSTRAINT uq_claims_native_key_scope_id UNIQUE (native_key, scope_id)
) STRICT;

-- A hard key that an entity was seen with.
CREATE TABLE identifiers (
  -- Kind of identifier: the names of its fields.
  scheme TEXT NOT NULL,
  -- The identifier itself, normalized.
  value TEXT NOT NULL,
  -- Entity that has it.
  entity_id INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Source that saw it.
  source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT pk_identifiers PRIMARY KEY (scheme, value, entity_id, source_id)
) STRICT, WITHOUT ROWID;

-- Says that a person took two entities for one, and what has to be moved back to take that back.
CREATE TABLE merges (
  -- Entity that went up in the other.
  gone_entity_id INTEGER PRIMARY KEY REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Entity that stayed.
  kept_entity_id INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Owner whose merge took this one along: of an interface its host; null where a person named it.
  with_entity_id INTEGER REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Numbers of the claims that were moved.
  claims TEXT NOT NULL CONSTRAINT ck_merges_claims_json CHECK (claims IS NULL OR json_valid(claims)),
  -- When.
  merged_at TEXT NOT NULL,
  -- Who said so.
  merged_by TEXT
) STRICT;

-- Says that two entities are two, whatever makes them look like one.
CREATE TABLE kept_apart (
  -- The one with the lower number.
  entity_a_id INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- The other one.
  entity_b_id INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- When.
  decided_at TEXT NOT NULL,
  -- Who said so.
  decided_by TEXT,
  -- Why.
  reason TEXT,
  CONSTRAINT pk_kept_apart PRIMARY KEY (entity_a_id, entity_b_id)
) STRICT;

-- Says what a person decided about a declared and an observed value that differ.
CREATE TABLE drift_decisions (
  -- Thing that it is about.
  entity_id INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Field on which the two differ.
  field TEXT NOT NULL,
  -- The declared value at that time (JSON); another one is a new question.
  declared TEXT NOT NULL,
  -- The observed value at that time (JSON); another one is a new question.
  observed TEXT NOT NULL,
  -- What was decided.
  decision TEXT NOT NULL CONSTRAINT ck_drift_decisions_decision_values CHECK (decision = 'take-observed' OR decision = 'keep-declared' OR decision = 'waive'),
  -- When the question comes back by itself.
  until TEXT,
  -- Why.
  reason TEXT,
  -- Who decided.
  decided_by TEXT,
  -- When.
  decided_at TEXT NOT NULL,
  CONSTRAINT pk_drift_decisions PRIMARY KEY (entity_id, field)
) STRICT;

-- One change of one entity; rows are only ever added, each tied to the one before by its hash.
CREATE TABLE infrastructure_changes (
  -- Place in the chain; also the row's id.
  position INTEGER PRIMARY KEY,
  -- When it happened; for imported rows what the old file says.
  change_timestamp TEXT NOT NULL,
  -- When it was written down; never before the row before it.
  recorded_at TEXT NOT NULL,
  -- What happened.
  change_type TEXT NOT NULL CONSTRAINT ck_infrastructure_changes_change_type_values CHECK (change_type = 'create' OR change_type = 'update' OR change_type = 'delete' OR change_type = 'retire' OR change_type = 'revive' OR change_type = 'merge' OR change_type = 'split' OR change_type = 'start' OR change_type = 'stop' OR change_type = 'restart' OR change_type = 'migrate' OR change_type = 'backup' OR change_type = 'restore' OR change_type = 'redact' OR change_type = 'prune'),
  -- Table of the entity; for imported rows the old file's word.
  entity_type TEXT NOT NULL,
  -- The entity; unknown for imported rows about things that are gone.
  entity_id INTEGER REFERENCES entities (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- The changed fields before (canonical JSON).
  old_values TEXT,
  -- The changed fields after (canonical JSON).
  new_values TEXT,
  -- Who did it, where known.
  changed_by TEXT,
  -- By which way infradb learnt of it.
  change_source TEXT CONSTRAINT ck_infrastructure_changes_change_source_values CHECK (change_source = 'manual' OR change_source = 'api' OR change_source = 'automation' OR change_source = 'discovery' OR change_source = 'import'),
  -- Source that said so.
  source_id INTEGER REFERENCES sources (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Run that found it.
  run_id INTEGER REFERENCES discovery_runs (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Why, in words.
  reason TEXT,
  -- What, in words.
  description TEXT,
  -- Id in the old file; such a row is a statement, never undone by as-of.
  imported_id INTEGER,
  -- The old file's id of the entity.
  imported_entity_id INTEGER,
  -- Random text that keeps `values_digest` from giving the words away; removed when they are redacted.
  salt TEXT,
  -- SHA-256 over the salt and everything that the row says in words, as first written.
  values_digest TEXT NOT NULL,
  -- Hash of the row before.
  previous_hash TEXT NOT NULL,
  -- SHA-256 over the previous hash, `values_digest` and every column that holds no words.
  hash TEXT NOT NULL
) STRICT;

-- Where the kept history starts, after its beginning was cleaned away.
CREATE TABLE change_anchors (
  -- Last position that was removed.
  position INTEGER PRIMARY KEY,
  -- When that change was recorded.
  recorded_at TEXT NOT NULL,
  -- Its hash: the first kept row's previous one.
  hash TEXT NOT NULL
) STRICT;

-- A measured value at one time, thinned with age.
CREATE TABLE samples (
  -- Entity that was measured.
  entity_id INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Measured field.
  field TEXT NOT NULL,
  -- When.
  sampled_at TEXT NOT NULL,
  -- The value.
  value REAL NOT NULL,
  CONSTRAINT pk_samples PRIMARY KEY (entity_id, field, sampled_at)
) STRICT, WITHOUT ROWID;

-- A row or a field that an import could not place, kept aside with its reason.
CREATE TABLE quarantine (
  -- Number of the entry.
  id INTEGER PRIMARY KEY,
  -- Where it comes from.
  source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Row of the source: table/id.
  native_key TEXT NOT NULL,
  -- Field; empty where the whole row is kept aside.
  field TEXT NOT NULL DEFAULT '',
  -- Why it could not be placed.
  reason TEXT NOT NULL,
  -- What it holds, secrets redacted (JSON).
  content TEXT,
  -- When.
  quarantined_at TEXT NOT NULL,
  CONSTRAINT uq_quarantine_source_id_native_key_field UNIQUE (source_id, native_key, field)
) STRICT;

-- One result of one check; append-only, kept by age.
CREATE TABLE health_checks (
  -- When it was probed.
  check_timestamp TEXT NOT NULL,
  -- Service that was probed.
  service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Check that probed it; 0 for imported results.
  check_id INTEGER NOT NULL DEFAULT 0,
  -- Tells apart results of one instant; for imported ones the old file's id.
  sequence INTEGER NOT NULL DEFAULT 0,
  -- Verdict of the probe.
  status TEXT NOT NULL CONSTRAINT ck_health_checks_status_values CHECK (status = 'healthy' OR status = 'degraded' OR status = 'down' OR status = 'timeout'),
  -- How long the answer took.
  response_time_ms INTEGER CONSTRAINT ck_health_checks_response_time_ms_range CHECK (response_time_ms >= 0),
  -- Code of the answer, where the protocol has one.
  status_code INTEGER,
  -- What went wrong.
  error_message TEXT,
  -- Beginning of the answer, in imported results.
  response_body TEXT,
  -- Who probed.
  worker TEXT,
  CONSTRAINT pk_health_checks PRIMARY KEY (check_timestamp, service_id, check_id, sequence)
) STRICT, WITHOUT ROWID;

-- Results of one service over an hour or a day; kept for years.
CREATE TABLE health_check_rollups (
  -- Service.
  service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Length of the span.
  resolution TEXT NOT NULL CONSTRAINT ck_health_check_rollups_resolution_values CHECK (resolution = 'hour' OR resolution = 'day'),
  -- Beginning of the span.
  starts_at TEXT NOT NULL,
  -- Results that were healthy.
  healthy INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_health_check_rollups_healthy_range CHECK (healthy >= 0),
  -- Results that were degraded.
  degraded INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_health_check_rollups_degraded_range CHECK (degraded >= 0),
  -- Results that were down.
  down INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_health_check_rollups_down_range CHECK (down >= 0),
  -- Results that timed out.
  timeout INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_health_check_rollups_timeout_range CHECK (timeout >= 0),
  -- Fastest answer.
  response_time_min_ms INTEGER CONSTRAINT ck_health_check_rollups_response_time_min_ms_range CHECK (response_time_min_ms >= 0),
  -- Mean answer.
  response_time_avg_ms REAL,
  -- 95th percentile of the answers.
  response_time_p95_ms INTEGER CONSTRAINT ck_health_check_rollups_response_time_p95_ms_range CHECK (response_time_p95_ms >= 0),
  -- Slowest answer.
  response_time_max_ms INTEGER CONSTRAINT ck_health_check_rollups_response_time_max_ms_range CHECK (response_time_max_ms >= 0),
  CONSTRAINT pk_health_check_rollups PRIMARY KEY (service_id, resolution, starts_at)
) STRICT, WITHOUT ROWID;

-- An outage: when a service left, why, and when it came back.
CREATE TABLE incidents (
  -- Number of the incident.
  id INTEGER PRIMARY KEY,
  -- Service that left.
  service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- When it left.
  started_at TEXT NOT NULL,
  -- When it came back.
  ended_at TEXT,
  -- Entity that took it down.
  root_cause_entity_id INTEGER REFERENCES entities (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  -- Why, in words.
  root_cause TEXT,
  -- Who was told, when.
  notified TEXT CONSTRAINT ck_incidents_notified_json CHECK (notified IS NULL OR json_valid(notified))
) STRICT;

-- Something that a rule found wrong; opens and closes by itself.
CREATE TABLE findings (
  -- Number of the finding.
  id INTEGER PRIMARY KEY,
  -- Rule that found it.
  rule TEXT NOT NULL,
  -- How much it matters.
  severity TEXT NOT NULL CONSTRAINT ck_findings_severity_values CHECK (severity = 'critical' OR severity = 'high' OR severity = 'medium' OR severity = 'low' OR severity = 'info'),
  -- What it is about; with the rule, what makes two findings the same.
  subject TEXT NOT NULL,
  -- Entity that it is about.
  entity_id INTEGER REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- What is wrong, in one sentence.
  summary TEXT NOT NULL,
  -- What the rule saw.
  evidence TEXT CONSTRAINT ck_findings_evidence_json CHECK (evidence IS NULL OR json_valid(evidence)),
  -- When it was first found.
  first_seen_at TEXT NOT NULL,
  -- When it was found no more.
  closed_at TEXT,
  -- Until when it is accepted.
  waived_until TEXT,
  -- Why it is accepted.
  waived_reason TEXT,
  -- Who accepted it.
  waived_by TEXT,
  CONSTRAINT uq_findings_rule_subject UNIQUE (rule, subject)
) STRICT;

-- A planned time in which something may be down.
CREATE TABLE maintenance_windows (
  -- Number of the window.
  id INTEGER PRIMARY KEY,
  -- What is worked on.
  entity_id INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Beginning.
  starts_at TEXT NOT NULL,
  -- End.
  ends_at TEXT NOT NULL,
  -- Why.
  reason TEXT,
  -- Who planned it.
  created_by TEXT
) STRICT;

-- A person who may sign in.
CREATE TABLE users (
  -- Number of the user.
  id INTEGER PRIMARY KEY,
  -- Name to sign in with.
  name TEXT NOT NULL,
  -- Argon2id hash of the password.
  password_hash TEXT,
  -- What the user may do.
  role TEXT NOT NULL CONSTRAINT ck_users_role_values CHECK (role = 'viewer' OR role = 'editor' OR role = 'admin'),
  -- When the account was made.
  created_at TEXT NOT NULL,
  -- Since when it is switched off.
  disabled_at TEXT,
  CONSTRAINT uq_users_name UNIQUE (name)
) STRICT;

-- A secret by which a program, a session or a one-time link is known; only its hash is kept.
CREATE TABLE api_tokens (
  -- Number of the token.
  id INTEGER PRIMARY KEY,
  -- SHA-256 of the token.
  token_hash TEXT NOT NULL,
  -- What it opens.
  purpose TEXT NOT NULL CONSTRAINT ck_api_tokens_purpose_values CHECK (purpose = 'api' OR purpose = 'runs' OR purpose = 'session' OR purpose = 'first-user'),
  -- User it belongs to.
  user_id INTEGER REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- Source that it may bring runs of, and nothing else; null where it is no such token.
  source_id INTEGER REFERENCES sources (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  -- What its bearer may do.
  role TEXT NOT NULL CONSTRAINT ck_api_tokens_role_values CHECK (role = 'viewer' OR role = 'editor' OR role = 'admin'),
  -- What it is for.
  description TEXT,
  -- Networks it may be used from (JSON list); everywhere where null.
  allowed_networks TEXT,
  -- When it was made.
  created_at TEXT NOT NULL,
  -- When it stops working.
  expires_at TEXT,
  -- When it was last used.
  used_at TEXT,
  CONSTRAINT uq_api_tokens_token_hash UNIQUE (token_hash)
) STRICT;

CREATE INDEX ix_entities_retired_with ON entities (retired_with) WHERE retired_with IS NOT NULL;

CREATE INDEX ix_entities_merged_into ON entities (merged_into) WHERE merged_into IS NOT NULL;

CREATE INDEX ix_discovery_runs_source_id_id ON discovery_runs (source_id, id);

CREATE INDEX ix_claims_entity_id ON claims (entity_id);

CREATE INDEX ix_claims_scope_id_answer ON claims (scope_id, answer);

CREATE INDEX ix_identifiers_entity_id ON identifiers (entity_id);

CREATE INDEX ix_merges_kept_entity_id ON merges (kept_entity_id);

CREATE INDEX ix_kept_apart_entity_b_id ON kept_apart (entity_b_id);

CREATE INDEX ix_infrastructure_changes_change_timestamp_entity_type ON infrastructure_changes (change_timestamp, entity_type);

CREATE INDEX ix_infrastructure_changes_entity_id_change_timestamp ON infrastructure_changes (entity_id, change_timestamp);

CREATE INDEX ix_infrastructure_changes_run_id ON infrastructure_changes (run_id) WHERE run_id IS NOT NULL;

CREATE INDEX ix_health_checks_service_id_check_timestamp ON health_checks (service_id, check_timestamp);

CREATE INDEX ix_incidents_service_id_started_at ON incidents (service_id, started_at);

CREATE INDEX ix_incidents_ended_at ON incidents (ended_at);

CREATE INDEX ix_findings_closed_at_severity ON findings (closed_at, severity);

CREATE INDEX ix_findings_entity_id ON findings (entity_id) WHERE entity_id IS NOT NULL;

CREATE INDEX ix_maintenance_windows_starts_at_ends_at ON maintenance_windows (starts_at, ends_at);

CREATE UNIQUE INDEX uq_sites_name ON sites (name) WHERE retired_at IS NULL;

CREATE INDEX ix_hosts_hostname_os_name ON hosts (hostname, os_name);

CREATE INDEX ix_hosts_parent_host_id ON hosts (parent_host_id) WHERE parent_host_id IS NOT NULL;

CREATE INDEX ix_hosts_status_host_type ON hosts (status, host_type);

CREATE INDEX ix_hosts_site_id ON hosts (site_id) WHERE site_id IS NOT NULL;

CREATE UNIQUE INDEX uq_network_interfaces_host_id_interface_name ON network_interfaces (host_id, interface_name) WHERE retired_at IS NULL;

CREATE INDEX ix_network_interfaces_host_id_mac_address ON network_interfaces (host_id, mac_address);

CREATE INDEX ix_network_interfaces_mac_address ON network_interfaces (mac_address);

CREATE INDEX ix_network_interfaces_parent_interface_id ON network_interfaces (parent_interface_id) WHERE parent_interface_id IS NOT NULL;

CREATE UNIQUE INDEX uq_storage_devices_host_id_device_name ON storage_devices (host_id, device_name) WHERE retired_at IS NULL;

CREATE INDEX ix_storage_devices_parent_device_id ON storage_devices (parent_device_id) WHERE parent_device_id IS NOT NULL;

CREATE INDEX ix_storage_devices_serial_number ON storage_devices (serial_number);

CREATE UNIQUE INDEX uq_links_interface_a_id_interface_b_id ON links (interface_a_id, interface_b_id) WHERE retired_at IS NULL;

CREATE INDEX ix_links_interface_b_id ON links (interface_b_id);

CREATE UNIQUE INDEX uq_vlans_host_id_vlan_id ON vlans (host_id, vlan_id) WHERE retired_at IS NULL;

CREATE INDEX ix_vlans_vlan_id ON vlans (vlan_id);

CREATE UNIQUE INDEX uq_mac_sightings_interface_id_mac_address_vlan_id_seen_by ON mac_sightings (interface_id, mac_address, vlan_id, seen_by) WHERE retired_at IS NULL;

CREATE INDEX ix_mac_sightings_mac_address ON mac_sightings (mac_address);

CREATE UNIQUE INDEX uq_networks_vrf_cidr ON networks (vrf, cidr) WHERE retired_at IS NULL;

CREATE INDEX ix_networks_vrf_first_key ON networks (vrf, first_key);

CREATE INDEX ix_networks_network_name ON networks (network_name);

CREATE INDEX ix_networks_parent_network_id ON networks (parent_network_id) WHERE parent_network_id IS NOT NULL;

CREATE UNIQUE INDEX uq_proxmox_storages_cluster_node_storage_name ON proxmox_storages (cluster, node, storage_name) WHERE retired_at IS NULL;

CREATE INDEX ix_proxmox_storages_host_id ON proxmox_storages (host_id) WHERE host_id IS NOT NULL;

CREATE UNIQUE INDEX uq_proxmox_containers_cluster_vmid ON proxmox_containers (cluster, vmid) WHERE retired_at IS NULL;

CREATE INDEX ix_proxmox_containers_host_id ON proxmox_containers (host_id);

CREATE INDEX ix_proxmox_containers_proxmox_host_id ON proxmox_containers (proxmox_host_id);

CREATE UNIQUE INDEX uq_guest_disks_proxmox_container_id_disk_name ON guest_disks (proxmox_container_id, disk_name) WHERE retired_at IS NULL;

CREATE INDEX ix_guest_disks_proxmox_storage_id ON guest_disks (proxmox_storage_id) WHERE proxmox_storage_id IS NOT NULL;

CREATE UNIQUE INDEX uq_docker_networks_docker_host_id_network_name ON docker_networks (docker_host_id, network_name) WHERE retired_at IS NULL;

CREATE UNIQUE INDEX uq_docker_volumes_docker_host_id_volume_name ON docker_volumes (docker_host_id, volume_name) WHERE retired_at IS NULL;

CREATE INDEX ix_docker_containers_docker_host_id_compose_project_compose_ser ON docker_containers (docker_host_id, compose_project, compose_service, compose_number);

CREATE UNIQUE INDEX uq_docker_containers_docker_host_id_container_name ON docker_containers (docker_host_id, container_name) WHERE retired_at IS NULL;

CREATE INDEX ix_docker_containers_docker_host_id_status ON docker_containers (docker_host_id, status);

CREATE INDEX ix_docker_containers_container_name ON docker_containers (container_name);

CREATE INDEX ix_docker_containers_image ON docker_containers (image);

CREATE UNIQUE INDEX uq_docker_container_networks_docker_container_id_docker_network ON docker_container_networks (docker_container_id, docker_network_id) WHERE retired_at IS NULL;

CREATE INDEX ix_docker_container_networks_docker_network_id ON docker_container_networks (docker_network_id);

CREATE UNIQUE INDEX uq_docker_container_volumes_docker_container_id_mount_path ON docker_container_volumes (docker_container_id, mount_path) WHERE retired_at IS NULL;

CREATE INDEX ix_docker_container_volumes_docker_volume_id ON docker_container_volumes (docker_volume_id) WHERE docker_volume_id IS NOT NULL;

CREATE UNIQUE INDEX uq_ip_addresses_vrf_ip_address ON ip_addresses (vrf, ip_address) WHERE retired_at IS NULL;

CREATE INDEX ix_ip_addresses_network_id_allocation_type ON ip_addresses (network_id, allocation_type);

CREATE INDEX ix_ip_addresses_host_id ON ip_addresses (host_id) WHERE host_id IS NOT NULL;

CREATE INDEX ix_ip_addresses_interface_id ON ip_addresses (interface_id) WHERE interface_id IS NOT NULL;

CREATE INDEX ix_ip_addresses_docker_container_id ON ip_addresses (docker_container_id) WHERE docker_container_id IS NOT NULL;

CREATE INDEX ix_ip_addresses_vrf_ip_key ON ip_addresses (vrf, ip_key);

CREATE UNIQUE INDEX uq_network_routes_host_id_routing_table_destination_network_gat ON network_routes (host_id, routing_table, destination_network, gateway_ip, metric, interface_name) WHERE retired_at IS NULL;

CREATE UNIQUE INDEX uq_network_routes_source_network_id_routing_table_destination_n ON network_routes (source_network_id, routing_table, destination_network, gateway_ip, metric, interface_name) WHERE retired_at IS NULL;

CREATE INDEX ix_network_routes_gateway_host_id ON network_routes (gateway_host_id) WHERE gateway_host_id IS NOT NULL;

CREATE UNIQUE INDEX uq_firewall_rules_firewall_host_id_native_id ON firewall_rules (firewall_host_id, native_id) WHERE retired_at IS NULL;

CREATE INDEX ix_firewall_rules_firewall_host_id_ruleset_chain_rule_number ON firewall_rules (firewall_host_id, ruleset, chain, rule_number);

CREATE UNIQUE INDEX uq_firewall_aliases_firewall_host_id_zone_alias_name ON firewall_aliases (firewall_host_id, zone, alias_name) WHERE retired_at IS NULL;

CREATE UNIQUE INDEX uq_dns_records_server_zone_record_name_record_type_content ON dns_records (server, zone, record_name, record_type, content) WHERE retired_at IS NULL;

CREATE INDEX ix_dns_records_record_name_record_type ON dns_records (record_name, record_type);

CREATE INDEX ix_dns_records_content ON dns_records (content);

CREATE INDEX ix_dns_records_host_id ON dns_records (host_id) WHERE host_id IS NOT NULL;

CREATE INDEX ix_services_docker_container_id_protocol_port_endpoint_name ON services (docker_container_id, protocol, port, endpoint_name) WHERE docker_container_id IS NOT NULL;

CREATE INDEX ix_services_host_id_protocol_port_endpoint_name ON services (host_id, protocol, port, endpoint_name) WHERE host_id IS NOT NULL;

CREATE INDEX ix_services_status_criticality ON services (status, criticality);

CREATE INDEX ix_services_service_name ON services (service_name);

CREATE UNIQUE INDEX uq_service_dependencies_dependent_service_id_dependency_service ON service_dependencies (dependent_service_id, dependency_service_id) WHERE retired_at IS NULL;

CREATE INDEX ix_service_dependencies_dependency_service_id_dependent_service ON service_dependencies (dependency_service_id, dependent_service_id);

CREATE UNIQUE INDEX uq_checks_service_id_check_type_target ON checks (service_id, check_type, target) WHERE retired_at IS NULL;

CREATE INDEX ix_checks_enabled_next_due_at ON checks (enabled, next_due_at);

CREATE UNIQUE INDEX uq_certificates_fingerprint ON certificates (fingerprint) WHERE retired_at IS NULL;

CREATE INDEX ix_certificates_not_after_at ON certificates (not_after_at);

CREATE INDEX ix_certificates_host_id ON certificates (host_id) WHERE host_id IS NOT NULL;

CREATE UNIQUE INDEX uq_proxy_routes_proxy_entry_hostname_path_backend_url ON proxy_routes (proxy, entry, hostname, path, backend_url) WHERE retired_at IS NULL;

CREATE INDEX ix_proxy_routes_hostname ON proxy_routes (hostname);

CREATE INDEX ix_proxy_routes_backend_service_id ON proxy_routes (backend_service_id) WHERE backend_service_id IS NOT NULL;

CREATE INDEX ix_proxy_routes_proxy_service_id ON proxy_routes (proxy_service_id) WHERE proxy_service_id IS NOT NULL;

CREATE INDEX ix_proxy_routes_certificate_id ON proxy_routes (certificate_id) WHERE certificate_id IS NOT NULL;

-- Every live host with what it runs on, its memory use and what it carries.
CREATE VIEW v_host_inventory AS
SELECT h.id, h.hostname, h.host_type, h.is_docker_host, h.management_ip, h.status, h.criticality, h.owner, h.purpose,
       p.hostname AS parent_hostname, h.vmid, h.cpu_cores, h.total_ram_mb, h.used_ram_mb,
       CASE WHEN h.total_ram_mb > 0 THEN h.used_ram_mb * 100 / h.total_ram_mb END AS ram_percent,
       h.os_name, h.os_version, h.vendor, h.model, h.serial_number, h.location, t.name AS site,
       (SELECT count(*) FROM hosts g WHERE g.parent_host_id = h.id AND g.retired_at IS NULL) AS guests_count,
       (SELECT count(*) FROM docker_containers c WHERE c.docker_host_id = h.id AND c.retired_at IS NULL)
         AS containers_count,
       (SELECT count(*) FROM services s WHERE s.host_id = h.id AND s.retired_at IS NULL)
         + (SELECT count(*) FROM services s JOIN docker_containers c ON c.id = s.docker_container_id
            WHERE c.docker_host_id = h.id AND s.retired_at IS NULL AND s.host_id IS NULL) AS services_count
FROM hosts h
LEFT JOIN hosts p ON p.id = h.parent_host_id
LEFT JOIN sites t ON t.id = h.site_id
WHERE h.retired_at IS NULL;

-- Every live network with the addresses in it and who has them.
CREATE VIEW v_network_topology AS
SELECT n.id AS network_id, n.network_name, n.cidr, n.vrf, n.vlan_id, n.gateway, n.security_zone,
       a.ip_address, a.allocation_type, a.hostname AS address_name, h.hostname, i.interface_name, i.mac_address,
       c.container_name
FROM networks n
LEFT JOIN ip_addresses a ON a.network_id = n.id AND a.retired_at IS NULL
LEFT JOIN hosts h ON h.id = a.host_id
LEFT JOIN network_interfaces i ON i.id = a.interface_id
LEFT JOIN docker_containers c ON c.id = a.docker_container_id
WHERE n.retired_at IS NULL;

-- Every live dependency with both services and where they run.
CREATE VIEW v_service_dependencies AS
SELECT d.id, a.service_name AS dependent_service, a.criticality AS dependent_criticality,
       d.dependency_type, b.service_name AS dependency_service, b.criticality AS dependency_criticality,
       b.status AS dependency_status, d.origin, d.confidence, d.redundancy_group,
       coalesce(ha.hostname, ca.container_name) AS dependent_runs_on,
       coalesce(hb.hostname, cb.container_name) AS dependency_runs_on, d.description
FROM service_dependencies d
JOIN services a ON a.id = d.dependent_service_id
JOIN services b ON b.id = d.dependency_service_id
LEFT JOIN hosts ha ON ha.id = a.host_id
LEFT JOIN hosts hb ON hb.id = b.host_id
LEFT JOIN docker_containers ca ON ca.id = a.docker_container_id
LEFT JOIN docker_containers cb ON cb.id = b.docker_container_id
WHERE d.retired_at IS NULL;

-- Every live container with its host and its compose project.
CREATE VIEW v_docker_inventory AS
SELECT c.id, c.container_name, c.image, c.image_tag, c.image_digest, c.status, c.health_status, c.restart_policy,
       c.compose_project, c.compose_service, c.ports, h.hostname AS docker_host, h.management_ip AS docker_host_ip,
       (SELECT count(*) FROM docker_container_volumes v WHERE v.docker_container_id = c.id AND v.retired_at IS NULL)
         AS mounts_count,
       (SELECT count(*) FROM services s WHERE s.docker_container_id = c.id AND s.retired_at IS NULL) AS services_count
FROM docker_containers c
JOIN hosts h ON h.id = c.docker_host_id
WHERE c.retired_at IS NULL;

-- What changed in the last 30 days.
CREATE VIEW v_recent_changes AS
SELECT c.position AS id, c.change_timestamp, c.change_type, c.entity_type, c.entity_id, e.uid AS entity_uid,
       c.old_values, c.new_values, c.changed_by, c.change_source, s.name AS source, c.run_id, c.reason, c.description
FROM infrastructure_changes c
LEFT JOIN entities e ON e.id = c.entity_id
LEFT JOIN sources s ON s.id = c.source_id
WHERE c.change_timestamp >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')
ORDER BY c.position DESC;

-- The live virtual machines, with the columns of the seed's table.
CREATE VIEW virtual_machines AS
SELECT id, host_id, proxmox_host_id, vmid, vm_type, os_type, nics AS network_interfaces, boot_disk,
       disks AS additional_disks, auto_start, template, created_at, updated_at
FROM proxmox_containers WHERE container_type = 'vm' AND retired_at IS NULL;

-- The live LXC containers, with the columns of the seed's table.
CREATE VIEW lxc_containers AS
SELECT id, host_id, proxmox_host_id, vmid, os_template, unprivileged, rootfs_storage, rootfs_size_gb, mount_points,
       nics AS network_config, nesting, keyctl, auto_start, created_at, updated_at
FROM proxmox_containers WHERE container_type = 'lxc' AND retired_at IS NULL;
