"""What every feature uses of Discord."""
