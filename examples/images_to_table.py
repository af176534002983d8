"""Classify every image of a folder and write one table, for pandas, R or a spreadsheet.

python examples/images_to_table.py photos faces.csv
"""

import csv
import sys
from pathlib import Path

import emolens


def main(folder: str, table: str) -> None:
    """Write one row per face, and report images that cannot be read."""
    analyzer = emolens.ImageAnalyzer.load()  # loads the models once
    n_faces = 0
    with Path(table).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["path", *emolens.ROW_COLUMNS])
        writer.writeheader()
        for path in sorted(Path(folder).iterdir()):
            try:
                rows = analyzer.analyze(path).to_rows()
            except emolens.InputError as error:
                print(f"skipped {path.name}: {error}")
                continue
            writer.writerows({"path": path.name, **row} for row in rows)
            n_faces += len(rows)
    print(f"{table}: {n_faces} faces")


if __name__ == "__main__":
    main(*sys.argv[1:])
