"""Whether somebody may ask for something, see it or end it, here and now."""
