"""The database and the data folder: tables, the single writer, errors, backups."""
