"""Lists, cards and whatever has pages."""
