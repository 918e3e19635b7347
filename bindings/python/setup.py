"""Builds the extension, and puts the library beside it."""

import re
import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).parent))
import native


def version() -> str:
    header = (native.directories()[0] / "zeebe.h").read_text()
    return ".".join(re.findall(r"^#define ZEEBE_VERSION_\w+ (\d+)$", header, flags=re.M))


class BuildExtension(build_ext):
    def build_extensions(self) -> None:
        # Nor does it look for libraries where the Python that builds it has some.
        self.compiler.linker_so = [argument for argument in self.compiler.linker_so if "-rpath" not in argument]
        super().build_extensions()

    def run(self) -> None:
        super().run()
        beside = Path(self.get_ext_fullpath("libzeebe._native")).parent
        shutil.copy(native.directories()[1] / "libzeebe.so.0", beside)


setup(
    version=version(),
    cffi_modules=["native.py:builder"],
    cmdclass={"build_ext": BuildExtension},
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
