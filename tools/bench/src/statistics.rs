//! The statistics of several measurements of one figure.

use std::fmt;

/// The median of some measurements, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// `None` if nothing was measured. The median of an even number is the mean of the middle two.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, least, most })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, least, most } = self;
        if least == most {
            write!(formatter, "{}", figure(*median))
        } else {
            let (median, least, most) = (figure(*median), figure(*least), figure(*most));
            write!(formatter, "{median} ({least}–{most})")
        }
    }
}

/// A figure with about three significant digits.
pub(crate) fn figure(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 100.0 || value == 0.0 {
        grouped(value)
    } else if magnitude >= 10.0 {
        format!("{value:.1}")
    } else if magnitude >= 0.1 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

/// A whole number with a comma between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(samples: &[f64], median: f64, least: f64, most: f64) {
        assert_eq!(
            Spread::of(samples),
            Some(Spread { median, least, most }),
            "{samples:?}"
        );
    }

    #[test]
    fn the_median_does_not_depend_on_the_order() {
        check(&[3.0], 3.0, 3.0, 3.0);
        check(&[9.0, 1.0, 2.0], 2.0, 1.0, 9.0);
        check(&[4.0, 1.0, 2.0, 9.0], 3.0, 1.0, 9.0);
        assert_eq!(Spread::of(&[]), None);
    }

    fn check_text(samples: &[f64], expected: &str) {
        assert_eq!(
            Spread::of(samples).expect("measurements").to_string(),
            expected,
            "{samples:?}"
        );
    }

    #[test]
    fn a_spread_is_written_with_three_significant_digits() {
        check_text(&[0.0], "0");
        check_text(&[0.012_34], "0.0123");
        check_text(&[1.234, 2.345, 12.36], "2.35 (1.23–12.4)");
        check_text(&[1234.5, 999.6, 1_234_567.0], "1,234 (1,000–1,234,567)");
        check_text(&[-1234.0], "-1,234");
    }
}
