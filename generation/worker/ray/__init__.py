"""Lanes on other machines, with Ray: the extra ``darkroom[ray]``.

`source` is the bot's side, and imports no Ray: a process of its own is the driver, because Ray ends
a driver whose cluster has died. `host` is the actor on a node, around an ordinary worker process.
"""
