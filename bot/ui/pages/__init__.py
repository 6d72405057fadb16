"""Lists, cards and pagination."""
