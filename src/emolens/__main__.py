"""`python -m emolens`, which runs the `emolens` command."""

from emolens.cli.main import run

if __name__ == "__main__":
    run()
