"""The binding and zeebe.h are one: what cffi was given is all that the header declares, and every option has a name here."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys

import libzeebe
from conftest import ROOT
from libzeebe import _option_names, errors
from libzeebe._native import ffi, lib

sys.path.insert(0, str(ROOT / "bindings/python"))
import native

HEADER = (ROOT / "include/zeebe.h").read_text()


def test_every_function_and_constant_of_the_header_is_there() -> None:
    functions = re.findall(r"^ZEEBE_API [^(]*?\b(zeebe_\w+)\(", HEADER, flags=re.M)
    assert len(functions) > 140
    assert [name for name in functions if not hasattr(lib, name)] == []
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)
    constants = re.findall(r"^  (ZEEBE_\w+) = (\d+),$", code, flags=re.M)
    assert len(constants) > 60
    assert [name for name, value in constants if getattr(lib, name) != int(value)] == []
    assert lib.ZEEBE_LEEWAY_NONE == -1


def test_the_declarations_are_those_that_a_compiler_sees() -> None:
    command = ["cc", "-std=c11", "-E", "-P", "-DZEEBE_API=", str(ROOT / "include/zeebe.h")]
    compiled = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    ours = re.sub(r"^#define .*$", "", native.declarations(HEADER), flags=re.M)
    begin = "typedef struct zeebe_log_record zeebe_log_record;"
    assert compiled[compiled.index(begin) :].split() == ours[ours.index(begin) :].split()


def test_kinds_and_sources_are_the_headers() -> None:
    for enumeration, prefix in (
        (libzeebe.ErrorKind, "ERROR_KIND"),
        (libzeebe.ErrorSource, "ERROR_SOURCE"),
        (libzeebe.ClientAuthentication, "CLIENT_AUTHENTICATION"),
    ):
        theirs = {name[len(prefix) + 7 :]: getattr(lib, name) for name in dir(lib) if name.startswith(f"ZEEBE_{prefix}_")}
        theirs.pop("NONE", None)
        assert {one.name: one.value for one in enumeration} == theirs
    statuses = {name[13:]: getattr(lib, name) for name in dir(lib) if name.startswith("ZEEBE_STATUS_")}
    assert {code.name: number for number, code in errors.STATUS_CODES.items()} == statuses


def test_every_option_of_a_message_has_its_name_here() -> None:
    for own in _option_names.OPTION_NAMES.values():
        owner, _, field = own.rpartition(".")
        if owner:
            assert field in {one.name for one in dataclasses.fields(getattr(libzeebe, owner))}, own
    structs = {"zeebe_token_options": "token_options", "zeebe_connection_options": "connection_options", "zeebe_job_worker_options": "worker_options"}
    for struct, of in structs.items():
        for name, _ in ffi.typeof(struct).fields:
            if name != "size" and not name.startswith("reserved") and name != "metadata" and not name.endswith("_count"):
                assert f"{of}.{name}" in _option_names.OPTION_NAMES
    text = "x: token_options.prefetch, options.leeway; options.no_such"
    assert _option_names.in_python(text) == "x: TokenOptions.prefetch, leeway; options.no_such"


def test_the_version_is_the_headers() -> None:
    numbers = re.findall(r"^#define ZEEBE_VERSION_\w+ (\d+)$", HEADER, flags=re.M)
    assert libzeebe.__version__ == ".".join(numbers)
