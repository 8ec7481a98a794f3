"""The words for a voice: bins from measures to words, and sentences from words and back."""
