//! What was measured, and what it says: medians, and ratios round by round.

use zeebe_benches::run::Measurement;

use crate::clients::Client;
use crate::rows::Row;

#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) measurement: Measurement,
    /// What share of its core the server took.
    pub(crate) server_cpu: f64,
}

impl Sample {
    /// Calls or messages a second.
    pub(crate) fn rate(&self) -> Option<f64> {
        Some(self.measurement.count? as f64 / self.measurement.seconds?)
    }

    /// How much the same processor time is good for.
    pub(crate) fn per_cpu(&self) -> Option<f64> {
        Some(1.0 / self.measurement.cpu_us?)
    }

    /// What share of its core the client took.
    pub(crate) fn client_cpu(&self) -> Option<f64> {
        Some(self.rate()? * self.measurement.cpu_us? / 1e6)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<(String, &'static str, usize, Sample)>);

/// The median and how far the values around it reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Samples {
    pub(crate) fn add(&mut self, row: &Row, client: &Client, round: usize, sample: Sample) {
        self.0.push((row.name(), client.name, round, sample));
    }

    fn of(&self, row: &Row, client: &str) -> impl Iterator<Item = (usize, &Sample)> {
        let row = row.name();
        self.0
            .iter()
            .filter(move |(of, by, ..)| *of == row && *by == client)
            .map(|(.., round, sample)| (*round, sample))
    }

    pub(crate) fn version(&self, client: &str) -> Option<&str> {
        let (.., sample) = self.0.iter().find(|(_, by, ..)| *by == client)?;
        Some(&sample.measurement.version)
    }

    /// Over all rounds.
    pub(crate) fn spread(
        &self,
        row: &Row,
        client: &str,
        value: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<Spread> {
        spread(self.of(row, client).filter_map(|(_, sample)| value(sample)))
    }

    /// How `value` is to that of the row's reference.
    pub(crate) fn ratio(
        &self,
        row: &Row,
        client: &str,
        value: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<Spread> {
        self.ratio_to(row, row.reference, client, value)
    }

    /// How `value` is to that of another client, each round by itself: the machine may change between them.
    pub(crate) fn ratio_to(
        &self,
        row: &Row,
        other: &str,
        client: &str,
        value: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<Spread> {
        spread(self.of(row, client).filter_map(|(round, sample)| {
            let mut references = self.of(row, other);
            let (_, reference) = references.find(|(of, _)| *of == round)?;
            Some(value(sample)? / value(reference)?)
        }))
    }
}

fn spread(values: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    let middle = values.len() / 2;
    let median = if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    };
    Some(Spread {
        median,
        least,
        most,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_is_between_the_two_in_the_middle() {
        let spread = spread([4.0, 1.0, 3.0, 2.0].into_iter()).unwrap();
        assert_eq!((spread.least, spread.median, spread.most), (1.0, 2.5, 4.0));
    }

    #[test]
    fn nothing_measured_has_no_median() {
        assert!(spread(std::iter::empty()).is_none());
    }
}
