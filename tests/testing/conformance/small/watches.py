"""A small information driver."""

from __future__ import annotations

import base64
import socket
import subprocess
import sys
import threading
import time
import zlib

from tests.testing.conformance.small.world import FailedError, element, has, wait_as_told

WATCHES: dict[int, threading.Event] = {}


def pack(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode())).decode()


def start_monitor(number: int, words: list[str]) -> str:
    text = zlib.decompress(base64.b64decode(words[-1], validate=True)).decode()
    if not element(text, "NAME") or not text.endswith(">"):
        raise FailedError("the request names no host")
    if element(text, "NAME") == "nowhere" and not has("unreachable-succeeds"):
        raise FailedError("nowhere cannot be reached")
    wait_as_told(text)
    if number in WATCHES and not has("watches-twice"):
        WATCHES[number].set()
    stop = WATCHES[number] = threading.Event()
    period = float(element(element(text, "PROBES_PERIOD"), "MONITOR_HOST"))
    port = int(element(text, "PORT"))
    threading.Thread(target=watch, args=(number, port, period, stop), daemon=True).start()
    if has("answer-not-packed"):
        return f"{int(time.time())} HYPERVISOR=mine"
    return f"{int(time.time())} {pack('')}"


def watch(number: int, port: int, period: float, stop: threading.Event) -> None:
    if has("sends-from-outside"):
        code = (
            "import socket,sys,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
            "while True: s.sendto(sys.argv[2].encode(),('127.0.0.1',int(sys.argv[1])));time.sleep(.2)"
        )
        told = message(number)
        subprocess.Popen([sys.executable, "-ISc", code, str(port), told], stdin=-3, stdout=-3)
        return
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while not stop.wait(period):
        if not has("sends-nothing"):
            sender.sendto(message(number).encode(), ("127.0.0.1", port))
    sender.close()


def message(number: int) -> str:
    if has("sends-another-host"):
        number += 1
    text = "USEDCPU=0\nFREECPU=100\nUSEDMEMORY=0\nFREEMEMORY=1000000\n"
    if has("sends-not-packed"):
        return f"MONITOR_HOST SUCCESS {number} {int(time.time())} {text}"
    if has("sends-strange-types"):
        return f"HOST_STATE SUCCESS {number} {int(time.time())} {pack(text)}"
    return f"MONITOR_HOST SUCCESS {number} {int(time.time())} {pack(text)}"


def stop_monitor(number: int, words: list[str]) -> str:
    if number not in WATCHES and has("second-stop-fails"):
        raise FailedError("it is not watched")
    if number in WATCHES and not has("stop-does-nothing"):
        WATCHES.pop(number).set()
    return f"{int(time.time())} {pack('')}"
