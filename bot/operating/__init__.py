"""What an operator runs or relies on beside the bot itself."""
