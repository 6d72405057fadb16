"""What people write in prompts: weights, words that take turns, adapters, and what is filtered."""
