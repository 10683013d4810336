"""The lines of a text file, one by one: decoded, counted, hashed, and none longer than a limit.

What is wrong becomes a fault of its line; reading goes on, so that all faults are named. Nothing is kept.
"""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from eval.expected import ExpectedError
from eval.faults import Faults

MAX_LINE = 16 * 2**20  # bytes
MAX_FILE = 2 * 2**30  # bytes
MAX_LINES = 5_000_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def convert(encoding: str, platform: str = sys.platform) -> str:
    """How a file in another encoding (WINDOWS-1252 or UTF-16) becomes UTF-8, with what a platform has on board."""
    if platform == "win32":
        source = "Unicode" if encoding == "UTF-16" else "Default"  # PowerShell's names; Default: the machine's own
        return (
            "save it as UTF-8, in the editor's or Excel's Save As, or in Windows PowerShell: "
            f"Get-Content OLD -Encoding {source} | Set-Content NEW -Encoding utf8"
        )
    return f"save it as UTF-8, for example with: iconv -f {encoding} -t UTF-8 OLD > NEW"


class FileError(ExpectedError, ValueError):
    """A file cannot be read, or is no file of the expected kind; the text is one sentence."""


def opened(path: Path, limit: int = MAX_FILE) -> BinaryIO:
    """The file, opened. Raises FileError for what is not a readable file of at most so many bytes."""
    try:
        if path.is_dir():
            raise FileError(f"{path} is a folder; name a file in it.")
        size = path.stat().st_size
        if not path.is_file():
            raise FileError(f"{path} is not a regular file; name a file on a disk.")
        if size > limit:
            raise FileError(f"{path} has {size / 1e6:,.1f} MB; at most {limit / 1e6:,.0f} MB are read, so split it.")
        if size == 0:
            raise FileError(f"{path} is empty.")
        return path.open("rb")
    except FileNotFoundError:
        raise FileError(f"There is no file {path}; check the name and the folder.") from None
    except PermissionError:
        raise FileError(f"{path} may not be read; give yourself the right to read it.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if isinstance(error, FileError):
            raise
        raise FileError(f"The file cannot be read ({error}); check the name and the disk.") from None


def file_hash(path: Path, limit: int = MAX_FILE) -> str:
    """The hash of a file's bytes. Raises FileError as `opened` does."""
    digest = hashlib.sha256()
    with opened(path, limit) as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


@dataclass
class Lines:
    """Walks through a file's lines once; `sha256` is the hash of what was read so far."""

    file: BinaryIO
    faults: Faults
    max_line: int = MAX_LINE
    max_file: int = MAX_FILE
    max_lines: int = MAX_LINES
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Each line that is not blank, with its number, without its line end."""
        number = size = 0
        while raw := self._next():
            number, size = number + 1, size + len(raw)
            if number > self.max_lines or size > self.max_file:
                limit = f"{self.max_lines:,} lines or {self.max_file / 1e6:,.0f} MB"
                self.faults.add(number, None, f"there are more than {limit}", "split the file")
                return
            if len(raw) > self.max_line:
                self.faults.add(
                    number, None, f"the line has more than {self.max_line / 2**20:,.0f} MiB", "write a record a line"
                )
                self._skip_line(raw)
                continue
            text = self._text(raw, number)
            if text is None and number == 1 and raw.startswith(_UTF16):
                return
            if text and text.strip():
                yield number, text

    def _next(self) -> bytes:
        raw = self.file.readline(self.max_line + 1)
        self._hash.update(raw)
        return raw

    def _skip_line(self, raw: bytes) -> None:
        while raw and not raw.endswith(b"\n"):
            raw = self._next()

    def _text(self, raw: bytes, number: int) -> str | None:
        """The line as text, or None and a fault."""
        if number == 1 and raw.startswith(_UTF16):
            return self.faults.add(1, None, "the file is UTF-16", convert("UTF-16"))
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            problem = f"byte {error.start + 1} of the line (0x{error.object[error.start]:02X}) is not UTF-8"
            return self.faults.add(number, None, problem, convert("WINDOWS-1252"))
        if "\0" in text:
            remedy = "remove them; a UTF-16 file has to be saved as UTF-8"
            return self.faults.add(number, None, "the line holds NUL bytes", remedy)
        return text.rstrip("\r\n")
