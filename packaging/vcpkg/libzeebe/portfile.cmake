# An overlay port: `vcpkg install libzeebe --overlay-ports=packaging/vcpkg` builds the library as make does, from this tree, with the cargo that is
# installed. It is always built as released. vcpkg does not see when the tree changes: `vcpkg remove libzeebe`, and install with --no-binarycaching.

set(VCPKG_BUILD_TYPE release)

# A copy: vcpkg builds nothing in the tree. With vendor and .cargo where the tree is a release's.
get_filename_component(tree "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(SOURCE_PATH "${CURRENT_BUILDTREES_DIR}/src")
file(REMOVE_RECURSE "${SOURCE_PATH}")
file(GLOB parts RELATIVE "${tree}" "${tree}/*")
list(REMOVE_ITEM parts .git build target)
foreach(part IN LISTS parts)
    file(COPY "${tree}/${part}" DESTINATION "${SOURCE_PATH}" PATTERN node_modules EXCLUDE PATTERN fuzz/target EXCLUDE)
endforeach()

find_program(MAKE make REQUIRED)
find_program(CARGO cargo REQUIRED)
vcpkg_execute_required_process(COMMAND "${MAKE}" build/lib/libzeebe.so.0 WORKING_DIRECTORY "${SOURCE_PATH}" LOGNAME "build-${TARGET_TRIPLET}")
file(READ "${SOURCE_PATH}/Cargo.toml" manifest)
if(NOT manifest MATCHES "version = \"${VERSION}\"")
    message(FATAL_ERROR "vcpkg.json says ${VERSION}, and Cargo.toml another version")
endif()
vcpkg_execute_required_process(
    COMMAND scripts/place "${VERSION}" "${CURRENT_PACKAGES_DIR}" "${CURRENT_PACKAGES_DIR}/lib" "${CURRENT_PACKAGES_DIR}/include"
    WORKING_DIRECTORY "${SOURCE_PATH}" LOGNAME "place-${TARGET_TRIPLET}")

if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
    file(REMOVE "${CURRENT_PACKAGES_DIR}/lib/libzeebe.so" "${CURRENT_PACKAGES_DIR}/lib/libzeebe.so.0")
else()
    file(REMOVE "${CURRENT_PACKAGES_DIR}/lib/libzeebe.a")
endif()
vcpkg_fixup_pkgconfig()

# vcpkg has them in share, from where the rest is elsewhere.
file(INSTALL "${CURRENT_PACKAGES_DIR}/lib/cmake/zeebe" DESTINATION "${CURRENT_PACKAGES_DIR}/share")
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/lib/cmake")
set(config "${CURRENT_PACKAGES_DIR}/share/zeebe/zeebe-config.cmake")
vcpkg_replace_string("${config}" "/../..\"" "/../../lib\"")
vcpkg_replace_string("${config}" "/../../../include\"" "/../../include\"")

file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
