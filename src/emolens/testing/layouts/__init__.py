"""Writers of published data set layouts, with drawn faces instead of photographs.

They are for tests of readers, and for testing recipes before access to a data set is granted.
"""

__all__ = ["affectnet", "ck_plus", "class_folders", "expw", "ferplus", "jaffe", "raf_db"]
