from pathlib import Path

import cv2
import numpy as np

from emolens.curation.audit import audit
from emolens.curation.audited_faces import read_audited
from emolens.datasets.summary import summarize
from emolens.reports.audit_text import audit_text
from emolens.reports.data_text import data_text
from emolens.reports.text import TextTable


def three_classes(folder: Path) -> Path:
    for label in ("happy", "sad", "neutral"):
        (folder / label).mkdir()
        cv2.imwrite(str(folder / label / "1.png"), np.eye(48, dtype=np.uint8) * 200)
    return folder


def test_classes_without_faces_are_named_in_one_line(tmp_path: Path) -> None:
    source = three_classes(tmp_path)
    for blocks, first in (
        (list(data_text(summarize(source))), "split"),
        (list(audit_text(audit(read_audited(source)))), "faces"),
    ):
        (table,) = [block for block in blocks if isinstance(block, TextTable) and block.headings]
        assert table.headings == (first, "happy", "sad", "neutral", "all")
        assert list(table.rows) == [("unknown", "1", "1", "1", "3")]
        assert "no faces: angry, disgust, fear, surprise" in blocks
