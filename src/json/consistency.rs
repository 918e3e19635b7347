//! Whether a descriptor set is one that protoc could have made, as far as prost-reflect relies on it without a look:
//! what passes here it refuses or takes, and never panics on.

use std::collections::HashMap;

use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, OneofDescriptorProto,
};

/// Messages within messages; protoc has the same bound for all that is nested.
const DEEPEST: usize = 32;

/// The error names the file and the place in it.
pub(super) fn check(set: &FileDescriptorSet) -> Result<(), String> {
    for file in &set.file {
        let name = file.name();
        if name.is_empty() {
            return Err("a file has no name".to_owned());
        }
        self::file(file).map_err(|why| format!("{name}: {why}"))?;
    }
    imports(set)
}

/// No file imports itself, through others or not.
fn imports(set: &FileDescriptorSet) -> Result<(), String> {
    let mut left: HashMap<&str, &[String]> = set
        .file
        .iter()
        .map(|file| (file.name(), file.dependency.as_slice()))
        .collect();
    loop {
        let waits = |imported: &String| left.contains_key(imported.as_str());
        let free: Vec<_> = left
            .iter()
            .filter(|(_, imported)| !imported.iter().any(waits))
            .map(|(name, _)| *name)
            .collect();
        for name in &free {
            left.remove(name);
        }
        match left.keys().min() {
            None => return Ok(()),
            Some(name) if free.is_empty() => {
                return Err(format!("{name}: it imports itself, or others that do"));
            }
            Some(_) => {}
        }
    }
}

fn file(file: &FileDescriptorProto) -> Result<(), String> {
    match file.syntax.as_deref() {
        None | Some("proto2" | "proto3") => {}
        Some(syntax) => {
            return Err(format!(
                "its syntax is {syntax:?}, of which only proto2 and proto3 are known here"
            ));
        }
    }
    if !file.package().is_empty() {
        file.package().split('.').try_for_each(identifier)?;
    }
    for message in &file.message_type {
        self::message(message, DEEPEST)?;
    }
    for enumeration in &file.enum_type {
        self::enumeration(enumeration)?;
    }
    for extension in &file.extension {
        field(extension, &[])?;
    }
    for service in &file.service {
        identifier(service.name())?;
        for method in &service.method {
            identifier(method.name())
                .map_err(|why| format!("in the service {}: {why}", service.name()))?;
        }
    }
    Ok(())
}

fn message(message: &DescriptorProto, deeper: usize) -> Result<(), String> {
    let name = message.name();
    identifier(name)?;
    let within = |why: String| format!("in {name}: {why}");
    if deeper == 0 {
        return Err(within("messages are nested too deeply".to_owned()));
    }
    for oneof in &message.oneof_decl {
        identifier(oneof.name()).map_err(within)?;
    }
    for field in &message.field {
        self::field(field, &message.oneof_decl).map_err(within)?;
    }
    for extension in &message.extension {
        field(extension, &[]).map_err(within)?;
    }
    for enumeration in &message.enum_type {
        self::enumeration(enumeration).map_err(within)?;
    }
    for nested in &message.nested_type {
        self::message(nested, deeper - 1).map_err(within)?;
    }
    let is_map_entry = message.options.as_ref().is_some_and(|it| it.map_entry());
    if is_map_entry && !is_entry(message) {
        return Err(within(
            "a map entry has a key, field 1, a value, field 2, and nothing else".to_owned(),
        ));
    }
    Ok(())
}

/// Keys are whole numbers, booleans and text.
fn is_entry(message: &DescriptorProto) -> bool {
    let [key, value] = message.field.as_slice() else {
        return false;
    };
    let is_single = |field: &FieldDescriptorProto, number, name| {
        field.number() == number && field.name() == name && field.label() == Label::Optional
    };
    let is_key = !matches!(
        key.r#type(),
        Type::Double | Type::Float | Type::Bytes | Type::Message | Type::Group | Type::Enum
    );
    is_single(key, 1, "key")
        && is_single(value, 2, "value")
        && is_key
        && key.type_name().is_empty()
        && value.r#type() != Type::Group
        && message.oneof_decl.is_empty()
}

fn field(field: &FieldDescriptorProto, oneofs: &[OneofDescriptorProto]) -> Result<(), String> {
    let name = field.name();
    identifier(name)?;
    let wrong = |why: &str| Err(format!("the field {name} {why}"));
    if field
        .r#type
        .is_some_and(|kind| Type::try_from(kind).is_err())
    {
        return wrong("has a type that is not known here");
    }
    if field
        .label
        .is_some_and(|label| Label::try_from(label).is_err())
    {
        return wrong("has a label that is not known here");
    }
    let oneof = field.oneof_index.map(usize::try_from);
    if oneof.is_some_and(|index| index.map_or(true, |index| index >= oneofs.len())) {
        return wrong("belongs to a oneof that is not there");
    }
    Ok(())
}

fn enumeration(enumeration: &EnumDescriptorProto) -> Result<(), String> {
    let name = enumeration.name();
    identifier(name)?;
    if enumeration.value.is_empty() {
        return Err(format!("the enumeration {name} has no value"));
    }
    for value in &enumeration.value {
        identifier(value.name()).map_err(|why| format!("in {name}: {why}"))?;
    }
    Ok(())
}

fn identifier(name: &str) -> Result<(), String> {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    if name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!("{name:?} is no name"))
}
