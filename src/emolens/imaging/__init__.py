"""Pixels in, pixels out: decode, crop, preprocess, judge; pure functions only."""
