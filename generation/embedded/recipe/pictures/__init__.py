"""The emoji that are learned from: pictures, names, captions and colours."""
