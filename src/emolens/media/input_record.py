"""The record of a source, without its folder, host and password."""

from emolens.contract import InputRecord
from emolens.core.ports import SourceReport
from emolens.core.records import public_name
from emolens.media.addresses import scheme_of
from emolens.media.open_source import SourcePlan


def input_record(plan: SourcePlan, report: SourceReport | None = None) -> InputRecord:
    """Describe the source of a plan.

    Args:
        plan: The plan.
        report: The report of the opened source, for size, frame rate and duration.
    """
    report = report or SourceReport()
    width, height = report.size_wh or (None, None)
    clip = plan.clip
    return InputRecord(
        kind=plan.kind,
        name=_name(plan),
        n_files=report.n_files,
        width=width,
        height=height,
        rate_hz=report.rate_hz,
        duration_s=report.duration_s,
        start_s=clip.start_s,
        end_s=clip.end_s,
        every=clip.every,
    )


def _name(plan: SourcePlan) -> str:
    if plan.kind == "network camera":
        # A host name can identify a place.
        return scheme_of(plan.name) or ""
    return public_name(plan.path.resolve().name if plan.path else plan.name)
