//! The man page and the completions of shells, written when the command is built: `make install` places them.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate_to};
use clap_mangen::Man;

use crate::arguments::{Arguments, EXIT_CODES};
use crate::failure::Failure;

/// Below `share`, as it is installed: where it is, and what is there.
const COMPLETIONS: [(&str, Shell); 3] = [
    ("bash-completion/completions", Shell::Bash),
    ("zsh/site-functions", Shell::Zsh),
    ("fish/vendor_completions.d", Shell::Fish),
];

pub(crate) fn run(share: &Path) -> Result<(), Failure> {
    written(share)
        .map_err(|error| Failure::usage(format!("cannot write below {}: {error}", share.display())))
}

fn written(share: &Path) -> io::Result<()> {
    let pages = share.join("man/man1");
    fs::create_dir_all(&pages)?;
    fs::write(pages.join("zeebe.1"), page()?)?;
    for (place, shell) in COMPLETIONS {
        let place = share.join(place);
        fs::create_dir_all(&place)?;
        let written = generate_to(shell, &mut Arguments::command(), "zeebe", &place)?;
        if shell == Shell::Bash {
            // Where it is looked for by the command's name.
            fs::rename(written, place.join("zeebe"))?;
        }
    }
    Ok(())
}

fn page() -> io::Result<Vec<u8>> {
    let mut command = Arguments::command().after_help("");
    command.build();
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut text = String::from(".SH COMMANDS\n");
    let shown = command.get_subcommands();
    for subcommand in shown.filter(|command| !command.is_hide_set() && command.get_name() != "help")
    {
        describe(subcommand, &mut text);
    }
    text.push_str(".SH \"EXIT STATUS\"\n");
    for line in EXIT_CODES.lines().skip(1) {
        let (code, meaning) = line.trim().split_once("  ").unwrap_or((line, ""));
        item(code, meaning, &mut text);
    }
    text.push_str(".SH ENVIRONMENT\n");
    text.push_str(&escaped(
        "The variables that channels of libzeebe read, which are those of the official clients; docs/moving.md of libzeebe lists them. \
         zeebe doctor shows each that is used, and what is set in vain.",
    ));
    text.push_str("\n.SH EXAMPLES\n.nf\n");
    text.push_str(&escaped(
        "ZEEBE_ADDRESS=localhost:26500 ZEEBE_INSECURE_CONNECTION=true zeebe topology\n\
         zeebe create order --variables '{\"amount\": 17}'\n\
         zeebe call PublishMessage '{\"name\": \"paid\", \"correlationKey\": \"17\"}'\n\
         zeebe doctor --json | jq '.steps[] | select(.outcome == \"failed\")'",
    ));
    text.push_str("\n.fi\n");
    page.extend(text.into_bytes());
    Ok(page)
}

/// Its usage, what it does, and its own arguments.
fn describe(command: &Command, text: &mut String) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    text.push_str(&format!(".SS \"{}\"\n", escaped(usage)));
    let about = command.get_about().map(ToString::to_string);
    text.push_str(&format!("{}.\n", escaped(&about.unwrap_or_default())));
    for argument in command.get_arguments() {
        if argument.is_global_set() || argument.get_id() == "help" {
            continue;
        }
        let help = argument.get_help().map(ToString::to_string);
        let mut help = help.unwrap_or_default();
        for default in argument.get_default_values() {
            help.push_str(&format!(" [default: {}]", default.display()));
        }
        item(&argument.to_string(), &help, text);
    }
}

fn item(name: &str, meaning: &str, text: &mut String) {
    let (name, meaning) = (escaped(name), escaped(meaning));
    text.push_str(&format!(".TP\n\\fB{name}\\fR\n{meaning}\n"));
}

/// As roff takes it for what it says.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let lines = text
        .lines()
        .map(|line| match line.starts_with(['.', '\'']) {
            true => format!("\\&{line}"),
            false => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}
