"""Classify every image of a folder and write one table, for pandas, R or a spreadsheet.

python examples/images_to_table.py photos faces.csv
"""

import sys
from pathlib import Path

import pandas as pd

import emolens


def main(folder: str, table: str) -> None:
    """Write one row per face, and report images that cannot be read."""
    analyzer = emolens.ImageAnalyzer.load()  # loads the models once
    rows = []
    for path in sorted(Path(folder).iterdir()):
        try:
            result = analyzer.analyze(path)
        except emolens.InputError as error:
            print(f"skipped {path.name}: {error}")
            continue
        rows += [{"path": path.name, **row} for row in result.to_rows()]
    # The columns are there even if no image has a face.
    pd.DataFrame(rows, columns=["path", *emolens.ROW_COLUMNS]).to_csv(table, index=False)
    print(f"{table}: {len(rows)} faces")


if __name__ == "__main__":
    main(*sys.argv[1:])
