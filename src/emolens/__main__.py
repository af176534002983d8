"""`python -m emolens` is `emolens`."""

from emolens.cli.main import run

if __name__ == "__main__":
    run()
