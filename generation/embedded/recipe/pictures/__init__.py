"""The emoji used for training: pictures, names, captions and colours."""
