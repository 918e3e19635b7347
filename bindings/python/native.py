"""What cffi compiles: zeebe.h, read from where the library is, and glue.c.

The library is that of LIBZEEBE_PREFIX (with include/ and lib/), else the one that pkg-config finds.
"""

import os
import re
import subprocess
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent


def _pkg_config(variable: str) -> Path:
    command = ["pkg-config", f"--variable={variable}", "zeebe"]
    return Path(subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.strip())


def directories() -> tuple[Path, Path]:
    """Of the header and of the library."""
    prefix = os.environ.get("LIBZEEBE_PREFIX")
    if prefix:
        return Path(prefix) / "include", Path(prefix) / "lib"
    return _pkg_config("includedir"), _pkg_config("libdir")


def _as_c11(text: str) -> str:
    """The lines that a C11 compiler sees. Of conditions there are those of the enumerations, C++ and newer C, which are false, and of the include guard."""
    lines, kept = [], [True]
    for line in text.splitlines():
        word = line.replace("# ", "#").split(" ")[0].strip()
        if word in ("#if", "#ifdef", "#ifndef"):
            is_false = ("__cplusplus" in line and word != "#ifndef") or "__STDC_VERSION__" in line or "__GNUC__" in line
            kept.append(kept[-1] and not is_false)
        elif word == "#else":
            kept[-1] = kept[-2] and not kept[-1]
        elif word == "#endif":
            kept.pop()
        elif kept[-1]:
            lines.append(line)
    return "\n".join(lines)


def declarations(header: str) -> str:
    """What cffi reads, of the header's text: its declarations without comments, and its numbers."""
    code = _as_c11(re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.S))
    numbers = re.findall(r"^#define (ZEEBE_\w+) \(?-?\d+\)?$", code, flags=re.M)
    code = re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*$", "", code, flags=re.M)
    return code.replace("ZEEBE_API ", "") + "".join(f"\n#define {name} ..." for name in numbers) + "\n"


def builder() -> FFI:
    include, library = directories()
    glue = (HERE / "glue.h").read_text()
    ffi = FFI()
    ffi.cdef(declarations((include / "zeebe.h").read_text()) + glue)
    ffi.set_source(
        "libzeebe._native",
        "#include <zeebe.h>\n" + glue + (HERE / "glue.c").read_text(),
        include_dirs=[str(include)],
        extra_compile_args=["-std=c11", "-Wall", "-Wno-unused-function", "-Wno-unused-variable"],
        # Beside the extension, in the wheel.
        extra_objects=[str(library / "libzeebe.so.0")],
        extra_link_args=["-Wl,-rpath,$ORIGIN", "-Wl,-z,nodelete", "-Wl,-s"],
    )
    return ffi
