"""What Darkroom remembers: jobs and pictures, in SQLite and on disk."""
