"""What Discord accepts of a request, and how it says no."""
