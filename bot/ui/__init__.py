"""How a job looks in Discord, and how its message is kept up to date."""
