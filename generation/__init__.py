"""Pictures from text with Stable Diffusion; knows no Discord and no SQL, and imports no torch."""
