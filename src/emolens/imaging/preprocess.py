"""The one preprocessing: what happens to a grey crop before a network sees it."""

GRAY_MEAN = 0.507
GRAY_STD = 0.255
