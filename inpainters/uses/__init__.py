"""What fills are good for beyond one photograph: more training pictures."""
