"""The page in the browser: its files, its news, and what a person does on it."""
