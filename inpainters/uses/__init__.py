"""What fills are good for beyond a mask that is drawn: clips, old photographs, views, training pictures."""
