"""The quantizer's reasons: it raises an empty error and prints the diagnostic straight to file descriptor 2."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO


@dataclass
class Captured:
    """What was printed; complete once the capture has ended."""

    file: IO[bytes]
    ended: str | None = None

    @property
    def text(self) -> str:
        if self.ended is not None:
            return self.ended
        self.file.seek(0)
        return self.file.read().decode("utf-8", "replace")

    @property
    def reason(self) -> str:
        """The diagnostics marked as errors, without places in files that nobody has; else the last lines."""
        errors = re.findall(r"error: (.*)", self.text)
        return "; ".join(dict.fromkeys(e.strip() for e in errors)) or " ".join(self.text.split("\n")[-3:]).strip() or "it gave no reason"


@contextmanager
def captured_stderr() -> Iterator[Captured]:
    """Collect what native code writes to file descriptor 2; it is printed again at the end, so that the log has it too."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        captured = Captured(file)
        try:
            yield captured
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            captured.ended = captured.text
            sys.stderr.write(captured.ended)
