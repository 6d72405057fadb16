"""Who may request, see, or cancel what, and where."""
