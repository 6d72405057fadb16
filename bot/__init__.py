"""The Discord application: commands and buttons in, pictures out."""
