"""What Darkroom does, apart from how Discord shows it and how pictures are drawn."""
