//! The fields of one of their ops, read so that everything is looked at and everything wrong is said.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::pixels::resize::Filter;
use crate::steps::augment::policy::place::{Border, Interpolation};
use crate::steps::targets::Outline;

/// What a whole policy gathers.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is refused: where, what, and why.
    pub refused: Vec<String>,
    /// The outlines that ops ask for.
    pub outlines: Vec<Outline>,
}

/// One object: an op, a container, the params of boxes.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// Where it stands, and its name, for messages.
    place: String,
    seen: BTreeSet<&'a str>,
    findings: &'a mut Findings,
}

impl<'a> Fields<'a> {
    /// An object that stands at `place`.
    pub fn of(object: &'a Map<String, Value>, place: String, findings: &'a mut Findings) -> Self {
        Self { object, place, seen: BTreeSet::new(), findings }
    }

    /// Refuses the object, for what no field alone says.
    pub fn refuse(&mut self, why: impl std::fmt::Display) {
        self.findings.refused.push(format!("{}: {why}", self.place));
    }

    fn wrong(&mut self, field: &str, why: impl std::fmt::Display) {
        self.findings.refused.push(format!("{}.{field}: {why}", self.place));
    }

    /// Refuses fields that nobody looked at.
    pub fn finish(mut self) {
        for name in self.object.keys() {
            if !self.seen.contains(name.as_str()) {
                self.wrong(name, "is a field that 2.0.8 does not write");
            }
        }
    }

    /// A field as it is; a missing one is refused, as `A.to_dict` writes all.
    pub fn value(&mut self, name: &'a str) -> &'a Value {
        if let Some(value) = self.object.get(name) {
            self.seen.insert(name);
            return value;
        }
        if self.seen.insert(name) {
            self.wrong(name, "is missing");
        }
        &Value::Null
    }

    /// Whether a field is there, which need not be.
    pub fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// A field that has one value here.
    pub fn only(&mut self, name: &'a str, one: &Value, why: &str) {
        let value = self.value(name);
        if self.has(name) && !same(value, one) {
            self.wrong(name, format!("{value} has no equal here ({one} has): {why}"));
        }
    }

    /// A number.
    pub fn number(&mut self, name: &'a str) -> f64 {
        let value = self.value(name);
        self.float(name, value)
    }

    /// The probability.
    pub fn p(&mut self) -> f64 {
        self.number("p")
    }

    fn float(&mut self, name: &str, value: &Value) -> f64 {
        value.as_f64().filter(|number| number.is_finite()).unwrap_or_else(|| {
            self.unreadable(name, value, "a number");
            0.0
        })
    }

    fn unreadable(&mut self, name: &str, value: &Value, what: &str) {
        if self.has(name) {
            self.wrong(name, format!("{value} is not {what}"));
        }
    }

    /// A whole number from 0; whole floats too.
    pub fn whole(&mut self, name: &'a str) -> u32 {
        let value = self.value(name);
        self.int(name, value)
    }

    fn int(&mut self, name: &str, value: &Value) -> u32 {
        let number = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..=4e9).contains(n));
        number.map_or_else(
            || {
                self.unreadable(name, value, "a whole number from 0");
                0
            },
            |number| number as u32,
        )
    }

    /// A flag.
    pub fn flag(&mut self, name: &'a str) -> bool {
        let value = self.value(name);
        value.as_bool().unwrap_or_else(|| {
            self.unreadable(name, value, "true or false");
            false
        })
    }

    /// A range of numbers.
    pub fn range(&mut self, name: &'a str) -> [f64; 2] {
        let value = self.value(name);
        self.two(name, value)
    }

    fn two(&mut self, name: &str, value: &Value) -> [f64; 2] {
        match value.as_array().map(Vec::as_slice) {
            Some([low, high]) => [self.float(name, low), self.float(name, high)],
            _ => {
                self.unreadable(name, value, "a range [low, high]");
                [0.0; 2]
            }
        }
    }

    /// A range of whole numbers.
    pub fn wholes(&mut self, name: &'a str) -> [u32; 2] {
        let value = self.value(name);
        match value.as_array().map(Vec::as_slice) {
            Some([low, high]) => [self.int(name, low), self.int(name, high)],
            _ => {
                self.unreadable(name, value, "a range of whole numbers [low, high]");
                [0; 2]
            }
        }
    }

    /// Ranges of x and y: `{"x": [low, high], "y": [low, high]}`.
    pub fn ranges(&mut self, name: &'a str) -> [[f64; 2]; 2] {
        let value = self.value(name);
        ["x", "y"].map(|axis| self.two(name, value.get(axis).unwrap_or(&Value::Null)))
    }

    /// Text.
    pub fn text(&mut self, name: &'a str) -> &'a str {
        let value = self.value(name);
        value.as_str().unwrap_or_else(|| {
            self.unreadable(name, value, "text");
            ""
        })
    }

    /// A colour: one number for all channels, or three.
    pub fn fill(&mut self, name: &'a str) -> [u8; 3] {
        let value = self.value(name);
        let colour = match value.as_array().map(Vec::as_slice) {
            None => byte(value).map(|grey| [grey; 3]),
            Some([grey]) => byte(grey).map(|grey| [grey; 3]),
            Some([r, g, b]) => byte(r).zip(byte(g)).zip(byte(b)).map(|((r, g), b)| [r, g, b]),
            _ => None,
        };
        colour.unwrap_or_else(|| {
            self.unreadable(name, value, "one or three whole numbers 0–255");
            [0; 3]
        })
    }

    /// The value of masks beyond the edges.
    pub fn mask_fill(&mut self) -> u8 {
        let [a, b, c] = self.fill("fill_mask");
        if a != b || b != c {
            self.wrong("fill_mask", "a mask has one channel");
        }
        a
    }

    /// OpenCV's border modes.
    pub fn border(&mut self) -> Border {
        match self.whole("border_mode") {
            0 => Border::Constant,
            1 => Border::Replicate,
            2 => Border::Reflect,
            3 => Border::Wrap,
            4 => Border::Reflect101,
            other => {
                self.wrong("border_mode", format!("{other} is no border mode of OpenCV (0–4)"));
                Border::Constant
            }
        }
    }

    fn mask_interpolation(&mut self) {
        self.only("mask_interpolation", &0.into(), "masks move by the nearest pixel");
    }

    /// OpenCV's interpolation of warps, and that of masks.
    pub fn interpolation(&mut self) -> Interpolation {
        self.mask_interpolation();
        match self.whole("interpolation") {
            0 => Interpolation::Nearest,
            1 => Interpolation::Bilinear,
            other => {
                let why = format!("{other} has no equal here: 0 (nearest) and 1 (linear) have");
                self.wrong("interpolation", why);
                Interpolation::Nearest
            }
        }
    }

    /// OpenCV's interpolation of sizes, and that of masks.
    pub fn filter(&mut self) -> Filter {
        self.mask_interpolation();
        let why = "sizes are antialiased by the filter itself";
        self.only("area_for_downscale", &Value::Null, why);
        match self.whole("interpolation") {
            0 => Filter::Nearest,
            1 => Filter::Bilinear,
            2 => Filter::CatmullRom,
            3 => Filter::Box,
            4 => Filter::Lanczos3,
            other => {
                self.wrong("interpolation", format!("{other} has no equal here (0–4 have)"));
                Filter::Bilinear
            }
        }
    }

    /// Which outline boxes have in a rotation.
    pub fn rotate_method(&mut self) {
        match self.text("rotate_method") {
            "largest_box" => self.findings.outlines.push(Outline::Corners),
            "ellipse" => self.findings.outlines.push(Outline::Ellipse),
            other => {
                let why = format!("`{other}` has no equal here: largest_box, ellipse");
                self.wrong("rotate_method", why);
            }
        }
    }
}

fn byte(value: &Value) -> Option<u8> {
    let whole = |n: &f64| n.fract() == 0.0 && (0.0..=255.0).contains(n);
    value.as_f64().filter(whole).map(|n| n as u8)
}

/// Equal, where 1 and 1.0 are.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
    }
}
