"""What fills are good for beyond one photograph: clips, and more training pictures."""
