"""A zip archive of JSON, read with limits: on its size, its entries, how far each unfolds, and their names.

Nothing is ever written to disk. Sizes are counted while unfolding: what an archive says of itself is not trusted.
Zstandard entries (method 93), which Python's zipfile does not know before 3.14, need the package zstandard.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, BinaryIO

from eval.faults import shown
from eval.interchange.lines import FileError, opened

try:
    import zstandard
except ImportError:  # an extra: only compressed logs need it
    zstandard = None

MAX_ARCHIVE = 2 * 2**30  # bytes of the file
MAX_ENTRIES = 200_000
MAX_ENTRY = 256 * 2**20  # bytes of one entry, unfolded
MAX_TOTAL = 8 * 2**30  # bytes of all entries that were read, unfolded
MAX_RATIO = 200  # of unfolded to folded bytes
RATIO_FROM = 10 * 2**20  # unfolded bytes below which no ratio is too large: short JSON may fold very well
MAX_WINDOW = 2**27  # bytes a Zstandard entry may make us remember
ZSTANDARD = 93
_CHUNK = 2**20
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, ..., lengths of name and extra field


class Archive:
    """An opened archive; raises FileError, one sentence, for whatever it should not be."""

    def __init__(self, path: Path) -> None:
        self.path, self.total = path, 0
        self._file: BinaryIO = opened(path, MAX_ARCHIVE)
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._entries = {info.filename: info for info in self._zip.infolist()}  # of one name the last counts
            self._check(self._zip.infolist())
        except (zipfile.BadZipFile, NotImplementedError, struct.error, OSError, ValueError) as error:
            self._file.close()
            if isinstance(error, FileError):
                raise
            raise FileError(f"{path} is not a sound zip archive ({error}).") from error

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

    @property
    def names(self) -> list[str]:
        """The names of the entries, in the order of the archive."""
        return list(self._entries)

    def _check(self, infos: list[zipfile.ZipInfo]) -> None:
        if len(infos) > MAX_ENTRIES:
            raise FileError(f"{self.path} has {len(infos):,} entries; at most {MAX_ENTRIES:,} are read.")
        for info in infos:
            name = info.orig_filename
            outside = ".." in PurePosixPath(name).parts or name.startswith("/") or "\0" in name or "\\" in name
            if outside or PureWindowsPath(name).drive:
                raise FileError(f"{self.path} has an entry that leads out of it, {shown(name)}; it is not read.")
            if info.flag_bits & 0x1:
                raise FileError(f"{self.path} is encrypted; save it without a password.")

    def read(self, name: str) -> bytes:
        """The content of an entry."""
        info, parts, size = self._entries[name], [], 0
        try:
            for part in self._unfolded(info):
                size, self.total = size + len(part), self.total + len(part)
                if size > MAX_ENTRY or self.total > MAX_TOTAL:
                    what, limit = ("the entry", MAX_ENTRY) if size > MAX_ENTRY else ("all of it", MAX_TOTAL)
                    raise self._refusal(name, f"unfolds to more than {limit / 2**20:,.0f} MiB ({what})")
                if size > RATIO_FROM and size > MAX_RATIO * max(info.compress_size, 1):
                    raise self._refusal(name, f"unfolds to more than {MAX_RATIO} times its size")
                parts.append(part)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, NotImplementedError) as error:
            raise self._refusal(name, f"cannot be unfolded ({error})") from error
        return b"".join(parts)

    def _unfolded(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        if info.compress_type == ZSTANDARD:
            yield from self._zstandard(info)
            return
        with self._zip.open(info) as entry:
            while part := entry.read(_CHUNK):
                yield part

    def _zstandard(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        if zstandard is None:
            raise FileError(
                f'{self.path} is compressed with Zstandard; install what reads it: pip install "rightsize[inspect]"'
            )
        self._file.seek(info.header_offset)
        signature, *lengths = _LOCAL_HEADER.unpack(self._file.read(_LOCAL_HEADER.size))
        if signature != b"PK\x03\x04":
            raise zipfile.BadZipFile("its local header is missing")
        folded: Any = _Window(self._file, info.header_offset + _LOCAL_HEADER.size + sum(lengths), info.compress_size)
        checksum = 0
        try:
            with zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(
                folded, read_across_frames=True
            ) as reader:
                while part := reader.read(_CHUNK):
                    checksum = zlib.crc32(part, checksum)
                    yield part
        except zstandard.ZstdError as error:
            raise zipfile.BadZipFile(str(error)) from error
        if checksum != info.CRC:
            raise zipfile.BadZipFile("its checksum is wrong")

    def _refusal(self, name: str, why: str) -> FileError:
        return FileError(f"The entry {shown(name)} of {self.path} {why}; it is not read.")


class _Window:
    """A part of a file, to be read once."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._left = file, size
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes of what is left."""
        part = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(part)
        return part
