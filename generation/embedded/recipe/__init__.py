"""How the embedded checkpoint was made: run it again with ``make train-embedded``."""
