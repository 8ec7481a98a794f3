"""Training of the agent: the loop, its checkpoints, and the adapter that comes out."""
