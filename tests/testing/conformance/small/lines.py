"""What a small driver says."""

from __future__ import annotations

import os
import threading
import time

from tests.testing.conformance.small.world import LOCK, has


class Lines:
    """Answers go out here."""

    held = ""

    @classmethod
    def write(cls, line: str, end: str = "\n") -> None:
        data = line.encode("utf-8", "surrogateescape") + end.encode()
        with LOCK:
            if has("answers-in-pieces") and len(data) > 20:
                os.write(1, data[:9])
                time.sleep(0.15)
                data = data[9:]
            os.write(1, data)

    @classmethod
    def answer(cls, action: str, success: bool, number: int, info: str) -> None:
        if has("other-id") and action != "INIT":
            number += 1
        if has("no-answer-to-failures") and not success:
            return
        if has("no-reason") and not success:
            info = "-"
        if has("newline-in-info"):
            info = f"{info}\nand more"
        if has("rubbish-in-info"):
            info = f"{info} \udcff\udcfe"
        if has("tells-colours"):
            info = f"\x1b[31m{info}\x1b[0m"
        if has("action-in-lower-case"):
            action = action.lower()
        word = "SUCCESS" if success else "FAILURE"
        if has("other-result-word"):
            word = "OK" if success else "ERROR"
        if has("debug-on-stdout"):
            cls.write(f"debug: done with {action}")
        if has("strange-severity"):
            cls.write(f"LOG INFO {number} done")
        line = f"{action} {word} {number} {info}"
        if has("answers-one-late"):
            line, cls.held = cls.held, line
        if line:
            cls.write(line)
        if has("answers-twice"):
            cls.write(line)
        if has("answers-twice-later"):
            threading.Timer(0.2, lambda: cls.write(line)).start()
