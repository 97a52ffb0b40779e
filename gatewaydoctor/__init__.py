"""Offline diagnostics and repair for OpenClaw gateway state directories."""

__version__ = "0.2.0"
