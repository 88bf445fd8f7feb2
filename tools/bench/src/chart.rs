//! Bar charts in SVG, one below the other, readable on a light and on a dark background.

use crate::{
    statistics::{Spread, figure},
    table::Table,
};

const WIDTH: f64 = 760.0;
/// Where the bars start.
const LEFT: f64 = 190.0;
/// The room right of the longest bar, for its figure.
const RIGHT: f64 = 150.0;
const ROW: f64 = 26.0;
const BAR: f64 = 16.0;
const HEADING: f64 = 38.0;

/// Colours that stand out from a white and from a black background; the first row has the page's own.
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#444}.h{font-weight:600}\
     .bar{fill:#8a94a6}.first{fill:#2f6fed}.line{stroke:#444;stroke-width:1.5}\
     @media(prefers-color-scheme:dark){text{fill:#ccc}.line{stroke:#ccc}}";

/// A chart of each table: a bar for the median of each row, and a line from its least to its most sample.
pub(crate) fn svg(tables: &[Table]) -> String {
    let mut body = String::new();
    let mut top = 0.0;
    for table in tables {
        body += &one(table, top);
        top += HEADING + ROW * table.rows.len() as f64;
    }
    let height = top + ROW / 2.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
         <style>{STYLE}</style>\n{body}</svg>\n"
    )
}

fn one(table: &Table, top: f64) -> String {
    let better = table.better.name();
    let title = escape(&format!("{}, {} ({better})", table.name, table.unit));
    let mut text = format!("<text class=\"h\" x=\"0\" y=\"{}\">{title}</text>\n", top + 24.0);
    let spreads: Vec<Option<Spread>> = table.rows.iter().map(|row| Spread::of(&row.samples)).collect();
    let longest = spreads
        .iter()
        .flatten()
        .map(|spread| spread.most)
        .fold(0.0, f64::max);
    let scale = |value: f64| {
        let length = WIDTH - LEFT - RIGHT;
        if longest > 0.0 {
            value / longest * length
        } else {
            0.0
        }
    };
    for (index, (row, spread)) in table.rows.iter().zip(spreads).enumerate() {
        let y = top + HEADING + ROW * index as f64;
        let middle = y + BAR / 2.0;
        let class = if index == 0 { "bar first" } else { "bar" };
        let subject = escape(&row.subject);
        text += &format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{subject}</text>\n",
            LEFT - 8.0,
            middle + 4.5
        );
        let Some(spread) = spread else {
            text += &format!("<text x=\"{LEFT}\" y=\"{}\">failed</text>\n", middle + 4.5);
            continue;
        };
        text += &format!(
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>\n\
             <path class=\"line\" d=\"M{:.1} {middle}H{:.1}\"/>\n\
             <text x=\"{:.1}\" y=\"{}\">{}</text>\n",
            scale(spread.median).max(1.0),
            LEFT + scale(spread.least),
            LEFT + scale(spread.most),
            LEFT + scale(spread.most).max(1.0) + 8.0,
            middle + 4.5,
            figure(spread.median),
        );
    }
    text
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Better;

    /// The width of the bar of each row.
    fn widths(svg: &str) -> Vec<f64> {
        svg.lines()
            .filter(|line| line.starts_with("<rect"))
            .filter_map(|line| line.split("width=\"").nth(1)?.split('"').next()?.parse().ok())
            .collect()
    }

    #[test]
    fn the_length_of_a_bar_is_its_median_against_the_most_of_all() {
        let mut table = Table::new("time <&>", "s", Better::Less);
        for (subject, sample) in [("a", 1.0), ("a", 2.0), ("a", 4.0), ("b", 1.0)] {
            table.add(subject, sample);
        }
        table.add_failure("c", "it hangs".to_owned());
        let svg = svg(&[table]);
        let full = WIDTH - LEFT - RIGHT;
        assert_eq!(widths(&svg), [full / 2.0, full / 4.0], "{svg}");
        assert!(svg.contains("time &lt;&amp;&gt;, s (less is better)"), "{svg}");
        assert!(svg.contains(">failed<"), "{svg}");
    }
}
