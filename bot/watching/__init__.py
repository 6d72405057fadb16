"""What an operator watches: whether the bot lives and works, and its figures for Prometheus.

Nothing here is imported, and nothing counted, unless MONITORING__ADDRESS asks for it.
"""
