"""Labelled faces from files: readers for the formats FER2013 is passed around in.

`loading` looks at what a source is and reads it, `summary` counts what it holds; one module per
format does the reading, and `faces` has the types they all give.
"""
