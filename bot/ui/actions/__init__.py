"""Buttons under jobs: custom ids, presses, and what an action is."""
