//! What plotters draws, made part of the page.
//!
//! plotters lays out axes and bars; colours are a handful of fixed ones that the style sheet of the page
//! replaces by its own (`[fill="#5A3D8C"]`), so that one drawing is readable in light, in dark and in print.
//! Other people's words never go through plotters: names of classes are written by maud beside it.
//! Texts are measured by a rule of thumb and no font is asked, so that the bytes are the same everywhere.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::{
    ChartBuilder, DrawingArea, IntoDrawingArea, IntoFont, PathElement, RGBColor, Rectangle,
    SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::Color;

use super::tally::Histogram;
use super::words::count;

/// What is: accent of the page.
const BAR: RGBColor = RGBColor(0x5A, 0x3D, 0x8C);
/// What was before.
const BEFORE: RGBColor = RGBColor(0xB0, 0xA8, 0xBE);
/// Rules of a grid.
const RULE: RGBColor = RGBColor(0xDD, 0xD8, 0xE0);
/// The mean.
const MEAN: RGBColor = RGBColor(0xB3, 0x42, 0x6B);
/// Words.
const INK: RGBColor = RGBColor(0x1F, 0x1B, 0x24);

/// Width of a chart, in its own pixels.
pub const WIDTH: u32 = 480;
/// Height of a histogram.
pub const HEIGHT: u32 = 220;
/// Height of one bar.
const BAR_PX: u32 = 11;
/// From the end of one row of bars to the next.
const GAP_PX: u32 = 9;
/// Room below a chart for the numbers of its axis.
const AXIS_PX: u32 = 26;
/// plotters takes a size in its own units.
const TEXT: f64 = 13.0 * 1.24;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Outcome<T> = Result<T, Box<dyn Error>>;

/// The words of a histogram's axes.
pub struct Axes<'a> {
    /// Along x.
    pub x: &'a str,
    /// How a value on x is written.
    pub show: fn(f64) -> String,
}

/// Draws; gives the elements inside `<svg>`. Nothing, where plotters cannot draw.
fn drawn(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Outcome<()>) -> Option<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area).ok()?;
        area.present().ok()?;
    }
    // The page writes its own `<svg>`, with words for those who do not see it.
    let inside = svg.split_once('>')?.1.rsplit_once("</svg>")?.0;
    let mut inside = inside.to_string();
    for needless in [" opacity=\"1\"", " stroke=\"none\"", " font-family=\"sans-serif\"", "\n"] {
        inside = inside.replace(needless, "");
    }
    Some(inside)
}

fn words() -> TextStyle<'static> {
    ("sans-serif", TEXT).into_font().color(&INK)
}

/// A histogram whose axis ends at `top`, with a line at the mean.
pub fn histogram(h: &Histogram, top: u64, axes: &Axes<'_>) -> Option<String> {
    drawn((WIDTH, HEIGHT), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(8)
            .margin_right(30)
            .x_label_area_size(46)
            .y_label_area_size(60)
            .build_cartesian_2d(h.low..h.high, 0.0..top as f64)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(ShapeStyle::from(&RULE.mix(0.0)))
            .bold_line_style(ShapeStyle::from(&RULE))
            .axis_style(ShapeStyle::from(&RULE))
            .x_labels(5)
            .y_labels(3)
            .x_label_formatter(&|x| (axes.show)(*x))
            .y_label_formatter(&|y| count(*y as u64))
            .x_label_style(words())
            .y_label_style(words())
            .axis_desc_style(words())
            .x_desc(axes.x)
            .draw()?;
        let bins = h.bins.iter().enumerate().filter(|(_, n)| **n > 0);
        chart.draw_series(bins.map(|(bin, n)| {
            // A bin of one among thousands is still seen.
            let high = (*n as f64).max(top as f64 / f64::from(HEIGHT) * 1.5);
            let corners = [(h.edge(bin), high), (h.edge(bin + 1), 0.0)];
            let mut bar = Rectangle::new(corners, BAR.filled());
            bar.set_margin(0, 0, 1, 1);
            bar
        }))?;
        if let Some(mean) = h.mean() {
            let line = PathElement::new([(mean, 0.0), (mean, top as f64)], MEAN.stroke_width(2));
            chart.draw_series([line])?;
        }
        Ok(())
    })
}

/// Rows of bars that were drawn.
pub struct Rows {
    /// The elements.
    pub inside: String,
    /// Width and height.
    pub size: (u32, u32),
    /// Middle of each row, downwards.
    pub middles: Vec<i32>,
    /// Where bars begin.
    pub left: i32,
    /// Where the longest bar of each row ends.
    pub ends: Vec<i32>,
}

/// Horizontal bars, one or two to a row (before, now), on an axis that ends at `top`; `left` is the room
/// for names, `right` that for numbers behind the bars.
pub fn rows(
    values: &[[Option<f64>; 2]],
    top: f64,
    (width, left, right): (u32, u32, u32),
    axis: Option<fn(f64) -> String>,
) -> Option<Rows> {
    let several = values.iter().any(|row| row.iter().flatten().count() > 1);
    let row_px = BAR_PX * (1 + u32::from(several)) + GAP_PX;
    let below = if axis.is_some() { AXIS_PX } else { 2 };
    let size = (width, row_px * values.len() as u32 + below + 4);
    let all = values.len() as f64;
    let (mut middles, mut ends, mut begin) = (Vec::new(), Vec::new(), 0);
    let inside = drawn(size, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(4)
            .margin_right(right)
            .x_label_area_size(below)
            .y_label_area_size(left)
            .build_cartesian_2d(0.0..top, 0.0..all)?;
        if let Some(show) = axis {
            chart
                .configure_mesh()
                .disable_y_mesh()
                .disable_y_axis()
                .light_line_style(ShapeStyle::from(&RULE.mix(0.0)))
                .bold_line_style(ShapeStyle::from(&RULE))
                .axis_style(ShapeStyle::from(&RULE))
                .x_labels(4)
                .x_label_formatter(&|x| show(*x))
                .x_label_style(words())
                .draw()?;
        }
        let share = f64::from(BAR_PX) / f64::from(row_px);
        for (index, row) in values.iter().enumerate() {
            let middle = all - index as f64 - 0.5;
            let at = chart.backend_coord(&(0.0, middle));
            middles.push(at.1);
            begin = at.0;
            let mut end = at.0;
            let bars: Vec<(f64, RGBColor)> = row
                .iter()
                .zip([BEFORE, BAR])
                .filter_map(|(value, colour)| value.map(|value| (value, colour)))
                .collect();
            for (place, (value, colour)) in bars.iter().enumerate() {
                let high = middle + share * (bars.len() as f64 / 2.0 - place as f64);
                // One row among millions is still seen.
                let shown =
                    if *value > 0.0 { value.max(top / f64::from(width) * 1.5) } else { 0.0 };
                let corners = [(0.0, high), (shown, high - share)];
                end = end.max(chart.backend_coord(&(shown, high)).0);
                if shown > 0.0 {
                    chart.draw_series([Rectangle::new(corners, colour.filled())])?;
                }
            }
            ends.push(end);
        }
        Ok(())
    })?;
    Some(Rows { inside, size, middles, left: begin, ends })
}
