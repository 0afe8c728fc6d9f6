"""`felles demo`: regions and municipalities share documents, on this machine."""


def demo() -> None:
    """Show it."""
