"""Messages and all that is in one: components, embeds, mentions, files."""
