"""Conan 2: `conan create packaging/conan` builds the library as make does, from this tree, with the cargo that is installed."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, load


class Zeebe(ConanFile):
    name = "libzeebe"
    license = "Apache-2.0"
    description = "A gRPC channel to a Zeebe gateway for every language that can call C"
    topics = ("grpc", "zeebe", "camunda")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    @property
    def _tree(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        manifest = load(self, os.path.join(self._tree, "Cargo.toml"))
        self.version = re.search(r'^version = "(.*)"', manifest, re.MULTILINE)[1]

    def export_sources(self):
        # With vendor and .cargo where the tree is a release's.
        built = ("build/*", "target/*", "fuzz/target/*", "*/node_modules/*", ".git", ".git/*")
        copy(self, "*", self._tree, self.export_sources_folder, excludes=built)

    def configure(self):
        # The interface is C's.
        self.settings.rm_safe("compiler.cppstd")
        self.settings.rm_safe("compiler.libcxx")

    def validate(self):
        if self.settings.os != "Linux" or self.settings.arch not in ("x86_64", "armv8"):
            raise ConanInvalidConfiguration("libzeebe runs on 64-bit Linux, x86_64 or armv8")

    def package_id(self):
        # It is built by Rust, as released, whatever the program's own build is.
        del self.info.settings.build_type
        del self.info.settings.compiler

    def build(self):
        self.run("make build/lib/libzeebe.so.0")

    def package(self):
        built = os.path.join(self.build_folder, "build")
        copy(self, "LICENSE", self.build_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*", os.path.join(built, "include"), os.path.join(self.package_folder, "include"))
        pattern = "libzeebe.so*" if self.options.shared else "libzeebe.a"
        copy(self, pattern, os.path.join(built, "lib"), os.path.join(self.package_folder, "lib"))

    def package_info(self):
        # As pkg-config and CMake know it when make has installed it.
        self.cpp_info.libs = ["zeebe"]
        self.cpp_info.set_property("pkg_config_name", "zeebe")
        self.cpp_info.set_property("cmake_file_name", "zeebe")
        self.cpp_info.set_property("cmake_target_name", "zeebe::zeebe")
        if not self.options.shared:
            self.cpp_info.set_property("cmake_target_aliases", ["zeebe::zeebe-static"])
            self.cpp_info.system_libs = ["pthread", "dl", "m"]
            # A plugin that holds the library must stay loaded: its threads outlive dlclose().
            self.cpp_info.sharedlinkflags = ["-Wl,-z,nodelete"]
