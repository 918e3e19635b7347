//! Options, by the names that C has for them.
//!
//! A message names an option in full: the field, behind the parameter or the struct that it is in. The first that it names is
//! the error's option, and each binding says its own name for every one of these.

/// What a message can name.
pub(crate) const OPTIONS: &[&str] = &[
    // Of the constructors, and of plugins that fetch tokens.
    "options.grpc_address",
    "options.channel_options",
    "options.client_id",
    "options.client_secret",
    "options.authorization_server",
    "options.scope",
    "options.audience",
    "options.cluster_id",
    "options.region",
    "options.leeway",
    "options.expire_in",
    "options.retrieve",
    "connection_options.connect_address",
    "connection_options.timeout_ms",
    "connection_options.wait_for_ready",
    "connection_options.allow_insecure_gateway",
    "token_options.client_authentication",
    "token_options.allow_insecure_token_url",
    "token_options.prefetch",
    "token_options.connect_timeout_ms",
    "token_options.timeout_ms",
    "token_options.token_ca",
    "token_options.private_key",
    "token_options.certificate_chain",
    "token_options.key_id",
    "token_options.assertion_audience",
    "token_options.send_root_certificate",
    "token_options.http_proxy",
    "token_options.cache_path",
    // Of ssl credentials.
    "options.root_certificates",
    "options.private_key",
    "options.certificate_chain",
    // Of calls.
    "options.timeout_ms",
    "options.authority",
    "options.max_receive_message_length",
    "options.wait_for_ready",
    "options.compression",
    "options.manual_requests",
    // Of job streams.
    "options.max_buffered_jobs",
    "options.watchdog_ms",
    "options.poll_interval_ms",
    // Of the runtime.
    "options.io_threads",
    "options.callback_threads",
    "options.thread_name",
];

/// The first option that a message names.
pub(super) fn named_in(message: &str) -> Option<&'static str> {
    names(message).find_map(|name| OPTIONS.iter().copied().find(|option| *option == name))
}

/// What could be a name: words that may have dots within.
fn names(message: &str) -> impl Iterator<Item = &str> {
    message
        .split(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '.'))
        .map(|word| word.trim_matches('.'))
        .filter(|word| word.contains("options."))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn an_option_is_found_by_its_whole_name() {
        for (message, option) in [
            ("options.leeway is -5", Some("options.leeway")),
            (
                "or token_options.private_key.",
                Some("token_options.private_key"),
            ),
            (
                "(options.private_key) and token_options.private_key",
                Some("options.private_key"),
            ),
            ("token_options.{key_id} or token_options.key_ids", None),
            ("my_options.leeway, options.leeway.x, xoptions.leeway", None),
            ("leeway", None),
        ] {
            assert_eq!(named_in(message), option, "{message}");
        }
    }

    /// The texts between quotes, but for those of tests.
    fn literals(source: &str) -> Vec<String> {
        let source = source.split("#[cfg(test)]").next().unwrap();
        let mut literals = Vec::new();
        let mut text = None::<String>;
        let mut rest = source.chars().peekable();
        while let Some(c) = rest.next() {
            match (&mut text, c) {
                (Some(_), '"') => literals.extend(text.take()),
                (Some(text), '\\') => text.extend(rest.next()),
                (Some(text), c) => text.push(c),
                (None, '"') => text = Some(String::new()),
                (None, '/') if rest.peek() == Some(&'/') => {
                    rest.by_ref().find(|c| *c == '\n');
                }
                // A character in quotes that would mislead.
                (None, '\'') if rest.next_if(|c| matches!(c, '"' | '\\')).is_some() => {
                    rest.next();
                }
                _ => {}
            }
        }
        literals
    }

    fn sources(directory: &Path, visit: &mut impl FnMut(&str)) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, visit);
            } else if !path.ends_with("tests.rs") && !path.ends_with("error/option.rs") {
                visit(&fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn no_message_names_another() {
        let mut found = 0;
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut |source| {
                for literal in literals(source) {
                    for name in names(&literal) {
                        let field = name.rsplit('.').next().unwrap();
                        // What only a C program has to do with, and names that are put together.
                        if !matches!(field, "reserved" | "size" | "") {
                            assert!(OPTIONS.contains(&name), "{name} in {literal:?}");
                            found += 1;
                        }
                    }
                }
            },
        );
        assert!(found > 20, "{found}");
    }
}
