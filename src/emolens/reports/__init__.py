"""Pages, charts, cards; HTML from what other packages measured."""
