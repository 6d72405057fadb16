"""Features: one package each, with its commands, services, stores and a `setup` function."""
