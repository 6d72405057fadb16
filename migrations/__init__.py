"""The database's migrations, one revision per file."""
