"""Measures of replies and of speech, each under the name of its definition."""
