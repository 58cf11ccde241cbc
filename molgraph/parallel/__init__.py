"""Processes that share work, and interrupts that reach all of them."""
