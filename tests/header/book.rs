//! The header as a book: chapters in their order, in each the types and functions of its modules, in the order of the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use zeebe::options::{self, Takes};

use crate::comment::{WIDTH, doc, wrapped};
use crate::parameters;
use crate::plain;

/// A heading, what is below it, and the modules of src/capi whose declarations stand there.
const CHAPTERS: &[(&str, &str, &[&str])] = &[
    (
        "The library",
        "Its version, threads, log and strings, and the settings that the environment holds.",
        &["library", "callback", "environment"],
    ),
    (
        "Errors",
        "Why a function or a call failed, and gRPC's status codes.",
        &["error", "status"],
    ),
    ("Buffers", "Immutable bytes.", &["buffer"]),
    (
        "Metadata",
        "Keys and values that go with a call: at its start, and at its end as trailers.",
        &["metadata_builder", "metadata"],
    ),
    (
        "Credentials",
        "What secures a channel's connections.",
        &["credentials"],
    ),
    (
        "Plugins",
        "What authenticates calls: tokens of an authorization server, of the program's own, or fixed.",
        &["token_options", "token_request", "plugin", "fixed_plugin"],
    ),
    (
        "Channels",
        "How a gateway is reached: the constructors, and what a channel can be asked.",
        &["constructors", "channel"],
    ),
    (
        "Calls",
        "Unary and streaming, with callbacks, on a completion queue, or blocking.",
        &["call", "response", "unary_call", "streaming_call"],
    ),
    (
        "Completion queues",
        "Where ends and events of calls are taken in batches, by threads or by an event loop.",
        &["event", "completion_queue"],
    ),
    (
        "Job streams",
        "Jobs of one type, pushed, that go on by themselves.",
        &["job_stream"],
    ),
    (
        "Job workers",
        "Jobs of one type, worked on: by callbacks, from a completion queue, or one at a time.",
        &[
            "job_worker_options",
            "job_worker_handler",
            "job_worker",
            "job",
            "job_end",
        ],
    ),
    (
        "JSON",
        "Calls and messages as JSON, by the name of their RPC.",
        &["json"],
    ),
];

/// What cbindgen.toml ends with.
const BODY: &str = "/* body */\n";

/// One declaration with its comment.
pub(crate) struct Item {
    pub(crate) doc: String,
    pub(crate) code: String,
}

impl Item {
    fn is_handle(&self) -> bool {
        let line = self.code.trim();
        line.starts_with("typedef struct zeebe_") && !line.contains('{')
    }

    fn is_function(&self) -> bool {
        self.code.starts_with("ZEEBE_API")
    }
}

/// The text of zeebe.h, and of zeebe_ffi.h.
pub(crate) fn book(generated: &str, capi: &Path) -> [String; 2] {
    let (prologue, body) = generated.split_once(BODY).unwrap();
    let mut items = items(body);
    let mut book = conventions(prologue);
    let mut plain = plain::head(prologue);
    book += "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n";

    let chapters: Vec<_> = CHAPTERS
        .iter()
        .map(|(heading, about, modules)| {
            let names: Vec<_> = modules
                .iter()
                .flat_map(|module| names(&capi.join(format!("{module}.rs"))))
                .filter(|name| items.contains_key(name))
                .collect();
            (heading, about, names)
        })
        .collect();
    book += &banner("Handles", "Opaque. Each has a _free, and most a _ref.");
    for name in chapters.iter().flat_map(|(_, _, names)| names) {
        if items[name].is_handle() {
            let Item { doc: text, code } = items.remove(name).unwrap();
            plain += &plain::declaration(&code);
            book += &format!("\n{}{}\n", doc(&text, ""), code.trim());
        }
    }
    for (heading, about, names) in chapters {
        book += &banner(heading, about);
        for name in names {
            if let Some(item) = items.remove(&name) {
                plain += &plain::declaration(&item.code);
                book += "\n";
                book += &printed(&name, item);
            }
        }
    }
    let left: Vec<_> = items.keys().collect();
    assert!(left.is_empty(), "in no chapter: {left:?}");
    book += "\n#ifdef __cplusplus\n} /* extern \"C\" */\n#endif\n\n#endif /* ZEEBE_H */\n";
    [book, plain]
}

fn banner(heading: &str, about: &str) -> String {
    let rule = "=".repeat(WIDTH - 6);
    format!("\n/* {rule} */\n/* {heading}\n *\n * {about}\n */\n")
}

/// What comes before the first declaration, wrapped: a rule of the conventions begins with its number.
fn conventions(prologue: &str) -> String {
    let (comment, rest) = prologue.split_once("*/").unwrap();
    let mut rules = Vec::<String>::new();
    for line in comment.lines() {
        let text = line
            .trim_start_matches("/*")
            .trim_start_matches(" *")
            .trim();
        let is_rule = text.starts_with(|c: char| c.is_ascii_digit());
        match rules.last_mut() {
            Some(rule)
                if !is_rule
                    && !text.is_empty()
                    && rule.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                rule.push(' ');
                rule.push_str(text);
            }
            _ => rules.push(text.to_owned()),
        }
    }
    let mut book = String::new();
    for (index, rule) in rules.iter().enumerate() {
        for line in wrapped(rule, WIDTH - 3, "    ") {
            let begin = if index == 0 && book.is_empty() {
                "/* "
            } else {
                " * "
            };
            book += format!("{begin}{line}").trim_end();
            book += "\n";
        }
    }
    format!("{book} */{}\n", rest.trim_end())
}

/// Names of what a source declares, in its order.
fn names(path: &Path) -> Vec<String> {
    let source = fs::read_to_string(path).unwrap();
    let name = |line: &str| {
        let rest = [
            "pub struct ",
            "pub enum ",
            "pub type ",
            "pub extern \"C\" fn ",
        ]
        .iter()
        .find_map(|begin| line.strip_prefix(begin))?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        Some(rest[..end].to_owned())
    };
    source.lines().filter_map(name).collect()
}

fn items(body: &str) -> BTreeMap<String, Item> {
    let body = body
        .replace(
            "#ifdef __cplusplus\nextern \"C\" {\n#endif // __cplusplus\n",
            "",
        )
        .replace(
            "#ifdef __cplusplus\n}  // extern \"C\"\n#endif  // __cplusplus\n",
            "",
        )
        .replace("#endif  /* ZEEBE_H */", "");
    let mut items = BTreeMap::new();
    for block in format!("\n{body}").split("\n/**\n").skip(1) {
        let (comment, code) = block.split_once("\n */\n").unwrap();
        let text: Vec<_> = comment
            .lines()
            .map(|line| line.trim_start_matches(" *").trim())
            .collect();
        let item = Item {
            doc: text.join("\n"),
            code: code.trim().to_owned(),
        };
        items.insert(name_of(&item.code), item);
    }
    items
}

fn name_of(code: &str) -> String {
    let first = code.lines().next().unwrap();
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    if let Some(rest) = first.strip_prefix("enum ") {
        return word(rest);
    }
    let last = |text: &str| {
        let text = text.trim_end_matches(';');
        let at = text.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        text[at.map_or(0, |at| at + 1)..].to_owned()
    };
    if code.starts_with("ZEEBE_API") {
        return last(code.split('(').next().unwrap());
    }
    match code.split_once("(*") {
        Some((before, rest)) if before.starts_with("typedef") && !before.contains('{') => {
            word(rest)
        }
        _ => last(code),
    }
}

fn printed(name: &str, item: Item) -> String {
    if item.is_function() {
        let text = format!("{}\n\n{}", item.doc, parameters::of(name, &item));
        return doc(&text, "") + &function(&item.code);
    }
    let mut printed = doc(&item.doc, "") + &with_comments(name, &item.code);
    if item.code.starts_with("typedef struct {") && item.code.contains("size_t size;") {
        printed += &init(name, &item.code);
    }
    printed
}

/// A prototype on as few lines as there is room for.
fn function(code: &str) -> String {
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let (head, parameters) = code.split_once('(').unwrap();
    // A parameter stays whole.
    let parameters: Vec<_> = parameters
        .split(", ")
        .map(|parameter| parameter.replace(' ', "\0"))
        .collect();
    let long = head.len() + parameters[0].len() + "(,".len() > WIDTH;
    let break_before = if long { "\n    " } else { "" };
    let code = format!(
        "{}({break_before}{}",
        head.replace(' ', "\0"),
        parameters.join(", ")
    );
    wrapped(&code, WIDTH, "    ").join("\n").replace('\0', " ") + "\n"
}

/// The code with the comments in it wrapped; a number's says what the table of options says.
fn with_comments(name: &str, code: &str) -> String {
    let mut printed = String::new();
    let mut comment: Option<Vec<&str>> = None;
    let mut waiting: Option<(String, String)> = None;
    for line in code.lines() {
        let trimmed = line.trim();
        match &mut comment {
            Some(lines) if trimmed == "*/" => {
                let indent = " ".repeat(line.len() - line.trim_start().len() - 1);
                waiting = Some((lines.join("\n"), indent));
                comment = None;
            }
            Some(lines) => lines.push(trimmed.trim_start_matches('*').trim()),
            None if trimmed == "/**" => comment = Some(Vec::new()),
            None => {
                if let Some((text, indent)) = waiting.take() {
                    let field = trimmed.trim_end_matches(';');
                    let field = field.rsplit([' ', '*']).next().unwrap_or_default();
                    printed += &doc(&(text + &table(name, field)), &indent);
                }
                if !trimmed.is_empty() {
                    printed += line;
                    printed += "\n";
                }
            }
        }
    }
    printed
}

/// What the table says of a number: unit, range, what is not given.
fn table(name: &str, field: &str) -> String {
    let group = options::GROUPS
        .iter()
        .find(|group| Some(group.name) == name.strip_prefix("zeebe_"));
    let option = group.and_then(|group| group.options.iter().find(|option| option.name == field));
    match option.map(|option| option.takes) {
        Some(Takes::Number(number)) => format!(" It is {}.", number.sentence()),
        _ => String::new(),
    }
}

/// The macro that initialises a struct: its size, and nothing given.
fn init(name: &str, code: &str) -> String {
    let (_, fields) = code.split_once('{').unwrap();
    let mut values = vec![format!("sizeof({name})")];
    let fields = fields.lines().map(str::trim);
    for field in fields.filter(|line| line.ends_with(';') && !line.starts_with(['*', '}'])) {
        let (ty, field) = field.trim_end_matches(';').rsplit_once([' ', '*']).unwrap();
        if field == "size" {
            continue;
        }
        let is_pointer = code.contains(&format!("*{field};"))
            || ty.ends_with("_callback")
            || ty == "zeebe_destroy";
        values.push(match ty {
            _ if is_pointer => "NULL".to_owned(),
            _ if ty.starts_with("zeebe_") => format!("{}_INIT", ty.to_ascii_uppercase()),
            _ => "0".to_owned(),
        });
    }
    let define = format!("#define {}_INIT", name.to_ascii_uppercase());
    let lines = wrapped(&values.join(", "), WIDTH - 8, "");
    let lines = lines.join(" \\\n    ");
    format!("/** Nothing given. */\n{define} \\\n  {{ {lines} }}\n")
}
