"""Writes data sets as their authors lay them out, with drawn faces in place of people.

For tests of readers, and for trying out recipes before the licence of a data set is granted.
"""

__all__ = ["affectnet", "ck_plus", "class_folders", "expw", "ferplus", "jaffe", "raf_db"]
