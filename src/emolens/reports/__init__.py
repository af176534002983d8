"""Pages, charts, cards and texts for terminals, made of what other packages measured."""
