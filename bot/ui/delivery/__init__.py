"""One message a job: its text, its first answer, its edits and its files."""
