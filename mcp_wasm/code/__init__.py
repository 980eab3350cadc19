"""Source code that runs now: runners by language, runs, and tools made of code."""
