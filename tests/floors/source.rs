//! A source's modules: which it is, which it names, and what it takes from where. Only as much of Rust as that needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// `channel`, `balancer`, `pool`.
pub(crate) type Module = Vec<String>;

/// What a source names.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// By `crate::`, `super::` or `self::`, in a `use` or where it stands, made absolute.
    pub(crate) paths: Vec<Module>,
    /// What `use` lines bring here, by the name it then has: also what others get from here.
    pub(crate) names: BTreeMap<String, Module>,
    /// Its children that are there for unit tests alone.
    tests: Vec<Module>,
}

/// Every source below `src` but unit tests, which may reach up: they stand where the code does.
pub(crate) fn sources(src: &Path) -> BTreeMap<Module, Source> {
    let mut found = BTreeMap::new();
    read(src, &Vec::new(), &mut found);
    let tests: Vec<Module> = found
        .values()
        .flat_map(|source: &Source| source.tests.clone())
        .collect();
    found.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    found.remove(&vec!["lib".to_owned()]);
    found
}

fn read(folder: &Path, parent: &Module, found: &mut BTreeMap<Module, Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut module = parent.clone();
        match path.file_stem().unwrap().to_str().unwrap() {
            "mod" => {}
            name => module.push(name.to_owned()),
        }
        if path.is_dir() {
            read(&path, &module, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let source = Source::new(&text, &module);
            found.insert(module, source);
        }
    }
}

impl Source {
    pub(crate) fn new(text: &str, module: &Module) -> Self {
        let mut source = Self::default();
        let code = code(text);
        let mut words = &tokens(&code)[..];
        while let Some((word, rest)) = words.split_first() {
            if words.starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) {
                words = source.skip_test(&words[7..], module);
                continue;
            }
            words = match *word {
                "use" => source.tree(rest, &Vec::new(), module, true),
                "crate" | "super" | "self" if rest.starts_with(&["::"]) => {
                    source.tree(words, &Vec::new(), module, false)
                }
                _ => rest,
            };
        }
        source
    }

    /// What is behind the item at the beginning, which is for tests.
    fn skip_test<'a, 'b>(&mut self, words: &'a [&'b str], module: &Module) -> &'a [&'b str] {
        if let ["mod", name, ";", ..] = words {
            let mut test = module.clone();
            test.push((*name).to_owned());
            self.tests.push(test);
        }
        let mut depth = 0;
        for (at, word) in words.iter().enumerate() {
            match *word {
                "{" => depth += 1,
                "}" if depth == 1 => return &words[at + 1..],
                "}" => depth -= 1,
                ";" if depth == 0 => return &words[at + 1..],
                _ => {}
            }
        }
        &[]
    }

    /// `a::{b, c::d as e}` or `a::b`, below `prefix`; gives what is behind it.
    fn tree<'a, 'b>(
        &mut self,
        mut words: &'a [&'b str],
        prefix: &Module,
        module: &Module,
        is_use: bool,
    ) -> &'a [&'b str] {
        let mut path = prefix.clone();
        loop {
            match *words {
                ["{", ref rest @ ..] if is_use => {
                    words = rest;
                    while !words.is_empty() && words[0] != "}" {
                        words = self.tree(words, &path, module, is_use);
                        words = words.strip_prefix(&[","]).unwrap_or(words);
                    }
                    return words.strip_prefix(&["}"]).unwrap_or(words);
                }
                [word, ref rest @ ..] if is_name(word) || word == "*" => {
                    path.push(word.to_owned());
                    words = rest;
                }
                _ => break,
            }
            match words.strip_prefix(&["::"]) {
                Some(rest) => words = rest,
                None => break,
            }
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if name == "self" {
            path.pop();
            name = path.last().cloned().unwrap_or_default();
        }
        if let (true, ["as", new, rest @ ..]) = (is_use, words) {
            name = (*new).to_owned();
            words = rest;
        }
        if let Some(path) = absolute(path, module, is_use) {
            if is_use {
                self.names.insert(name, path.clone());
            }
            self.paths.push(path);
        }
        words
    }
}

/// Without `crate`; a path of a `use` that begins with neither is a child's, or of another crate and then no module's.
fn absolute(path: Module, module: &Module, is_use: bool) -> Option<Module> {
    let mut from = module.clone();
    let mut rest = &path[..];
    match path.first()?.as_str() {
        "crate" => {
            from.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {}
        _ if is_use => {}
        _ => return None,
    }
    while let Some((first, behind)) = rest.split_first()
        && first == "super"
    {
        from.pop();
        rest = behind;
    }
    from.extend_from_slice(rest);
    Some(from)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Names, `::`, and all else a character at a time.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match first {
            _ if is_part(first) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        tokens.push(token);
        rest = behind.trim_start();
    }
    tokens
}

/// Without comments and what stands in quotes.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let raw = rest.trim_start_matches('r').trim_start_matches('#');
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with('r') && raw.starts_with('"') && !code.ends_with(is_part_of_name)
        {
            let hashes = &rest[1..rest.len() - raw.len()];
            let end = format!("\"{hashes}");
            let begin = rest.len() - raw.len() + 1;
            begin + rest[begin..].find(&end).unwrap() + end.len()
        } else if first == '"' {
            1 + end_of_quoted(&rest[1..], '"')
        } else if rest.starts_with("'\\") || (first == '\'' && rest.chars().nth(2) == Some('\'')) {
            1 + end_of_quoted(&rest[1..], '\'')
        } else {
            code.push(first);
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    code
}

fn is_part_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn end_of_quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
