"""The agent: Q-Formers for what is seen and heard, a language model that answers.

Its modules import torch; the package itself does not.
"""
