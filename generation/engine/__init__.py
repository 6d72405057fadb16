"""Many pictures denoised together: one forward a tick, whoever they are for."""
