//! Histograms of what steps measured, image by image.

use super::tally::Histogram;
use super::words::number;
use crate::manifest::Schema;

/// Something that a column says of an image, and how it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// The column.
    pub column: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What the values are.
    pub x: &'static str,
    scale: Scale,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    /// Shares, 0 to 1.
    Share,
    /// Numbers from 0 upwards whose ratios count: `log2(1 + value)` from 0 to 16.
    Doubling,
}

const fn share(column: &'static str, title: &'static str, x: &'static str) -> Measure {
    Measure { column, title, x, scale: Scale::Share }
}

/// All measures; those are shown whose column is there.
const MEASURES: &[Measure] = &[
    share(
        "filter-background.tissue_fraction",
        "Tissue after the filter",
        "share of tissue in a patch",
    ),
    Measure {
        column: "filter-background.sharpness",
        title: "Sharpness",
        x: "variance of the Laplacian, doubling",
        scale: Scale::Doubling,
    },
    share("filter-background.under_fraction", "Nearly black", "share of pixels up to level 12"),
    share("filter-background.over_fraction", "Nearly white", "share of pixels from level 245"),
    share("filter-background.pen_fraction", "Ink", "share of ink in a patch"),
    share("filter-background.motion_score", "Motion", "share that differs from photos around it"),
    share("tile.valid_fraction", "Inside the slide", "share of a patch that lies in the slide"),
];

impl Measure {
    fn histogram(&self) -> Histogram {
        match self.scale {
            Scale::Share => Histogram::new(0.0, 1.0, 20),
            Scale::Doubling => Histogram::new(0.0, 16.0, 32),
        }
    }

    fn at(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Share => value,
            Scale::Doubling => libm::log2(1.0 + value.max(0.0)),
        }
    }

    /// How a value of the histogram's axis is written.
    pub fn show(&self) -> fn(f64) -> String {
        match self.scale {
            Scale::Share => |v| format!("{} %", number(v * 100.0, 1)),
            Scale::Doubling => |v| number(libm::exp2(v) - 1.0, usize::from(v < 3.0)),
        }
    }

    /// Whether the axis doubles: `log2(1 + value)`.
    pub fn doubles(&self) -> bool {
        self.scale == Scale::Doubling
    }
}

/// A measure with its counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// What was measured.
    pub measure: Measure,
    /// How often it was what.
    pub histogram: Histogram,
}

/// Those that a manifest of these columns has.
pub fn measured(schema: &Schema) -> Vec<Measured> {
    let found = MEASURES.iter().filter(|measure| schema.fact(measure.column).is_some());
    found.map(|measure| Measured { measure: *measure, histogram: measure.histogram() }).collect()
}

impl Measured {
    /// Counts a value.
    pub fn add(&mut self, value: f64) {
        self.histogram.add(self.measure.at(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubling_axis_reads_back_what_was_measured() {
        let sharpness = MEASURES.iter().find(|m| m.doubles()).unwrap();
        for value in [0.0, 1.0, 3.0, 127.0, 4095.0] {
            let shown = sharpness.show()(sharpness.at(value));
            assert_eq!(shown, number(value, 0));
        }
        assert_eq!(sharpness.at(-1.0), 0.0);
    }
}
