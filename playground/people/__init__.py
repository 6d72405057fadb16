"""Acting as a person, as a test or the page does."""
