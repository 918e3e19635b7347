//! Comments, wrapped.

pub(crate) const WIDTH: usize = 100;

/// A line that stays one: an item of a list, or the errors of a kind.
fn begins(line: &str) -> bool {
    let kind = line.split([':', ',']).next().unwrap_or_default();
    let kind = kind.trim_end_matches(" also");
    let is_kind = kind.len() > 2 && kind.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    line.starts_with("- ") || line.starts_with('@') || (is_kind && line.contains(':'))
}

/// Text of a doc comment as paragraphs, each a list of what stays a line.
fn paragraphs(text: &str) -> Vec<Vec<String>> {
    let mut paragraphs = vec![Vec::<String>::new()];
    for line in text.lines().map(str::trim) {
        let last = paragraphs.last_mut().unwrap();
        match last.last_mut() {
            _ if line.is_empty() => paragraphs.push(Vec::new()),
            Some(before) if !begins(line) => {
                before.push(' ');
                before.push_str(line);
            }
            _ => last.push(line.to_owned()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// Words in lines; each but the first of them begins with `hanging`.
pub(crate) fn wrapped(text: &str, width: usize, hanging: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().unwrap();
        if line.trim().is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{hanging}{word}"));
        }
    }
    lines
}

/// A doc comment, on one line if there is room.
pub(crate) fn doc(text: &str, indent: &str) -> String {
    let paragraphs = paragraphs(text);
    if let [paragraph] = &paragraphs[..]
        && let [line] = &paragraph[..]
    {
        let short = format!("{indent}/** {line} */\n");
        if short.chars().count() <= WIDTH + 1 {
            return short;
        }
    }
    let mut comment = format!("{indent}/**\n");
    for (index, paragraph) in paragraphs.iter().enumerate() {
        if index > 0 {
            comment += &format!("{indent} *\n");
        }
        for line in paragraph {
            let hanging = if begins(line) { "  " } else { "" };
            for line in wrapped(line, WIDTH - indent.len() - 3, hanging) {
                comment += &format!("{indent} * {line}\n");
            }
        }
    }
    comment + &format!("{indent} */\n")
}
