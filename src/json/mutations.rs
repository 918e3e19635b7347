//! Descriptor sets and messages that are nearly right: whatever a file or a peer says, it is refused or read, and
//! nothing panics. The same each time: the seeds are numbers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;
use prost::Message;
use prost_reflect::prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use super::{Rpc, protocol};
use crate::error;

/// Cases of each kind, for each set.
const CASES: u64 = 300;

fn sets() -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/c/protocols");
    let set = |name| {
        let mut compiler = protox::Compiler::new([directory]).unwrap();
        compiler.include_imports(true).open_file(name).unwrap();
        compiler.encode_file_descriptor_set()
    };
    vec![set("custom.proto"), set("newer.proto"), set("old.proto")]
}

/// Runs a case that a failure can be told by.
fn each(set: &[u8], case: impl Fn(&mut Rng, &[u8])) {
    for seed in 0..CASES {
        let run = || case(&mut Rng::with_seed(seed), set);
        assert!(catch_unwind(AssertUnwindSafe(run)).is_ok(), "seed {seed}");
    }
}

/// What bytes become on a bad way.
fn spoil(random: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..random.usize(1..4) {
        if bytes.is_empty() {
            return bytes.push(random.u8(..));
        }
        let at = random.usize(..bytes.len());
        match random.u8(..6) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << random.u8(..8),
            2 => bytes[at] = random.u8(..),
            3 => bytes.insert(at, random.u8(..)),
            4 => drop(bytes.remove(at)),
            _ => {
                let end = (at + random.usize(..64)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
}

/// A name that may be anybody's, or nobody's.
fn name(random: &mut Rng) -> Option<String> {
    let names = [
        "",
        ".",
        "a",
        "a.b",
        ".custom.Shape",
        ".old.Order",
        "Order",
        ".old.Speed",
        ".old.Order.PartsByKeyEntry",
        "x.",
        "ä",
        "a b",
        "google.protobuf.Any",
        ".google.protobuf.Duration",
        "value",
        "key",
        "name",
        "old",
        "\0",
    ];
    random
        .bool()
        .then(|| names[random.usize(..names.len())].to_owned())
}

fn spoil_field(random: &mut Rng, field: &mut FieldDescriptorProto) {
    match random.u8(..10) {
        0 => field.name = name(random),
        1 => {
            field.number = [
                None,
                Some(0),
                Some(-1),
                Some(19000),
                Some(i32::MAX),
                Some(1),
                Some(2),
            ][random.usize(..7)]
        }
        2 => field.r#type = random.bool().then(|| random.i32(-1..20)),
        3 => field.type_name = name(random),
        4 => field.label = random.bool().then(|| random.i32(-1..5)),
        5 => {
            field.oneof_index = random
                .bool()
                .then(|| [-1, 0, 1, i32::MAX][random.usize(..4)])
        }
        6 => field.proto3_optional = Some(random.bool()),
        7 => field.json_name = name(random),
        8 => field.extendee = name(random),
        _ => field.default_value = name(random),
    }
}

fn spoil_message(random: &mut Rng, message: &mut DescriptorProto) {
    match random.u8(..9) {
        0 => message.name = name(random),
        1 => message.nested_type.push(message.clone()),
        2 => message.oneof_decl.clear(),
        3 => {
            let mut options = message.options.take().unwrap_or_default();
            options.map_entry = Some(!options.map_entry());
            message.options = Some(options);
        }
        4 if !message.field.is_empty() => {
            drop(message.field.remove(random.usize(..message.field.len())))
        }
        5 if !message.field.is_empty() => {
            let copy = message.field[random.usize(..message.field.len())].clone();
            message.field.push(copy);
        }
        6 if !message.nested_type.is_empty() => {
            let nested = random.usize(..message.nested_type.len());
            spoil_message(random, &mut message.nested_type[nested]);
        }
        7 if !message.extension.is_empty() => spoil_field(random, &mut message.extension[0]),
        _ if !message.field.is_empty() => {
            let field = random.usize(..message.field.len());
            spoil_field(random, &mut message.field[field]);
        }
        _ => {}
    }
}

fn spoil_file(random: &mut Rng, file: &mut FileDescriptorProto) {
    match random.u8(..12) {
        0 => file.name = name(random),
        1 => file.package = name(random),
        2 => {
            file.syntax = [
                None,
                Some("proto2"),
                Some("proto3"),
                Some("editions"),
                Some(""),
            ][random.usize(..5)]
            .map(str::to_owned)
        }
        3 => file.dependency.push(file.name().to_owned()),
        4 => file.dependency.clear(),
        5 => file
            .public_dependency
            .push([-1, 0, 7, i32::MAX][random.usize(..4)]),
        6 if !file.enum_type.is_empty() => match random.u8(..3) {
            0 => file.enum_type[0].value.clear(),
            1 => file.enum_type[0].name = name(random),
            _ => drop(file.enum_type[0].value.remove(0)),
        },
        7 if !file.service.is_empty() => {
            let service = &mut file.service[0];
            match random.u8(..5) {
                0 => service.name = name(random),
                1 => service.method.push(service.method[0].clone()),
                2 => service.method[0].name = name(random),
                3 => service.method[0].input_type = name(random),
                _ => service.method[0].output_type = name(random),
            }
        }
        8 if !file.extension.is_empty() => {
            let extension = random.usize(..file.extension.len());
            spoil_field(random, &mut file.extension[extension]);
        }
        _ if !file.message_type.is_empty() => {
            let message = random.usize(..file.message_type.len());
            spoil_message(random, &mut file.message_type[message]);
        }
        _ => {}
    }
}

/// Refused for what it is, or used in every way there is.
fn use_set(random: &mut Rng, set: &[u8]) {
    match protocol::read(set) {
        Ok(pool) => use_pool(random, &pool),
        Err(error) => assert_eq!(error.kind(), error::Kind::InvalidArgument, "{error}"),
    }
}

fn use_pool(random: &mut Rng, pool: &DescriptorPool) {
    for rpc in pool
        .services()
        .flat_map(|service| service.methods().map(Rpc).collect::<Vec<_>>())
    {
        let refused =
            |error: error::Error| assert_eq!(error.kind(), error::Kind::InvalidArgument, "{error}");
        for _ in 0..4 {
            let json = object(random, &rpc.input(), 0);
            let mut bytes = match rpc.request_from_json(&json) {
                Ok(bytes) => bytes,
                Err(error) => {
                    refused(error);
                    continue;
                }
            };
            rpc.response_to_json(&bytes).map_or_else(refused, drop);
            spoil(random, &mut bytes);
            rpc.response_to_json(&bytes).map_or_else(refused, drop);
            let noise: Vec<u8> = (0..random.usize(..40)).map(|_| random.u8(..)).collect();
            rpc.response_to_json(&noise).map_or_else(refused, drop);
        }
    }
}

/// JSON of a message; not always right.
fn object(random: &mut Rng, message: &MessageDescriptor, depth: usize) -> String {
    let mut entries = Vec::new();
    for field in message.fields() {
        if random.bool() && depth < 4 {
            entries.push(format!(
                "{:?}:{}",
                field.json_name(),
                field_value(random, &field, depth)
            ));
        }
    }
    format!("{{{}}}", entries.join(","))
}

fn field_value(random: &mut Rng, field: &FieldDescriptor, depth: usize) -> String {
    match field.kind() {
        Kind::Message(_) if field.is_map() => {
            let key = ["0", "a", "true"][random.usize(..3)];
            format!("{{{key:?}:{}}}", random.u8(..))
        }
        kind if field.is_list() => format!("[{}]", value(random, &kind, depth)),
        kind => value(random, &kind, depth),
    }
}

fn value(random: &mut Rng, kind: &Kind, depth: usize) -> String {
    let odd = [
        "1",
        "-1",
        "1.5",
        "1e20",
        "null",
        "\"\"",
        "\"x\"",
        "true",
        "[]",
        "{}",
        "\"1s\"",
        "\"2026-01-02T03:04:05Z\"",
    ];
    match kind {
        Kind::Message(message) if random.u8(..4) > 0 => object(random, message, depth + 1),
        Kind::String if random.bool() => "\"text\"".to_owned(),
        Kind::Bytes if random.bool() => "\"AP8=\"".to_owned(),
        _ => odd[random.usize(..odd.len())].to_owned(),
    }
}

#[test]
fn sets_with_broken_bytes_are_refused_or_read() {
    for set in sets() {
        each(&set, |random, set| {
            let mut set = set.to_vec();
            spoil(random, &mut set);
            use_set(random, &set);
        });
    }
}

#[test]
fn sets_that_contradict_themselves_are_refused_or_read() {
    for set in sets() {
        each(&set, |random, set| {
            let mut set = FileDescriptorSet::decode(set).unwrap();
            for _ in 0..random.usize(1..4) {
                let file = random.usize(..set.file.len());
                // Mostly the last, which is the one with the services.
                let file = if random.bool() {
                    file
                } else {
                    set.file.len() - 1
                };
                match random.u8(..10) {
                    0 => set.file.push(set.file[file].clone()),
                    1 if set.file.len() > 1 => drop(set.file.remove(file)),
                    _ => spoil_file(random, &mut set.file[file]),
                }
            }
            use_set(random, &set.encode_to_vec());
        });
    }
}

#[test]
fn messages_are_refused_or_read() {
    for set in sets() {
        each(&set, use_set);
    }
}
