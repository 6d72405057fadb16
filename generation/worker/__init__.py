"""The engine in a process of its own, and the asyncio side that the bot talks to."""
