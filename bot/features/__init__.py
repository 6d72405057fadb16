"""A package for each thing people can do, with its commands, services, stores and one `setup`."""
