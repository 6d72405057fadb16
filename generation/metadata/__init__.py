"""How a picture was made, in its file: what we write, and what other programs wrote."""
