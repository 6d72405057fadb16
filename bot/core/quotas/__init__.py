"""Daily quotas: how much a person may request, and how much is left."""
