//! Charts as inline SVG: no script, readable in print, and each with its numbers as a table.

use maud::{Markup, html};

use super::tally::{Histogram, Tally};
use super::words::{count, counted, number, percent};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 28.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;

/// What a histogram is about.
pub struct Axis<'a> {
    /// Heading.
    pub title: &'a str,
    /// What the values are, with unit.
    pub x: &'a str,
    /// What is counted (`patches`).
    pub y: &'a str,
    /// Labels of the axis: (value, text).
    pub ticks: &'a [(f64, &'a str)],
    /// How a value is written in words.
    pub show: fn(f64) -> String,
}

/// A histogram with axes, and its numbers behind a fold.
pub fn histogram(h: &Histogram, axis: &Axis<'_>) -> Markup {
    let most = h.bins.iter().copied().max().unwrap_or(0);
    let top = nice_top(most);
    let plot_width = WIDTH - LEFT - RIGHT;
    let plot_height = HEIGHT - TOP - BOTTOM;
    let step = plot_width / h.bins.len() as f64;
    let y_of = |n: u64| TOP + plot_height * (1.0 - n as f64 / top as f64);
    let x_of = |value: f64| LEFT + plot_width * (value - h.low) / (h.high - h.low);
    let mean = h.mean().unwrap_or(h.low);
    let shown_mean = (axis.show)(mean);
    let items = counted(h.count(), "item", "items");
    let words = format!("{} of {items}, mean {shown_mean}", axis.title);
    html! {
        figure.chart {
            figcaption { (axis.title) span.aside { "mean " (shown_mean) } }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(words) {
                @for n in [0, top / 2, top] {
                    line.rule x1=(px(LEFT)) x2=(px(WIDTH - RIGHT)) y1=(px(y_of(n))) y2=(px(y_of(n))) {}
                    text.y x=(px(LEFT - 8.0)) y=(px(y_of(n) + 4.0)) { (count(n)) }
                }
                @for (bin, n) in h.bins.iter().enumerate() {
                    @if *n > 0 {
                        // A bin of one among thousands is still seen.
                        @let high = (TOP + plot_height - y_of(*n)).max(1.5);
                        rect.bar x=(px(LEFT + step * bin as f64 + 1.0)) y=(px(TOP + plot_height - high))
                            width=(px((step - 2.0).max(1.0))) height=(px(high)) {
                            title { (interval(h, axis, bin)) ": " (count(*n)) }
                        }
                    }
                }
                line.mean x1=(px(x_of(mean))) x2=(px(x_of(mean))) y1=(px(TOP)) y2=(px(TOP + plot_height)) {}
                @for (value, label) in axis.ticks {
                    text.x x=(px(x_of(*value))) y=(px(HEIGHT - BOTTOM + 18.0)) { (label) }
                }
                text.x.name x=(px(LEFT + plot_width / 2.0)) y=(px(HEIGHT - 6.0)) { (axis.x) }
                text.y.name x=(px(14.0)) y=(px(TOP + plot_height / 2.0))
                    transform=(format!("rotate(-90 14 {})", px(TOP + plot_height / 2.0))) { (axis.y) }
            }
            details {
                summary { "Numbers" }
                table {
                    thead { tr { th scope="col" { (axis.x) } th.number scope="col" { (axis.y) } } }
                    tbody {
                        @for (bin, n) in h.bins.iter().enumerate() {
                            @if *n > 0 {
                                tr { th scope="row" { (interval(h, axis, bin)) } td.number { (count(*n)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn interval(h: &Histogram, axis: &Axis<'_>, bin: usize) -> String {
    format!("{} – {}", (axis.show)(h.edge(bin)), (axis.show)(h.edge(bin + 1)))
}

/// The smallest of 2, 4, 10, 20, 40, 100, … that holds the highest bar.
fn nice_top(most: u64) -> u64 {
    let mut decade = 1_u64;
    loop {
        for step in [2, 4, 10] {
            let top = decade.saturating_mul(step);
            if top >= most || top == u64::MAX {
                return top;
            }
        }
        decade = decade.saturating_mul(10);
    }
}

fn px(value: f64) -> String {
    number(value, 1)
}

/// A tally as a table with bars, the commonest first.
pub fn bars(tally: &Tally, what: &str, items: &str, most: usize) -> Markup {
    let (top, (left_words, left_items)) = tally.top(most);
    let highest = top.first().map_or(1, |c| c.items).max(1);
    let all = (tally.items() + tally.without()).max(1) as f64;
    html! {
        table.bars {
            thead { tr {
                th scope="col" { (what) }
                th.number scope="col" { (items) }
                th.number scope="col" { "share" }
                th scope="col" { span.unseen { "share as a bar" } }
            } }
            tbody {
                @for counted in &top {
                    tr {
                        th.name scope="row" { (counted.word) }
                        td.number { (count(counted.items)) }
                        td.number { (percent(counted.items as f64, all)) }
                        td.bar {
                            svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                                rect.bar x="0" y="0" height="10"
                                    width=(number((counted.items as f64 * 100.0 / highest as f64).max(0.7), 1)) {}
                            }
                        }
                    }
                }
                @if left_words > 0 {
                    tr.rest { th scope="row" { "and " (count(left_words as u64)) " more" } td.number { (count(left_items)) } td.number { (percent(left_items as f64, all)) } td {} }
                }
                @if tally.without() > 0 {
                    tr.rest { th scope="row" { "none given" } td.number { (count(tally.without())) } td.number { (percent(tally.without() as f64, all)) } td {} }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_just_above_the_highest_bar() {
        let tops = [0, 1, 3, 4, 5, 11, 21, 399, 401, u64::MAX].map(nice_top);
        assert_eq!(tops, [2, 2, 4, 4, 10, 20, 40, 400, 1000, u64::MAX]);
    }

    #[test]
    fn bars_stand_where_they_belong() {
        let mut h = Histogram::new(0.0, 1.0, 2);
        h.add(0.9);
        let axis = Axis { title: "T", x: "x", y: "y", ticks: &[], show: |v| number(v, 2) };
        let svg = histogram(&h, &axis).into_string();
        // Plot: x from 64 to 532 (468 wide, two bins of 234), y from 12 to 176; the axis ends at 2,
        // so one item is half of the height: 82 px.
        assert!(
            svg.contains(r#"<rect class="bar" x="299" y="94" width="232" height="82">"#),
            "{svg}"
        );
        assert!(svg.contains("T of 1 item, mean 0.9"));
    }
}
