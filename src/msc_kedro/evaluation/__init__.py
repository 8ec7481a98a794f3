"""Replies to the test split, and what they are worth."""
