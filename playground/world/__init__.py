"""The simulated server: its people, roles, channels and permissions."""
