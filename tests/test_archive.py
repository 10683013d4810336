"""Archives are read with limits on size, ratio, entries and paths; what goes beyond them is one sentence, no crash."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval.interchange import archive
from eval.interchange.archive import ZSTANDARD, Archive
from eval.interchange.lines import FileError

LOG = Path(__file__).parent / "interchange" / "inspect.eval"


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in entries:
            made.writestr(name, content)
    return out.getvalue()


def zstandard_zip(name: str, content: bytes, *, checksum: int | None = None, size: int | None = None) -> bytes:
    """An archive of one Zstandard entry, made by hand: Python's zipfile cannot write one before 3.14."""
    folded = zstandard.ZstdCompressor().compress(content)
    crc = zlib.crc32(content) if checksum is None else checksum
    size = len(content) if size is None else size
    raw, about = name.encode(), (63, 0, ZSTANDARD, 0, 33, crc, len(folded), size, len(name), 0)
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", *about) + raw + folded
    central = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 63, *about[:5], crc, len(folded), size, len(name), 0, 0, 0, 0, 0, 0
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(central) + len(raw), len(local), 0)
    return local + central + raw + end


@pytest.fixture
def put(tmp_path: Path):
    def put(content: bytes) -> Path:
        path = tmp_path / "log.eval"
        path.write_bytes(content)
        return path

    return put


def refusal(path: Path, entry: str | None = None) -> str:
    with pytest.raises(FileError) as caught, Archive(path) as opened:
        opened.read(entry or opened.names[0])
    return str(caught.value)


def test_a_log_that_inspect_wrote_is_read_entry_by_entry() -> None:
    """The fixture was written by inspect_ai 0.3.285; its entries are Zstandard."""
    with Archive(LOG) as opened:
        assert "header.json" in opened.names
        assert {info.compress_type for info in zipfile.ZipFile(LOG).infolist()} == {ZSTANDARD}
        assert all(opened.read(name).startswith((b"{", b"[")) for name in opened.names)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_stored_and_deflated_entries_are_read(method: int, put) -> None:
    with Archive(put(zipped(("a.json", b"{}"), ("b.json", b"[1]"), method=method))) as opened:
        assert [(name, opened.read(name)) for name in opened.names] == [("a.json", b"{}"), ("b.json", b"[1]")]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=5000))
def test_a_zstandard_entry_comes_back_to_the_byte(put, content: bytes) -> None:
    with Archive(put(zstandard_zip("a", content))) as opened:
        assert opened.read("a") == content


def test_of_two_entries_of_one_name_the_last_counts(put) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zipped(("a", b"1"), ("a", b"2"))
    with Archive(put(content)) as opened:
        assert opened.read("a") == b"2"


@pytest.mark.parametrize("make", [lambda c: zipped(("bomb", c)), lambda c: zstandard_zip("bomb", c)])
def test_a_bomb_is_not_unfolded(make, put) -> None:
    path = put(make(b"0" * 60_000_000))
    assert path.stat().st_size < 100_000
    assert 'The entry "bomb" of' in refusal(path)
    assert "unfolds to more than 200 times its size; it is not read." in refusal(path)


def test_a_bomb_that_lies_about_its_size_is_not_unfolded(put) -> None:
    assert "more than 200 times its size" in refusal(put(zstandard_zip("bomb", b"0" * 60_000_000, size=10)))


def test_what_unfolds_to_too_much_is_not_read(put, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytes(range(256)) * 20
    monkeypatch.setattr(archive, "MAX_ENTRY", 1000)
    assert "more than 0 MiB (the entry)" in refusal(put(zipped(("a", content))))
    monkeypatch.setattr(archive, "MAX_ENTRY", 10**9)
    monkeypatch.setattr(archive, "MAX_TOTAL", 6000)
    with Archive(put(zipped(("a", content), ("b", content)))) as opened:
        opened.read("a")
        with pytest.raises(FileError, match=r"more than 0 MiB \(all of it\)"):
            opened.read("b")


def test_the_limits_are_those_that_are_documented() -> None:
    """Tests above set small ones; these are what a file meets."""
    mib, gib = 2**20, 2**30
    limits = (archive.MAX_ARCHIVE, archive.MAX_ENTRIES, archive.MAX_ENTRY, archive.MAX_TOTAL, archive.MAX_RATIO)
    assert limits == (2 * gib, 200_000, 256 * mib, 8 * gib, 200)
    assert (128 * mib, 10 * mib) == (archive.MAX_WINDOW, archive.RATIO_FROM)


def test_too_many_entries_are_refused(put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    assert "has 4 entries; at most 3 are read" in refusal(put(zipped(*((str(i), b"") for i in range(4)))))


@pytest.mark.parametrize("name", ["../a.json", "a/../../b", "/etc/passwd", "C:/a", "a\\b", "..\\a", "c:a"])
def test_an_entry_that_leads_out_is_refused(name: str, put) -> None:
    assert "has an entry that leads out of it" in refusal(put(zipped((name, b"{}"))))


def test_an_encrypted_archive_is_refused(put) -> None:
    content = bytearray(zipped(("a", b"{}")))
    content[6] |= 1  # the flag in the local header
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "is encrypted" in refusal(put(bytes(content)))


def test_a_wrong_checksum_is_found(put) -> None:
    assert "its checksum is wrong" in refusal(put(zstandard_zip("a", b"hello", checksum=7)))
    content = bytearray(zipped(("a", b"hello" * 99), method=zipfile.ZIP_STORED))
    content[40] ^= 1
    assert "cannot be unfolded" in refusal(put(bytes(content)))


def test_what_is_cut_off_or_no_archive_is_one_sentence(put) -> None:
    whole = LOG.read_bytes()
    for content in (whole[: len(whole) // 2], b"PK\x03\x04" + b"0" * 100, b"{}"):
        assert "is not a sound zip archive" in refusal(put(content))
    cut = bytearray(whole)
    cut[200:4000] = bytes(3800)
    assert "cannot be unfolded" in refusal(put(bytes(cut)), zipfile.ZipFile(LOG).namelist()[1])


def test_without_zstandard_it_says_what_to_install(put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "zstandard", None)
    assert 'pip install "rightsize[inspect]"' in refusal(put(zstandard_zip("a", b"hello")))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 19_000), st.binary(min_size=1, max_size=60))
def test_a_damaged_log_never_crashes(put, at: int, junk: bytes) -> None:
    content = bytearray(LOG.read_bytes())
    content[at : at + len(junk)] = junk
    try:
        with Archive(put(bytes(content))) as opened:
            for name in opened.names:
                opened.read(name)
    except FileError:
        pass
