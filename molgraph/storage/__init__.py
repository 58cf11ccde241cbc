"""Bytes on disk: what is written appears complete or not at all, and what is read is checked."""
