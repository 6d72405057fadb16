"""One message per job: its text, first reply, edits and files."""
