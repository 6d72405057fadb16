"""The engine in a separate process, and the asyncio interface that the bot uses."""
