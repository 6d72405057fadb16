"""Everything that a person can say about a picture, declared once in `registry`.

From a declaration are made the commands' parameters, what can be typed into a prompt, everybody's
and every server's defaults, and how a picture's settings are shown, stored and exported.
"""
