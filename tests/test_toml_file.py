"""toml_file.py: the line of a key is found, whatever stands above it."""

from eval.toml_file import Lines


def test_lines_are_told_past_texts_over_several_lines_and_lists_of_tables() -> None:
    text = '# [no]\na = """\n[b]\n"""\n[[c]]\nd = 1\n[[c]]\n"e.f" = 2\ng.h = 3\n[c.i]\nj = 4\n'
    lines = Lines(text)
    places = [
        ("a",),
        ("c", 0, "d"),
        ("c", 1, "e.f"),
        ("c", 1, "g", "h"),
        ("c", 1, "missing"),
        ("c", 1, "i", "j"),
        ("b",),
    ]
    assert [lines.of(place) for place in places] == [2, 6, 8, 9, 7, 11, None]
