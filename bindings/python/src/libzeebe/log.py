"""The library's log, as records of Python's logging.

The library never calls Python: it sends its records over a socket, and a thread of ours reads them.
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
import threading
import traceback
from typing import Any

from ._native import ffi, lib
from .errors import check

TRACE = 5
"""The library's level below logging.DEBUG."""

_LEVELS = {
    lib.ZEEBE_LOG_LEVEL_ERROR: logging.ERROR,
    lib.ZEEBE_LOG_LEVEL_WARN: logging.WARNING,
    lib.ZEEBE_LOG_LEVEL_INFO: logging.INFO,
    lib.ZEEBE_LOG_LEVEL_DEBUG: logging.DEBUG,
    lib.ZEEBE_LOG_LEVEL_TRACE: TRACE,
}
_LARGEST = 8192
# At the interpreter's end, for handlers.
_PATIENCE = 2.0

_logger = logging.getLogger("libzeebe")


def set_log_level(level: int | None) -> None:
    """Sends the library's records of this level of logging's and above to the logger `libzeebe`; None: none, as it is at first.

    The logger's own level counts, too. What a record is of, `zeebe::channel` say, is its attribute `target`. Records hold no token and no secret. They are
    handled on a thread of their own; slow handlers cost records, and are told how many, but no time. A child of fork() asks for its own.
    """
    if level is not None and (isinstance(level, bool) or not isinstance(level, int)):
        raise TypeError(f"level is one of logging's numbers, or None, not {level!r}")
    _log.set(level)


class _Log:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: list[_Reader] = []
        """Those that have not ended."""

    def set(self, level: int | None) -> None:
        natives = [native for native, ours in _LEVELS.items() if level is not None and ours >= level]
        with self._lock:
            self._readers = [reader for reader in self._readers if reader.is_alive()]
            if natives:
                self._readers.append(_Reader(max(natives)))
            else:
                check(lib.zeebe_set_log_callback(lib.ZEEBE_LOG_LEVEL_OFF, ffi.NULL, ffi.NULL, ffi.NULL))

    def at_exit(self) -> None:
        """What was logged before the end is handled, too."""
        if self._readers:
            self.set(None)
            for reader in self._readers:
                reader.join(_PATIENCE)

    def after_fork(self) -> None:
        """The records are the parent's, and so is the thread."""
        for reader in self._readers:
            reader.close()
        self.__init__()  # type: ignore[misc]


class _Reader(threading.Thread):
    """Reads the records of one level, until others are asked for."""

    def __init__(self, level: int) -> None:
        super().__init__(name="zeebe-log", daemon=True)
        receiving, sending_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sending = sending_end.detach()
        self._descriptors: tuple[int, ...] = (receiving.detach(), sending)
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        # From here on the thread closes them, at the end of the records.
        check(lib.zeebepy_log_start(level, sending))

    def run(self) -> None:
        receiving = self._descriptors[0]
        while packet := os.read(receiving, _LARGEST):
            try:
                _handle(packet)
            except Exception:
                # As logging does with what a handler raises.
                if logging.raiseExceptions:
                    traceback.print_exc()
        self.close()

    def close(self) -> None:
        descriptors, self._descriptors = self._descriptors, ()
        for descriptor in descriptors:
            os.close(descriptor)


def _handle(packet: bytes) -> None:
    number, dropped, target, message = packet.decode(errors="replace").split(" ", 3)
    if dropped != "0":
        _logger.warning("%s log records were dropped: slow handlers", dropped)
    extra: dict[str, Any] = {"target": target}
    _logger.log(_LEVELS.get(int(number), logging.INFO), message, extra=extra)


_log = _Log()
atexit.register(_log.at_exit)
os.register_at_fork(after_in_child=_log.after_fork)
