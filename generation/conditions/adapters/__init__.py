"""LoRAs and their relatives: read from files, matched with layers, and applied row by row."""
