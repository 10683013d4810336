"""What all faults have in common that a person can cause and mend."""


class ExpectedError(Exception):
    """Work cannot go on; the text is the sentence, or the list, that says why and what to do."""
