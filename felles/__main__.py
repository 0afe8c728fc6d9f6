"""`python -m felles` is the command `felles`."""

from felles.cli import main

main()
