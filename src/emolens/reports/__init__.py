"""Reports: HTML pages, plots, model cards and terminal output."""

__all__ = [
    "audit_page",
    "audit_text",
    "citation",
    "cross_page",
    "data_text",
    "evaluation_page",
    "evaluation_text",
    "images_text",
    "methods_text",
    "model_card",
    "session_page",
    "session_text",
    "text",
    "videos_text",
]
