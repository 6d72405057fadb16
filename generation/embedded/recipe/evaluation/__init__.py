"""How well the checkpoint draws what it is asked for."""
