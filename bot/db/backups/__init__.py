"""Backups: folders with the database, the pictures that its rows name, and a manifest.

What can be recreated (measurements, logs) is left out.
"""
