"""Reads files' headers in a child process: ``python -m generation.library.headers``.

Anybody may have made the files, so memory is limited there, and each file's time. A file that ends
the process costs itself only: the next one has a new process. Imports no torch.

Paths come on standard input, one a line as JSON; what each file is goes out the same way.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from generation.library.diffusers_folder import inspect_folder
from generation.loading.detect import Kind, ModelFile, inspect_file
from generation.phrases import Phrase
from generation.worker.hardware import limit_memory

MODULE = "generation.library.headers"
MEMORY = 512 * 2**20  # bytes; a header of 16 MiB takes up to 250
FILE_S = 30.0  # network disks may have to wake up
# What a child has no use for: the bot's token, and those for downloads.
_SECRETS = ("TOKEN", "SECRET", "PASSWORD", "DISCORD__")


class Child:
    """A child process that answers about files, started when it is first asked.

    ``module`` is what it runs. Blocks; use it as a context manager, and in a thread where others
    wait.
    """

    def __init__(self, module: str, answer_s: float) -> None:
        self._module, self._answer_s = module, answer_s
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def ask(self, question: Any) -> Any:  # noqa: ANN401
        """Return what it answers, both of JSON's types.

        Raises OSError or ValueError if it ended or took too long; it is begun anew then.
        """
        child = self._child = self._child or _start(self._module)
        timer = threading.Timer(self._answer_s, child.kill)
        timer.start()
        try:
            assert child.stdin is not None  # noqa: S101 - both are pipes
            assert child.stdout is not None  # noqa: S101
            child.stdin.write(json.dumps(question).encode() + b"\n")
            child.stdin.flush()
            return json.loads(child.stdout.readline())
        except (OSError, ValueError):
            self.end()
            raise
        finally:
            timer.cancel()

    def kill(self) -> None:
        """End the child from another thread; what it was reading is not read."""
        if (child := self._child) is not None:
            child.kill()

    def end(self) -> None:
        """End it; the next question has a new one."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()


class HeaderReader(Child):
    """A child process that reads headers."""

    def __init__(self, file_s: float = FILE_S) -> None:
        super().__init__(MODULE, file_s)

    def read(self, path: Path) -> ModelFile:
        """Return what a file, or a folder in diffusers' format, is.

        What it cannot be read for is its ``problem``.
        """
        try:
            return from_json(path, self.ask(str(path)))
        except (OSError, ValueError, KeyError, TypeError):
            self.end()
            problem = Phrase("checkpoint-unreadable", file=str(path))
            return ModelFile(path=path, problem=problem)


def to_json(file: ModelFile) -> dict[str, Any]:
    """Return a file as JSON's types, without its path."""
    said = {one.name: getattr(file, one.name) for one in fields(file) if one.name != "path"}
    return {**said, "problem": packed(file.problem)}


def from_json(path: Path, said: Mapping[str, Any]) -> ModelFile:
    """Return the file again; raises ValueError, KeyError or TypeError for anything else."""
    read = {**said, "kind": Kind(said["kind"]), "problem": unpacked(said["problem"])}
    read["sizes"] = tuple(said["sizes"])
    return ModelFile(path=path, **read)


def packed(value: Any) -> Any:  # noqa: ANN401
    """Return a phrase, or a value in one, as JSON's types."""
    if isinstance(value, Phrase):
        return {"code": value.code, **{name: packed(one) for name, one in value.values.items()}}
    return list(value) if isinstance(value, tuple) else value


def unpacked(value: Any) -> Any:  # noqa: ANN401
    """Return what `packed` was given."""
    if isinstance(value, dict):
        values = {name: unpacked(one) for name, one in value.items() if name != "code"}
        return Phrase(value["code"], **values)
    return tuple(value) if isinstance(value, list) else value


def _start(module: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={
            key: value
            for key, value in os.environ.items()
            if not any(secret in key.upper() for secret in _SECRETS)
        },
    )


def _read(place: str) -> dict[str, Any]:
    path = Path(place)
    return to_json(inspect_folder(path) if path.is_dir() else inspect_file(path))


def serve(questions: IO[bytes], answers: IO[bytes], answer: Callable[[Any], Any] = _read) -> None:
    """Answer until the input ends."""
    for line in questions:
        answers.write(json.dumps(answer(json.loads(line))).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    limit_memory(MEMORY)
    serve(sys.stdin.buffer, sys.stdout.buffer)
