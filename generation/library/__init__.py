"""The owner's folders of model files: what lies in them, and fetching more. Imports no torch."""
