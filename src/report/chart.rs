//! Charts as inline SVG: no script, readable in print, and each with its numbers as a table.

use maud::{Markup, PreEscaped, html};

use super::svg::{self, Axes};
use super::tally::{Histogram, Tally};
use super::words::{count, counted, number, percent};

/// What a histogram is about.
pub struct Axis<'a> {
    /// Heading.
    pub title: &'a str,
    /// What the values are, with unit.
    pub x: &'a str,
    /// What is counted (`patches`).
    pub y: &'a str,
    /// How a value is written in words.
    pub show: fn(f64) -> String,
}

/// A histogram with axes, and its numbers behind a fold.
pub fn histogram(h: &Histogram, axis: &Axis<'_>) -> Markup {
    let top = nice_top(h.bins.iter().copied().max().unwrap_or(0));
    let shown_mean = (axis.show)(h.mean().unwrap_or(h.low));
    let items = counted(h.count(), "item", "items");
    let words = format!("{} of {items}, mean {shown_mean}", axis.title);
    let axes = Axes { x: axis.x, show: axis.show };
    html! {
        figure.chart {
            figcaption { (axis.title) span.aside { (count(h.count())) " " (axis.y) ", mean " (shown_mean) } }
            @if let Some(inside) = svg::histogram(h, top, &axes) {
                svg viewBox=(format!("0 0 {} {}", svg::WIDTH, svg::HEIGHT)) role="img" aria-label=(words) {
                    (PreEscaped(inside))
                }
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
pub fn nice_top(most: u64) -> u64 {
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

/// A name as a chart has room for it; the whole of it stands in a title.
pub fn cut(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_string();
    }
    name.chars().take(most.saturating_sub(1)).chain(['…']).collect()
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
        let axis = Axis { title: "T", x: "x", y: "y", show: |v| number(v, 2) };
        let drawing = histogram(&h, &axis).into_string();
        // The plot is 480 − 60 − 30 wide and 220 − 8 − 46 high; the axis ends at 2, so that one item is half of it.
        let bar = drawing.split("<rect ").nth(1).unwrap().split("/>").next().unwrap();
        let of = |name: &str| -> f64 {
            let value = bar.split(&format!("{name}=\"")).nth(1).unwrap();
            value.split('"').next().unwrap().parse().unwrap()
        };
        assert_eq!(drawing.matches("<rect ").count(), 1, "{drawing}");
        assert!((of(" width") - 390.0 / 2.0).abs() <= 3.0, "{bar}");
        assert!((of("x") - (60.0 + 390.0 / 2.0)).abs() <= 2.0, "{bar}");
        assert!((of(" height") - 166.0 / 2.0).abs() <= 2.0, "{bar}");
        assert!((of("y") - (8.0 + 166.0 / 2.0)).abs() <= 2.0, "{bar}");
        assert!(drawing.contains("T of 1 item, mean 0.9"));
        assert!(!drawing.contains("http"));
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!((cut("tumor", 5).as_str(), cut("tumour", 5).as_str()), ("tumor", "tumo…"));
        assert_eq!(cut("äöüäöü", 3), "äö…");
    }
}
