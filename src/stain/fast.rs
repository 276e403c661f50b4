//! The same fit, from the bytes of one image, several times faster.
//!
//! Colours are not sorted and counted. What a fit needs of all pixels are sums, and the few pixels
//! beyond an extreme percentile: a sample of pixels says roughly where that percentile is; one pass in
//! integers (three look-ups and two additions, for both ends at once) picks all that lie beyond a bound
//! somewhat short of it; among these the two values around the percentile are found as the exact fit
//! finds them. When fewer were picked than the rank asks for, the sample was a bad one, and the exact
//! fit answers. Either way the answer is the exact fit's, to the last bit, and no order of pixels
//! changes it.

use super::OdScale;
use super::concentration::Unmixing;
use super::fit::{FitOptions, Fitted, Measured, WhitePoint, fit, white_point};
use super::gates::{Status, is_one_colour, part_has_colours};
use super::macenko::{self, Counted, Pixels, Plane};
use super::moments::LabSums;
use super::percentile;
use super::pool::Pool;
use super::profile::{Method, Moments, Over, Stains};
use super::scatter::{FixedDensities, Sums};

/// Pixels in a block of picking.
const BLOCK: usize = 1024;

/// Signs of both halves of a sum.
const SIGNS: i64 = i64::MIN | 1 << 31;

/// Fits images one after the other, with the memory of one: no allocation once it has seen the largest.
#[derive(Debug)]
pub struct FastFit {
    options: FitOptions,
    scaled: Scaled,
    memory: Memory,
}

/// What depends on the white point only.
#[derive(Debug)]
struct Scaled {
    scale: OdScale,
    light: [Option<u8>; 3],
    table: [[f64; 256]; 3],
    fixed: FixedDensities,
}

/// What is used again and again.
#[derive(Debug, Default)]
struct Memory {
    picked: Vec<[u8; 3]>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Scaled {
    fn new(io: [f64; 3], beta: f64) -> Self {
        let scale = OdScale::torchstain(io);
        let light = scale.darkest_light(beta);
        Self { scale, light, table: scale.table(), fixed: FixedDensities::new(&scale, light) }
    }

    fn od(&self, pixel: &[u8; 3]) -> [f64; 3] {
        [0, 1, 2].map(|channel| self.table[channel][usize::from(pixel[channel])])
    }

    fn is_tissue(&self, pixel: &[u8; 3]) -> bool {
        pixel.iter().zip(self.light).all(|(sample, light)| Some(*sample) <= light)
    }
}

impl FastFit {
    /// Macenko and the Reinhard methods are fitted from bytes; the others as [`fit`] does.
    pub fn new(options: &FitOptions) -> Self {
        let io = match options.white {
            WhitePoint::Given(io) => io,
            WhitePoint::Estimated => [240.0; 3],
        };
        Self {
            scaled: Scaled::new(io, options.beta),
            options: options.clone(),
            memory: Memory::default(),
        }
    }

    /// Fits one image (R, G, B interleaved; an incomplete last pixel is left out). The profile names no
    /// digest of what it was fitted on: to make one would take longer than the fit.
    pub fn fit(&mut self, rgb: &[u8]) -> Fitted {
        match self.options.method {
            Method::Macenko => {
                let (stains, measured) = self.fit_stains(rgb);
                Fitted::of(Method::Macenko, stains, measured, (1, None))
            }
            method @ (Method::Reinhard | Method::ReinhardModified) => {
                let (moments, measured) = self.fit_moments(rgb);
                match moments {
                    Ok(lab) => Fitted::with(method, (None, Some(lab)), measured, (1, None)),
                    Err(status) => Fitted { profile: None, status, measured },
                }
            }
            Method::Vahadane | Method::Ruifrok => fit(&Pool::of_rgb(rgb), &self.options),
        }
    }

    /// As [`FastFit::fit`], without the words around it: allocates nothing once it has seen an image of
    /// the size. For [`Method::Macenko`] whatever the options say.
    ///
    /// # Errors
    /// The [`Status`], never [`Status::Ok`], of a fit that failed.
    pub fn fit_stains(&mut self, rgb: &[u8]) -> (Result<Stains, Status>, Measured) {
        let pixels = self.look_at(rgb);
        let mut measured = Measured::default();
        let Self { options, scaled, memory } = self;
        let mut image = Bytes { rgb, pixels, options, scaled, memory, tissue: 0, pool: None };
        let stains = macenko::fit_stains(&mut image, options, &mut measured);
        (stains, measured)
    }

    /// Moments of CIELAB, behind the same gates for tissue: for the Reinhard methods.
    fn fit_moments(&mut self, rgb: &[u8]) -> (Result<Moments, Status>, Measured) {
        let pixels = self.look_at(rgb);
        let (mut sums, counted) = (LabSums::default(), pixels.len() as u64);
        let tissue = sums.add_pixels(pixels, self.scaled.light);
        let measured = Measured { pixels: counted, tissue_px: tissue, ..Measured::default() };
        let moments = self.options.gates.enough(tissue, counted).and_then(|()| {
            if self.has_colours(pixels, tissue) {
                sums.moments().ok_or(Status::TooFewTissue)
            } else {
                Err(Status::OneColour)
            }
        });
        (moments, measured)
    }

    /// Has tissue more than one colour? Mostly a few pixels say so.
    fn has_colours(&mut self, pixels: &[[u8; 3]], tissue: u64) -> bool {
        let picked = &mut self.memory.picked;
        picked.clear();
        picked.extend(some(pixels));
        let sums_of = |pixels: &[[u8; 3]]| {
            let mut sums = Sums::default();
            sums.add_tissue(&self.scaled.fixed, pixels);
            sums
        };
        part_has_colours(&sums_of(picked), tissue) || !is_one_colour(&sums_of(pixels))
    }

    /// The pixels, once the white point is that of theirs, where it is to be estimated.
    fn look_at<'a>(&mut self, rgb: &'a [u8]) -> &'a [[u8; 3]] {
        if self.options.white == WhitePoint::Estimated {
            let white = white_point(Pool::seen(rgb).channels());
            self.scaled = Scaled::new(white, self.options.beta);
        }
        rgb.as_chunks::<3>().0
    }
}

/// Some of the pixels, over the whole of the image; the step is odd, so that they do not stand in a few
/// columns.
fn some(pixels: &[[u8; 3]]) -> impl Iterator<Item = &[u8; 3]> {
    let wanted = (pixels.len() / 32).clamp(1024, 8192);
    pixels.iter().step_by((pixels.len() / wanted) | 1)
}

/// An image, and what is known of it.
struct Bytes<'a> {
    rgb: &'a [u8],
    pixels: &'a [[u8; 3]],
    options: &'a FitOptions,
    scaled: &'a Scaled,
    memory: &'a mut Memory,
    tissue: u64,
    /// For when the sample was a bad one.
    pool: Option<Pool>,
}

impl Pixels for Bytes<'_> {
    fn pixels(&self) -> u64 {
        self.pixels.len() as u64
    }

    fn counted(&self) -> u64 {
        self.pixels.len() as u64
    }

    fn sums(&mut self) -> Sums {
        let mut sums = Sums::default();
        sums.add_tissue(&self.scaled.fixed, self.pixels);
        self.tissue = sums.count;
        sums
    }

    fn scale(&self) -> (&OdScale, [Option<u8>; 3]) {
        (&self.scaled.scale, self.scaled.light)
    }

    fn angles(&mut self, plane: &Plane) -> Option<[f64; 2]> {
        self.quick_angles(plane).or_else(|| self.exact().angles(plane))
    }

    fn maxima(&mut self, unmixing: &Unmixing) -> Option<[f64; 2]> {
        self.quick_maxima(unmixing).or_else(|| self.exact().maxima(unmixing))
    }
}

impl Bytes<'_> {
    fn exact(&mut self) -> Counted<'_> {
        let pool = self.pool.get_or_insert_with(|| Pool::of_rgb(self.rgb));
        Counted::new(pool, self.scaled.scale, self.options)
    }

    fn quick_angles(&mut self, plane: &Plane) -> Option<[f64; 2]> {
        if !plane.in_front {
            return None;
        }
        let places = [self.options.alpha, 100.0 - self.options.alpha]
            .map(|percent| percentile::place(self.tissue, percent));
        let [Some(low), Some(high)] = places else { return None };

        let mut values = std::mem::take(&mut self.memory.low);
        values.clear();
        values.extend(
            some(self.pixels)
                .filter(|pixel| self.scaled.is_tissue(pixel))
                .map(|pixel| plane.place(&self.scaled.od(pixel))),
        );
        let bounds = [self.options.alpha, 100.0 - self.options.alpha]
            .map(|percent| percentile::bound(&mut values, percent));
        self.memory.low = values;
        let [Some(least), Some(most)] = bounds else { return None };

        // Below zero: across < least·along, and across > most·along.
        let forms = [0, 1, 2].map(|c| {
            let (along, across) = (plane.along[c], plane.across[c]);
            [across - least * along, most * along - across]
        });
        self.pick(&forms, [0.0; 2], true)?;

        let Memory { picked, low: below, high: above } = &mut *self.memory;
        below.clear();
        above.clear();
        for pixel in picked.iter() {
            let value = plane.place(&self.scaled.od(pixel));
            if value < least {
                below.push(value);
            } else if value > most {
                above.push(value);
            }
        }
        let low_values = percentile::lowest(below, low)?;
        let high_values = percentile::highest(above, self.tissue, high)?;
        Some([plane.angle(low_values, low), plane.angle(high_values, high)])
    }

    fn quick_maxima(&mut self, unmixing: &Unmixing) -> Option<[f64; 2]> {
        let only_tissue = self.options.over == Over::Tissue;
        let count = if only_tissue { self.tissue } else { self.pixels.len() as u64 };
        let percent = self.options.max_percentile;
        let place = percentile::place(count, percent)?;

        let (mut h, mut e) =
            (std::mem::take(&mut self.memory.low), std::mem::take(&mut self.memory.high));
        h.clear();
        e.clear();
        for pixel in some(self.pixels).filter(|pixel| !only_tissue || self.scaled.is_tissue(pixel))
        {
            let amounts = unmixing.amounts(self.scaled.od(pixel));
            h.push(amounts[0]);
            e.push(amounts[1]);
        }
        let bounds = [percentile::bound(&mut h, percent), percentile::bound(&mut e, percent)];
        (self.memory.low, self.memory.high) = (h, e);
        let [Some(most_h), Some(most_e)] = bounds else { return None };

        // Below zero: more than the bound.
        let [h, e] = unmixing.inverse();
        let forms = [0, 1, 2].map(|c| [-h[c], -e[c]]);
        self.pick(&forms, [most_h, most_e], only_tissue)?;

        let Memory { picked, low: above_h, high: above_e } = &mut *self.memory;
        above_h.clear();
        above_e.clear();
        for pixel in picked.iter() {
            let [h, e] = unmixing.amounts(self.scaled.od(pixel));
            if h > most_h {
                above_h.push(h);
            }
            if e > most_e {
                above_e.push(e);
            }
        }
        let between = |[a, b]: [f64; 2]| percentile::between(a, b, place.part);
        Some([
            between(percentile::highest(above_h, count, place)?),
            between(percentile::highest(above_e, count, place)?),
        ])
    }

    /// Picks all pixels (all of tissue) for which one of two linear forms `constant + Σ form·od` is
    /// negative, and few others. `None` when these are so many that it would not be faster.
    fn pick(
        &mut self,
        forms: &[[f64; 2]; 3],
        constants: [f64; 2],
        only_tissue: bool,
    ) -> Option<()> {
        let tables = self.tables(forms, constants, only_tissue)?;
        let most = self.pixels.len() / 4;
        let picked = &mut self.memory.picked;
        picked.clear();
        for block in self.pixels.chunks(BLOCK) {
            let (mut places, mut found) = ([0_u16; BLOCK], 0);
            for (place, pixel) in (0_u16..).zip(block) {
                let [r, g, b] = pixel.map(usize::from);
                let sum = tables[0][r].wrapping_add(tables[1][g]).wrapping_add(tables[2][b]);
                places[found % BLOCK] = place;
                found += usize::from(sum & SIGNS != 0);
            }
            let places = places.get(..found)?;
            picked.extend(places.iter().filter_map(|place| block.get(usize::from(*place))));
            if picked.len() > most {
                return None;
            }
        }
        Some(())
    }

    /// Tables of both forms, each in one half of an integer: three entries are added and two signs
    /// looked at. A carry out of a negative lower half may make the upper one negative too: that only
    /// picks what is picked already. Every rounding is paid for with a unit, and where a sample is not
    /// tissue stands what no other entries can make negative.
    fn tables(
        &self,
        forms: &[[f64; 2]; 3],
        constants: [f64; 2],
        only_tissue: bool,
    ) -> Option<[[i64; 256]; 3]> {
        let largest = |half: usize| {
            forms.iter().zip(&self.scaled.table).fold(
                constants[half].abs(),
                |sum, (form, table)| {
                    let most = table.iter().fold(0.0, |most: f64, od| most.max(od.abs()));
                    sum + form[half].abs() * most
                },
            )
        };
        let size = largest(0).max(largest(1));
        if !(size.is_finite() && size > 1e-6) {
            return None;
        }
        // Three roundings, and three units for them, are far less than one part in 2.
        let unit = f64::from(1 << 27) / size;
        let mut tables = [[0_i64; 256]; 3];
        for (channel, table) in tables.iter_mut().enumerate() {
            let light = self.scaled.light[channel];
            for ((sample, entry), od) in (0..=255_u8).zip(table).zip(self.scaled.table[channel]) {
                let [upper, lower] = [0, 1].map(|half| {
                    if only_tissue && Some(sample) > light {
                        return 1 << 29;
                    }
                    let constant = if channel == 0 { constants[half] } else { 0.0 };
                    ((constant + forms[channel][half] * od) * unit).floor() as i64 - 1
                });
                *entry = (upper << 32) + lower;
            }
        }
        Some(tables)
    }
}

#[cfg(test)]
mod tests;
