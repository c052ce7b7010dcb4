"""Machines as Ansible's fact cache remembers them."""
