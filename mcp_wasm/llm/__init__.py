"""Asking language models: providers behind one protocol, budgets, and an answer without any model."""
