"""The Discord user interface shared by all features."""
