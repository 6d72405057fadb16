"""A job from its row to its end: the fair queue, the runner, and what a restart takes up."""
