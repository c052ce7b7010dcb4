"""What people watch with Uptime Kuma."""
