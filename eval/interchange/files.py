"""Where an export goes: to standard output, or into a file that is whole or not there at all."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from eval.interchange.lines import FileError


@contextmanager
def whole_file(path: Path | None) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place when all is written; standard output where there is no path.

    An earlier file of the name is replaced then and not before. Raises FileError where it cannot be written.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.is_dir():
        raise FileError(f"{path} is a folder; name a file in it.")
    beside = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
