"""The life of a job: admission, recording, queueing, generation, presentation and storage."""
