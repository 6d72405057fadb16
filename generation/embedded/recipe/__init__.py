"""The training recipe of the embedded checkpoint; rerun it with ``make train-embedded``."""
