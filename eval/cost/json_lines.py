"""On which line of a JSON text each value stands, and which names occur twice in an object.

For texts that json.loads has already read: what is no JSON is its business to say.
"""

import re
from bisect import bisect_left
from json import JSONDecoder

Place = tuple[str | int, ...]

_DEPTH = 6  # objects and lists within each other that are looked into; a file's fields lie no deeper
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = JSONDecoder()


class Lines:
    """`at` has the line of every name and list element by its path; `twice` the paths of names that occur again.

    Lines count from 1, list elements from 0. A name that occurs twice has the line where it stands last, which is what
    json.loads takes.
    """

    def __init__(self, text: str) -> None:
        self.at: dict[Place, int] = {}
        self.twice: list[Place] = []
        self._text = text
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._value(self._skip(0), ())

    def _skip(self, place: int) -> int:
        found = _SPACE.match(self._text, place)
        return place if found is None else found.end()

    def _value(self, place: int, path: Place) -> int:
        """Where the value that begins at a place ends."""
        opening = self._text[place]
        if opening not in "{[" or len(path) >= _DEPTH:
            return _DECODER.raw_decode(self._text, place)[1]
        place, i = self._skip(place + 1), 0
        while self._text[place] not in "}]":
            inner, begins = (*path, i), place
            if opening == "{":
                name, end = _DECODER.raw_decode(self._text, place)
                inner, begins = (*path, name), self._skip(self._skip(end) + 1)  # past the colon
                if inner in self.at:
                    self.twice.append(inner)
            self.at[inner] = bisect_left(self._ends, place) + 1
            place, i = self._skip(self._value(begins, inner)), i + 1
            if self._text[place] == ",":
                place = self._skip(place + 1)
        return place + 1
