"""The bot's commands, and the interactions that people have with it."""
