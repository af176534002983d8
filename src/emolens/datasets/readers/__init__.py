"""One module per layout on disk: a data set's own, or a general one."""
