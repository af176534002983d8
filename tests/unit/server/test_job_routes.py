import pytest
from fastapi import FastAPI

from emolens.contract.server import JobRecord
from emolens.core.errors import UnsupportedFormatError
from emolens.server.job_routes import attachment, check_video_type, router


@pytest.mark.parametrize(
    "declared",
    [
        *("", "video/mp4", "video/webm", "VIDEO/X-MATROSKA", "video/quicktime; codecs=hvc1"),
        *("application/octet-stream", "video/x-anything"),
    ],
)
def test_the_media_type_of_a_video_or_none_is_allowed(declared: str) -> None:
    check_video_type(declared)


@pytest.mark.parametrize(
    "declared",
    [
        *("audio/mpeg", "image/gif", "text/plain", "application/vnd.apple.mpegurl", "videomp4"),
        *("application/x-www-form-urlencoded", "multipart/form-data; boundary=video/mp4"),
    ],
)
def test_other_media_types_are_refused(declared: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=r"allowed: video/\* and application/octet-"):
        check_video_type(declared)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("clip (1).csv", 'attachment; filename="clip (1).csv"'),
        ("é.csv", "attachment; filename=\"_.csv\"; filename*=UTF-8''%C3%A9.csv"),
        ("a;b=c.csv", "attachment; filename=\"a_b_c.csv\"; filename*=UTF-8''a%3Bb%3Dc.csv"),
        ('a"\r\nb', "attachment; filename=\"a___b\"; filename*=UTF-8''a%22%0D%0Ab"),
    ],
)
def test_names_of_attachments_are_ascii_and_then_utf_8(name: str, header: str) -> None:
    assert attachment(name) == header


def test_the_document_declares_videos_outputs_and_a_true_example() -> None:
    app = FastAPI()
    app.include_router(router)
    paths = app.openapi()["paths"]
    body = paths["/v1/jobs"]["post"]["requestBody"]
    assert {"video/mp4", "video/webm", "video/x-matroska", "video/quicktime"} < set(body["content"])
    assert {part["schema"]["format"] for part in body["content"].values()} == {"binary"}
    accepted = paths["/v1/jobs"]["post"]["responses"]["202"]["content"]["application/json"]
    JobRecord.model_validate(accepted["example"])
    names = {one["name"] for one in paths["/v1/jobs"]["post"]["parameters"]}
    assert names == {"name", "table", "report", "min_confidence", "detect_hz", "cuts"}
    outputs = paths["/v1/jobs/{job_id}/{output}"]["get"]
    assert {"text/csv", "text/html"} < set(outputs["responses"]["200"]["content"])
    assert outputs["parameters"][1]["schema"]["enum"] == ["table", "summary", "report"]
