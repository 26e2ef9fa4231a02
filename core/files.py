"""Files that are whole or not there, and a sentence for a full disk.

For example:

    with writing(folder): ...                        # a full disk becomes a LabError
    write_whole(folder / "state.json", text)         # never half a file, also when the process is killed
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from core.errors import LabError


@contextmanager
def writing(folder: str | Path) -> Iterator[None]:
    """Turn the exception of a full disk or a deleted folder inside the block into a `LabError`.

    Raises:
        LabError: `no_space` or `run_missing`.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            raise LabError("no_space", folder=str(folder)) from error
        if not Path(folder).exists():
            raise LabError("run_missing", name=Path(folder).name) from error
        raise


def write_whole(file: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part, and the new survives a power cut.

    Raises:
        LabError: `no_space`.
    """
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with writing(file.parent):
        try:
            with part.open("wb") as stream:
                stream.write(content.encode() if isinstance(content, str) else content)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
