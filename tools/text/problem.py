"""What is wrong with the input, in words for whoever wrote it."""


class Problem(Exception):
    """Becomes the error of the WIT result."""
