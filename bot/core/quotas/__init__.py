"""How much somebody may ask for in a day, and how much they have."""
