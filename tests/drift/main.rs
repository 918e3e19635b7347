//! Three descriptions of one API are equal: the header that cbindgen wrote, the metadata that
//! safer-ffi emits, and the symbols of the shared library. And the API keeps its own rules.

mod header;
mod metadata;
mod options;
mod rows;
#[path = "../support/mod.rs"]
mod support;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use safer_ffi::headers::{Language, builder};
use zeebe as _; // links the crate, whose exports then register themselves

/// Every item of the API by name, in one notation for both tools:
///
/// - a function: `zeebe_error * (default_value: const char *, out: char * *)`
/// - a struct: `{data: const uint8_t *, len: size_t}`
/// - an enumerator: `1`
type Api = BTreeMap<String, String>;

/// Of all symbols so far: docs/versioning.md.
const VERSION: &str = "ZEEBE_0.1";

#[test]
fn header_is_what_safer_ffi_checked() {
    let (header, metadata) = (header::api(), metadata::api());
    assert!(header.contains_key("zeebe_version"), "{header:#?}");
    let differences: Vec<_> = header
        .keys()
        .chain(metadata.keys())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|name| (name, header.get(name), metadata.get(name)))
        .filter(|(_, header, metadata)| header != metadata)
        .collect();
    assert!(
        differences.is_empty(),
        "(name, in the header, in the metadata): {differences:#?}"
    );
}

/// In the one for FFI generators, numbers are enumerators.
#[test]
fn both_headers_declare_the_same() {
    let (mut api, numbers) = (header::api(), header::numbers());
    assert_eq!(numbers["ZEEBE_LEEWAY_NONE"], "-1");
    assert!(numbers.len() >= 8, "{numbers:?}");
    api.extend(numbers);
    assert_eq!(header::of("zeebe_ffi.h"), api);
}

/// A language without macros has a function in the place of each _INIT.
#[test]
fn every_struct_that_may_grow_has_an_init_function() {
    let api = header::api();
    let grow = api
        .iter()
        .filter(|(_, is)| is.starts_with("{size: size_t,"));
    let names: Vec<_> = grow.map(|(name, _)| name).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let init = api.get(&format!("{name}_init")).map(String::as_str);
        let takes = init.and_then(|init| init.split_once(": "));
        let takes = takes.map(|(_, parameters)| parameters);
        let expected = format!("{name} *, size: size_t)");
        assert_eq!(takes, Some(expected.as_str()), "{name}");
    }
}

#[test]
fn shared_library_exports_what_the_header_declares() {
    // `make check` brings one that is built in seconds.
    let given = std::env::var_os("ZEEBE_LIBRARY");
    let checking = given.is_some();
    let library = match given {
        Some(path) => support::root().join(path),
        None => support::artefacts().join("lib/libzeebe.so.0"),
    };
    let symbols = support::run(
        Command::new("nm")
            .args(["-D", "--defined-only"])
            .arg(&library),
    );
    let exported: BTreeSet<_> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .filter(|name| *name != VERSION)
        .map(|name| match name.split_once("@@") {
            Some((name, version)) => {
                assert_eq!(version, VERSION);
                name
            }
            // Linked by cargo, whose script knows no versions.
            None if checking => name,
            None => panic!("{name} has no version"),
        })
        .collect();
    let header = header::api();
    let declared: BTreeSet<_> = header
        .iter()
        .filter(|(_, signature)| signature.ends_with(')'))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(exported, declared);

    let dynamic = support::run(Command::new("readelf").arg("-d").arg(&library));
    assert!(
        dynamic.contains("soname: [libzeebe.so.0]") && dynamic.contains("NODELETE"),
        "{dynamic}"
    );
}

/// safer-ffi tests what C passes only in debug builds, and then aborts; in release builds a NULL
/// for `&T` or a 7 for an enum is undefined behaviour. So C passes nothing by such a type.
#[test]
fn c_passes_only_types_without_invalid_values() {
    for item in metadata::items() {
        let members = ["valueParameters", "fields"].map(|list| item[list].as_array());
        for member in members.into_iter().flatten().flatten() {
            let ty = &member["type"];
            let pointer = &ty["type"]["type"]; // below Optional and NonNull
            let instead = match ty["kind"].as_str().unwrap() {
                "NonNull" => "Option<&T>, Option<repr_c::Box<T>> or a raw pointer",
                "Function" => "Option<unsafe extern \"C\" fn(…)>",
                "Enum" | "bool" => "i32, and check it",
                // `*out = value` through a `&mut T` would drop what C left there uninitialised.
                _ if pointer["isMutable"] == true && pointer["type"]["kind"] != "Opaque" => {
                    "*mut T, and convert::Out"
                }
                _ => continue,
            };
            panic!("{}, {}: use {instead}", item["name"], member["name"]);
        }
    }
}

/// Bindings for other languages are to be had.
#[test]
fn every_back_end_takes_the_api() {
    for language in [Language::C, Language::CSharp, Language::Lua] {
        let header = builder().with_language(language);
        header.to_writer(std::io::sink()).generate().unwrap();
    }
}
