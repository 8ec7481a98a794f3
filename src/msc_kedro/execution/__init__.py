"""Doing work once: shards, their files, and where they are kept until they are published."""
