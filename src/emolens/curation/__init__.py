"""Data sets looked over: audits, copies, clean lists."""
