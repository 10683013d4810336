"""A p-value in words, the same on pages and command line: one that rounds to nothing is not said to be nothing."""


def p_words(p: float, digits: int = 4) -> str:
    """A p-value with so many decimals, "<0.0001" where these would all be 0."""
    least = 10**-digits
    return f"<{least:.{digits}f}" if round(p, digits) < least else f"{p:.{digits}f}"


def p_is(p: float, digits: int) -> str:
    """The same within a sentence: "p = 0.012" or "p < 0.001"."""
    said = p_words(p, digits)
    return f"p < {said[1:]}" if said.startswith("<") else f"p = {said}"
