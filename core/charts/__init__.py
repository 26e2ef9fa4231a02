"""Pictures of what the models compute: plain data in, a figure or a piece of HTML out."""
