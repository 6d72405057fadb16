"""The options for generating pictures, each declared once in `registry`.

From these declarations come the commands' parameters, the parameters typed in prompts, personal and
server defaults, and how options are shown, stored and exported.
"""
