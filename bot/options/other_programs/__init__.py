"""What people write for other programs, and what those write about their pictures."""
