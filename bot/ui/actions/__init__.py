"""The buttons under a job, a file for each thing that people do with one."""
