"""Faults below Python: every act that writes, with one system call of it gone wrong (docs/robustness.md)."""
