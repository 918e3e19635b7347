//! The report's picture: what the same processor time is good for, beside the reference, as bars on a logarithmic scale.

use plotters::prelude::*;
use zeebe_benches::Outcome;

use crate::clients::{Client, REFERENCE};
use crate::rows::Row;
use crate::samples::{Sample, Samples, Spread};

/// Of the file, beside the report.
pub(crate) const NAME: &str = "results.svg";

const WIDTH: u32 = 900;
/// What a bar takes of the height, and what title and scale do.
const BAR: u32 = 12;
const AROUND: u32 = 90;
const FONT: &str = "sans-serif";

/// A row of the benchmark, with a bar for each client but the reference.
struct Group {
    name: String,
    bars: Vec<(usize, Spread)>,
}

pub(crate) fn svg(rows: &[Row], clients: &[Client], samples: &Samples) -> Outcome<String> {
    let groups = groups(rows, clients, samples);
    let mut text = String::new();
    draw(&mut text, clients, &groups).map_err(|error| format!("the picture: {error}"))?;
    Ok(text)
}

fn groups(rows: &[Row], clients: &[Client], samples: &Samples) -> Vec<Group> {
    let bars = |row: &Row| {
        let others = clients.iter().enumerate();
        others
            .filter(|(_, client)| client.name != REFERENCE && client.runs(row))
            .filter_map(|(color, client)| {
                Some((color, samples.ratio(row, client.name, Sample::per_cpu)?))
            })
            .collect()
    };
    let rates = rows
        .iter()
        .filter(|row| row.is_of_rates() && row.reference == REFERENCE);
    rates
        .map(|row| Group {
            name: row.name(),
            bars: bars(row),
        })
        .filter(|group| !group.bars.is_empty())
        .collect()
}

fn draw(
    text: &mut String,
    clients: &[Client],
    groups: &[Group],
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    // A group has room for one bar more, between it and the next.
    let lines: usize = groups.iter().map(|group| group.bars.len() + 1).sum();
    let bars = groups.iter().flat_map(|group| &group.bars);
    let (least, most) = bars.fold((0.5_f64, 2.0_f64), |(least, most), (_, spread)| {
        (least.min(spread.median), most.max(spread.median))
    });

    let height = AROUND + BAR * lines as u32;
    let area = SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            format!("Calls or messages for the same processor time: times as many as {REFERENCE}"),
            (FONT, 16),
        )
        .margin(8)
        .margin_right(50)
        .x_label_area_size(30)
        .y_label_area_size(130)
        .build_cartesian_2d((least / 1.2..most * 1.2).log_scale(), lines as f64..0.0_f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_labels(8)
        .x_label_formatter(&|ratio| format!("{ratio} x"))
        .label_style((FONT, 12))
        .draw()?;

    let mut line = 0.0;
    let small = (FONT, 11).into_font();
    for group in groups {
        let middle = line + group.bars.len() as f64 / 2.0;
        let at = chart.backend_coord(&(least / 1.2, middle));
        area.draw(&Text::new(group.name.clone(), (16, at.1 - 6), (FONT, 13)))?;
        for (color, spread) in &group.bars {
            let bar = [(1.0, line + 0.1), (spread.median, line + 0.9)];
            chart.draw_series([Rectangle::new(bar, Palette99::pick(*color).filled())])?;
            let end = chart.backend_coord(&(spread.median.max(1.0), line + 0.5));
            let ratio = format!("{:.2}", spread.median);
            area.draw(&Text::new(ratio, (end.0 + 4, end.1 - 6), small.clone()))?;
            line += 1.0;
        }
        line += 1.0;
    }
    chart.draw_series([PathElement::new(
        vec![(1.0, 0.0), (1.0, lines as f64)],
        BLACK,
    )])?;

    for (color, client) in clients.iter().enumerate() {
        let has_bars = |group: &Group| group.bars.iter().any(|(of, _)| *of == color);
        if !groups.iter().any(has_bars) {
            continue;
        }
        let color = Palette99::pick(color);
        let nothing: [Rectangle<(f64, f64)>; 0] = [];
        chart
            .draw_series(nothing)?
            .label(client.name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 12, y + 4)], color.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.filled())
        .border_style(BLACK)
        .label_font((FONT, 12))
        .draw()?;
    area.present()
}

#[cfg(test)]
mod tests {
    use zeebe_benches::run::Measurement;

    use super::*;

    #[test]
    fn it_has_each_row_and_each_client_with_its_ratio() {
        let rows = Row::named(&["unary-64".to_owned(), "cold".to_owned()]).unwrap();
        let clients = Client::all().unwrap();
        let mut samples = Samples::default();
        for row in &rows {
            for (number, client) in clients.iter().enumerate() {
                let measurement = Measurement {
                    cpu_us: Some(if client.name == REFERENCE {
                        8.0
                    } else {
                        number as f64 + 1.0
                    }),
                    ..Measurement::default()
                };
                let sample = Sample {
                    measurement,
                    server_cpu: 0.0,
                };
                samples.add(row, client, 1, sample);
            }
        }
        let svg = svg(&rows, &clients, &samples).unwrap();
        for expected in [
            "unary-64",
            "unary-64-token",
            "cold",
            "grpc-go",
            "8.00",
            "4.00",
        ] {
            assert!(
                svg.lines().any(|line| line.trim() == expected),
                "{expected}\n{svg}"
            );
        }
    }
}
