"""The way of a job: who may ask for one, how it is recorded, queued, drawn, shown and kept."""
