"""How a picture was made, from the graphs that ComfyUI leaves in its files."""
