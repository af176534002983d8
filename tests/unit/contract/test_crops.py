from emolens.contract import CROP_COLUMNS, IMAGE_TABLE_COLUMNS, CropRow


def test_a_name_means_the_same_as_in_the_table_of_images() -> None:
    shared = [name for name in CROP_COLUMNS if name in IMAGE_TABLE_COLUMNS]
    assert shared == [
        *("path", "face", "width", "height", "x_min", "y_min", "x_max", "y_max"),
        *("detection_score", "assessable", "reasons", "error", "message"),
    ]


def test_crops_have_no_label_and_all_columns_are_described() -> None:
    assert not {"label", "top", "confidence"} & {*CROP_COLUMNS}
    assert all(field.description for field in CropRow.model_fields.values())
