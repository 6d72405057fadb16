"""The database and the data folder: tables, one writer, errors as people meet them, backups."""
