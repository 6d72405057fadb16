"""Generated pictures: their files, rows and favourites."""
