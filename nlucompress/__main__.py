"""``python -m nlucompress``."""

from .cli import main

main(prog_name="nlucompress")
