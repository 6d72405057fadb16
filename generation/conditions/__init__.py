"""What a picture is drawn with beside its checkpoint and its words."""
