"""Batched denoising: one forward pass per tick, shared by everybody's pictures."""
