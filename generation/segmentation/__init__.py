"""Finding what words mean in pictures, by a model of transformers that a bot's owner installed."""
