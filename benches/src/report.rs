//! The report, in Markdown, and the lines on the terminal before it.

mod machine;
pub(crate) mod picture;

use std::fmt::{self, Write};

use zeebe_benches::run::Kind;

use crate::Options;
use crate::clients::{CAMUNDA_JAVA, Client, REFERENCE};
use crate::goals::Goal;
use crate::rows::{Row, Security};
use crate::samples::{Sample, Samples, Spread};

/// One run, for the terminal.
pub(crate) fn line(sample: &Sample) -> String {
    let measurement = &sample.measurement;
    if let Some(memory) = measurement.rss_kib {
        return format!("{memory:7.2} KiB each");
    }
    if let Some(growth) = measurement.growth_kib() {
        return format!(
            "{:>9} /s  {} KiB, at most {growth:.0} more",
            number(sample.rate(), 0),
            number(measurement.rss_from_kib, 0),
        );
    }
    format!(
        "{:>9} /s  {} us of CPU each  client {} server {}",
        number(sample.rate(), 0),
        number(measurement.cpu_us, 2),
        percent(sample.client_cpu()),
        percent(Some(sample.server_cpu)),
    )
}

pub(crate) fn markdown(
    rows: &[Row],
    clients: &[Client],
    samples: &Samples,
    options: &Options,
    others: f64,
) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    write(&mut text, rows, clients, samples, options, others).ok();
    text
}

fn write(
    text: &mut String,
    rows: &[Row],
    clients: &[Client],
    samples: &Samples,
    options: &Options,
    others: f64,
) -> fmt::Result {
    writeln!(text, "# Results of `make bench`\n")?;
    writeln!(
        text,
        "Clients of a Zeebe gateway, side by side on loopback: {} rounds of {} s. What is measured, and how: [README.md](README.md).\n",
        options.rounds, options.seconds
    )?;
    machine::write(text)?;
    writeln!(
        text,
        "- others, the kernel and the hypervisor among them, had {} of its processor time",
        percent(Some(others))
    )?;
    for client in clients {
        let version = samples.version(client.name).unwrap_or("did not run");
        let reference = match client.name {
            REFERENCE => "; typed, on tokio's current-thread runtime: the reference of ratios",
            _ => "",
        };
        writeln!(text, "- `{}`: {version}{reference}", client.name)?;
    }
    writeln!(
        text,
        "\n![What the same processor time is good for, beside {REFERENCE}]({})",
        picture::NAME
    )?;
    goals(text, rows, samples)?;
    for (security, reference, title) in [
        (Security::Plaintext, REFERENCE, "Plaintext"),
        (Security::Tls, REFERENCE, "TLS"),
        (Security::Plaintext, CAMUNDA_JAVA, "Job workers"),
    ] {
        let rows = rows.iter().filter(|row| {
            row.security == security && row.reference == reference && row.is_of_rates()
        });
        rates(text, title, reference, rows, clients, samples)?;
    }
    slow_receiver(text, rows, clients, samples)?;
    memory(text, rows, clients, samples)
}

fn goals(text: &mut String, rows: &[Row], samples: &Samples) -> fmt::Result {
    let mut lines = String::new();
    for row in rows {
        for goal in Goal::of(row) {
            let Some(measured) = goal.bound.measured(samples, row, goal.client) else {
                continue;
            };
            writeln!(
                lines,
                "| {} | `{}` | {} | {} | {} |",
                row.name(),
                goal.client,
                goal.bound,
                spread(Some(measured)),
                if goal.bound.is_met_by(measured.median) {
                    "yes"
                } else {
                    "no"
                },
            )?;
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n## The goals of libzeebe\n")?;
    writeln!(
        text,
        "Per CPU: how many times as much as `{REFERENCE}` does with the same processor time.\n"
    )?;
    writeln!(
        text,
        "| row | client | goal | is | reached |\n| --- | --- | --- | --- | --- |"
    )?;
    text.write_str(&lines)
}

fn rates<'a>(
    text: &mut String,
    title: &str,
    reference: &str,
    rows: impl Iterator<Item = &'a Row>,
    clients: &[Client],
    samples: &Samples,
) -> fmt::Result {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    writeln!(text, "\n## {title}\n")?;
    writeln!(
        text,
        "| row | client | a second | to {reference} (least–most) | CPU µs each | to {reference}, per CPU | p50 µs | p99 µs | client CPU | server CPU |"
    )?;
    writeln!(
        text,
        "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )?;
    for row in rows {
        for client in clients.iter().filter(|client| client.runs(row)) {
            let median = |value: fn(&Sample) -> Option<f64>| {
                Some(samples.spread(row, client.name, value)?.median)
            };
            let per_cpu = samples.ratio(row, client.name, Sample::per_cpu);
            writeln!(
                text,
                "| {} | `{}` | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.name(),
                client.name,
                number(median(Sample::rate), 0),
                spread(samples.ratio(row, client.name, Sample::rate)),
                number(median(|sample| sample.measurement.cpu_us), 2),
                number(per_cpu.map(|per_cpu| per_cpu.median), 2),
                number(median(|sample| sample.measurement.p50_us), 0),
                number(median(|sample| sample.measurement.p99_us), 0),
                percent(median(Sample::client_cpu)),
                percent(median(|sample| Some(sample.server_cpu))),
            )?;
        }
    }
    Ok(())
}

/// Whether what is not taken stays with the sender.
fn slow_receiver(
    text: &mut String,
    rows: &[Row],
    clients: &[Client],
    samples: &Samples,
) -> fmt::Result {
    for row in rows.iter().filter(|row| row.kind == Kind::Slow) {
        writeln!(text, "\n## A slow receiver\n")?;
        writeln!(
            text,
            "Jobs of 1 KiB in plaintext, taken at a tenth of the rate that they can come at. Resident memory of the process, when that begins, and at most from then on.\n"
        )?;
        writeln!(
            text,
            "| row | client | taken a second | KiB at first | KiB more at most (least–most) |\n| --- | --- | ---: | ---: | --- |"
        )?;
        for client in clients.iter().filter(|client| client.runs(row)) {
            let median = |value: fn(&Sample) -> Option<f64>| {
                Some(samples.spread(row, client.name, value)?.median)
            };
            let growth = samples.spread(row, client.name, |sample| sample.measurement.growth_kib());
            writeln!(
                text,
                "| {} | `{}` | {} | {} | {} |",
                row.name(),
                client.name,
                number(median(Sample::rate), 0),
                number(median(|sample| sample.measurement.rss_from_kib), 0),
                spread(growth),
            )?;
        }
    }
    Ok(())
}

fn memory(text: &mut String, rows: &[Row], clients: &[Client], samples: &Samples) -> fmt::Result {
    for row in rows {
        let (title, what, each) = match row.kind {
            Kind::Idle => (
                "Idle channels",
                "channels, each with one call done",
                "channel",
            ),
            Kind::Held => (
                "Calls in flight",
                "calls on one connection that wait for their answers",
                "call",
            ),
            _ => continue,
        };
        writeln!(text, "\n## {title}\n")?;
        writeln!(text, "{} {what}, in plaintext.\n", row.in_flight)?;
        writeln!(
            text,
            "| client | KiB a {each} (least–most) |\n| --- | --- |"
        )?;
        for client in clients.iter().filter(|client| client.runs(row)) {
            let memory = samples.spread(row, client.name, |sample| sample.measurement.rss_kib);
            writeln!(text, "| `{}` | {} |", client.name, spread(memory))?;
        }
    }
    Ok(())
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.decimals$}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

fn spread(spread: Option<Spread>) -> String {
    spread.map_or("–".to_owned(), |spread| {
        format!(
            "{:.2} ({:.2}–{:.2})",
            spread.median, spread.least, spread.most
        )
    })
}
