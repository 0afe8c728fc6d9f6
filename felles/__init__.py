"""The command `felles`: composes the actors, and lets people use them."""
