//! The plane of densities in red and blue, drawn: pixels in their own colours, stain vectors as arrows.
//!
//! Red against blue because there hematoxylin (0.56, 0.41) and eosin (0.22, 0.56) lie farthest apart.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::stain::{FitOptions, Fitted, Method, OdScale, Pool, Stains, WhitePoint};
use crate::steps::stain::reference;

/// Cells per axis.
const CELLS: f64 = 45.0;
/// Density at the end of each axis.
const MOST: f64 = 1.5;
/// Side of the drawing, and of the margin around the axes, in its own units.
const SIDE: f64 = 360.0;
const MARGIN: f64 = 40.0;

/// Draws a pool and what was fitted on it: an SVG with a title and texts for those who cannot see it.
pub(super) fn draw(pool: &Pool, fitted: &Fitted, options: &FitOptions) -> String {
    let stains = fitted.profile.as_ref().and_then(|profile| profile.stains);
    let scale = stains.map_or_else(|| scale_of(options), |stains| stains.scale);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {w}\" width=\"{w}\" height=\"{w}\" \
         role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"11\">\
         <title>Optical density, red against blue: {}</title>\
         <rect width=\"{w}\" height=\"{w}\" fill=\"#ffffff\"/>",
        fitted.status.words(),
        w = SIDE + 2.0 * MARGIN,
    );
    cells(&mut svg, pool, &scale);
    axes(&mut svg);
    if let Some(Stains { matrix, .. }) = reference(options.method).and_then(|r| r.stains) {
        for vector in &matrix {
            arrow(&mut svg, vector, "#555555", " stroke-dasharray=\"4 3\"", "");
        }
    }
    if let Some(Stains { matrix, .. }) = stains {
        arrow(&mut svg, &matrix[0], "#2b2b8c", "", "H");
        arrow(&mut svg, &matrix[1], "#b5176b", "", "E");
    } else {
        let (x, y) = (MARGIN + 8.0, MARGIN + 16.0);
        let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" fill=\"#a00000\">no profile</text>");
    }
    svg.push_str("</svg>\n");
    svg
}

fn scale_of(options: &FitOptions) -> OdScale {
    match (options.method, options.white) {
        (Method::Vahadane | Method::Ruifrok, _) => OdScale::staintools(),
        (_, WhitePoint::Given(io)) => OdScale::torchstain(io),
        (_, WhitePoint::Estimated) => OdScale::torchstain([240.0; 3]),
    }
}

/// Density to place.
fn place(red: f64, blue: f64) -> (f64, f64) {
    (MARGIN + red / MOST * SIDE, MARGIN + SIDE - blue / MOST * SIDE)
}

/// One cell of the plane: pixels, and the sums of their samples.
#[derive(Default)]
struct Cell {
    count: u64,
    sums: [u64; 3],
}

fn cells(svg: &mut String, pool: &Pool, scale: &OdScale) {
    let table = scale.table();
    let cell_of = |channel: usize, sample: u8| {
        let cell = (table[channel][usize::from(sample)] / MOST * CELLS).floor();
        (0.0..CELLS).contains(&cell).then_some(cell as u32)
    };
    let mut cells: BTreeMap<(u32, u32), Cell> = BTreeMap::new();
    for (colour, count) in pool.colours() {
        let (Some(x), Some(y)) = (cell_of(0, colour[0]), cell_of(2, colour[2])) else { continue };
        let cell = cells.entry((x, y)).or_default();
        cell.count = cell.count.saturating_add(count);
        for (sum, sample) in cell.sums.iter_mut().zip(colour) {
            *sum = sum.saturating_add(count.saturating_mul(sample.into()));
        }
    }
    let most = cells.values().map(|cell| cell.count.ilog2() + 1).max().unwrap_or(1);
    let side = SIDE / CELLS;
    for ((x, y), cell) in &cells {
        let [r, g, b] = cell.sums.map(|sum| sum / cell.count.max(1));
        let (left, bottom) = (MARGIN + f64::from(*x) * side, MARGIN + SIDE - f64::from(*y) * side);
        let opacity = (cell.count.ilog2() + 1) * 255 / most;
        let _ = write!(
            svg,
            "<path fill=\"#{r:02x}{g:02x}{b:02x}{opacity:02x}\" d=\"M{left:.0} {bottom:.0}h{side}v-{side}h-{side}z\"/>",
        );
    }
}

fn axes(svg: &mut String) {
    let (left, bottom) = place(0.0, 0.0);
    let (right, top) = place(MOST, MOST);
    let _ = write!(
        svg,
        "<path d=\"M{left} {top}V{bottom}H{right}\" fill=\"none\" stroke=\"#222222\"/>\
         <text x=\"{right}\" y=\"{:.0}\" text-anchor=\"end\">density in red</text>\
         <text x=\"{:.0}\" y=\"{:.0}\">density in blue</text>",
        bottom + 30.0,
        left - 30.0,
        top - 10.0,
    );
    for tick in [0.5, 1.0, 1.5] {
        let ((x, _), (_, y)) = (place(tick, 0.0), place(0.0, tick));
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"{:.0}\" text-anchor=\"middle\">{tick}</text>\
             <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{tick}</text>",
            bottom + 15.0,
            left - 5.0,
            y + 4.0,
        );
    }
}

/// A stain vector from the origin, made as long as the axes allow.
fn arrow(svg: &mut String, vector: &[f64; 3], colour: &str, style: &str, name: &str) {
    let longest = vector[0].max(vector[2]);
    if longest <= 0.0 {
        return;
    }
    let stretch = 1.2 / longest;
    let ((x0, y0), (x1, y1)) = (place(0.0, 0.0), place(vector[0] * stretch, vector[2] * stretch));
    let _ = write!(
        svg,
        "<line x1=\"{x0}\" y1=\"{y0}\" x2=\"{x1:.1}\" y2=\"{y1:.1}\" stroke=\"{colour}\" \
         stroke-width=\"2\"{style}/>\
         <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\" font-weight=\"bold\">{name}</text>",
        x1 + 5.0,
        y1 - 3.0,
    );
}
