//! `tile`: slides and large images to patches at an exact resolution, on tissue.
//!
//! The order of things: `resolution` decides the level and the scale, `grid` where patches lie,
//! `overview` makes the small copies, `mask` (with `otsu` and `morphology`) finds tissue,
//! `coverage` chooses patches, `share` decodes each source tile once, `resample` brings
//! pixels to their resolution, `overlay` draws what was done. The page for users is [`Params`].

pub mod coverage;
#[cfg(test)]
mod fake;
mod grid;
mod mask;
pub mod morphology;
pub mod otsu;
mod overlay;
mod overview;
mod params;
mod pixels;
pub mod resample;
mod resolution;
mod share;

use std::sync::Arc;

use fast_image_resize as fir;
use schemars::JsonSchema;
use serde::Serialize;

pub use params::{Channel, Edges, MaskKind, Params};
pub use resolution::MppSource;

use crate::error::{Error, Result};
use crate::image::jpeg::Subsampling;
use crate::image::{Image, jpeg, png};
use crate::manifest::{Column, Kind};
use crate::slide::{Limits, Slide};
use crate::step::{Made, Out, Source, Step};
use crate::steps::encode::encode;
use coverage::Coverage;
use grid::{Axis, Grid};
use mask::MaskPlan;
use morphology::Bitmap;
use resolution::{Known, Resolution};
use share::{Accepted, Shared};

const MPP_X: Column = Column {
    name: "slide.mpp_x",
    kind: Kind::Float,
    made_by: "scan",
    doc: "micrometres per level-0 pixel along x; null where unknown",
};

const MPP_Y: Column = Column {
    name: "slide.mpp_y",
    kind: Kind::Float,
    made_by: "scan",
    doc: "micrometres per level-0 pixel along y; null where unknown",
};

/// Pixels that one piece of work writes, about: enough to be worth sending to a thread.
const PIECE_PX: u32 = 1 << 19;

/// What `tile` says of a patch. Positions and sizes are in pixels of the slide's level 0.
#[derive(Serialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct Facts {
    /// Column of the grid, 0 the leftmost.
    pub col: u64,
    /// Row of the grid, 0 the uppermost.
    pub row: u64,
    /// Left border in level-0 pixels; with a fraction where the resolution asks for one.
    pub x_px: f64,
    /// Upper border in level-0 pixels.
    pub y_px: f64,
    /// Width in level-0 pixels, with what lies outside the slide.
    pub w_px: f64,
    /// Height in level-0 pixels, with what lies outside the slide.
    pub h_px: f64,
    /// Level that was read, 0 the largest.
    pub level: u64,
    /// Micrometres per pixel of the patch along x; null where nobody knows.
    pub mpp_x: Option<f64>,
    /// Micrometres per pixel of the patch along y; null where nobody knows.
    pub mpp_y: Option<f64>,
    /// Where µm/px of the slide came from: manifest, header, assumed or none.
    pub mpp_source: MppSource,
    /// Part of the patch that is tissue, 0–1; null without a mask.
    pub tissue_fraction: Option<f64>,
    /// Part of the patch that lies on the slide, 0–1.
    pub valid_fraction: f64,
    /// Mean luminance (BT.601) of the patch before it is encoded, 0–255, filled parts included.
    pub luminance_mean: f64,
}

/// The step.
pub struct Tile {
    params: Params,
}

impl Step for Tile {
    const NAME: &'static str = "tile";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Source;
    type Facts = Facts;
    const READS: &'static [Column] = &[MPP_X, MPP_Y];

    fn new(params: Params) -> Result<Self> {
        params.check()?;
        Ok(Self { params })
    }

    fn run(&self, input: Source, out: &mut Out<'_, Facts>) -> Result<()> {
        let columns = [&MPP_X, &MPP_Y].map(|column| input.column(column).as_f64());
        let slide = input.slide()?;
        self.cut(&*slide, columns, input.limits(), out)
    }
}

impl Tile {
    /// All that [`Step::run`] does once the slide is open.
    fn cut(
        &self,
        slide: &dyn Slide,
        columns: [Option<f64>; 2],
        limits: Limits,
        out: &mut Out<'_, Facts>,
    ) -> Result<()> {
        let geometry = slide.geometry();
        let channels = pixels::channels(geometry)?;
        let known = Known::decide(columns, geometry.mpp, self.params.assume_mpp)?;
        let resolution = Resolution::of(&self.params, geometry, &known)?;
        let grid = Grid::new(&self.params, geometry, &resolution)?;
        let plan = MaskPlan::new(&self.params, geometry, &known, channels)?;

        let overview = self.overview(slide, channels, plan.as_ref(), out)?;
        let mask = overview.mask.as_ref().zip(plan.as_ref());
        let coverage = mask.map(|(mask, plan)| plan.coverage(mask, geometry));
        let accepted = self.accept(&grid, coverage.as_ref(), out)?;
        if let Some((thumbnail, scale)) = &overview.thumbnail {
            let placed = mask.map(|(mask, plan)| (mask, plan.scale_0));
            let overlay = overlay::draw(thumbnail, *scale, placed, &grid, &accepted)?;
            let jpg = jpeg::encode(thumbnail, 85, Subsampling::S420)?;
            out.preview(preview("thumbnail.jpg", jpg, "image/jpeg", thumbnail)?)?;
            out.preview(preview("overlay.png", png::encode(&overlay)?, "image/png", &overlay)?)?;
        }
        drop(overview);

        let tiles =
            Shared::new(slide, resolution.level, channels, &grid, &accepted, limits.decoded_bytes);
        let slide_cut =
            Cut { params: &self.params, known, resolution, grid: &grid, coverage, tiles };
        slide_cut.write(&accepted, out)
    }

    /// Mask and thumbnail, from one pass over one level.
    fn overview(
        &self,
        slide: &dyn Slide,
        channels: u8,
        plan: Option<&MaskPlan>,
        out: &mut Out<'_, Facts>,
    ) -> Result<Overview> {
        let geometry = slide.geometry();
        let level = plan.map(|p| p.level).or_else(|| overlay::level_without_mask(geometry));
        let Some(index) = level else { return Ok(Overview { mask: None, thumbnail: None }) };
        let block = overlay::block(&geometry.levels[index]);
        let blocks: Vec<_> = plan.map(|p| p.block).into_iter().chain([(block, block)]).collect();
        let mut small = overview::stream(slide, index, channels, &blocks, out)?;
        let thumbnail = small.pop().map(overlay::colour).transpose()?;
        let mask = match (plan, small.pop()) {
            (Some(plan), Some(small)) => Some(plan.mask(&self.params, &small)?),
            _ => None,
        };
        let scale =
            resolution::downsample(&geometry.levels[index]).map(|down| down * f64::from(block));
        Ok(Overview { mask, thumbnail: thumbnail.map(|t| (t, scale)) })
    }

    /// The patches with enough tissue.
    fn accept(
        &self,
        grid: &Grid,
        coverage: Option<&Coverage>,
        out: &mut Out<'_, Facts>,
    ) -> Result<Accepted> {
        let mut accepted = Accepted::new();
        let is_accepted = |col: u32, row: u64| {
            coverage.is_none_or(|c| fraction(c, grid, col.into(), row) >= self.params.min_tissue)
        };
        let columns = u32::try_from(grid.x.count()).unwrap_or(u32::MAX);
        out.ordered(
            grid.y.count() as usize,
            |row| Ok((0..columns).filter(|col| is_accepted(*col, row as u64)).collect()),
            |_, _, columns: Vec<u32>| {
                accepted.push(columns);
                Ok(())
            },
        )?;
        Ok(accepted)
    }
}

fn fraction(coverage: &Coverage, grid: &Grid, col: u64, row: u64) -> f64 {
    coverage.fraction(grid.x.place_0(col), grid.y.place_0(row))
}

fn preview(name: &str, bytes: Vec<u8>, media_type: &'static str, image: &Image) -> Result<Made> {
    Made::new(name.into(), bytes, media_type, (image.width_px(), image.height_px()), &())
}

struct Overview {
    mask: Option<Bitmap>,
    /// In RGB, and its level-0 pixels per pixel.
    thumbnail: Option<(Image, [f64; 2])>,
}

/// One slide while its patches are cut.
struct Cut<'a> {
    params: &'a Params,
    known: Known,
    resolution: Resolution,
    grid: &'a Grid,
    coverage: Option<Coverage>,
    tiles: Shared<'a>,
}

/// Patches of one row that are made by one thread: row, and from and to (exclusive) among the
/// accepted ones.
type Piece = (usize, usize, usize);

impl Cut<'_> {
    /// Makes all patches, row by row.
    fn write(&self, accepted: &Accepted, out: &mut Out<'_, Facts>) -> Result<()> {
        let per_piece = (PIECE_PX / (self.params.tile_px * self.params.tile_px)).max(1) as usize;
        let pieces: Vec<Piece> = accepted
            .iter()
            .enumerate()
            .flat_map(|(row, columns)| {
                let last = columns.len();
                (0..last).step_by(per_piece).map(move |i| (row, i, last.min(i + per_piece)))
            })
            .collect();
        let total = accepted.iter().map(|columns| columns.len() as u64).sum();
        let mut done = 0;
        out.progress(0, total);
        out.ordered(
            pieces.len(),
            |i| {
                let (row, from, to) = pieces[i];
                let mut resizer = fir::Resizer::new();
                let columns = accepted[row][from..to].iter();
                columns.map(|&col| self.patch(&mut resizer, col.into(), row as u64)).collect()
            },
            |out, _, patches: Vec<Made>| {
                for patch in patches {
                    out.put(patch)?;
                    done += 1;
                }
                out.progress(done, total);
                Ok(())
            },
        )
    }

    fn patch(&self, resizer: &mut fir::Resizer, col: u64, row: u64) -> Result<Made> {
        let image = self.pixels(resizer, col, row)?;
        let data = image.as_u8().unwrap_or_default();
        let (x_px, w_px) = self.grid.x.place_0(col);
        let (y_px, h_px) = self.grid.y.place_0(row);
        let side = f64::from(self.params.tile_px);
        let valid = |axis: &Axis, index| f64::from(axis.valid(index));
        let mpp = self.resolution.mpp;
        let facts = Facts {
            col,
            row,
            x_px,
            y_px,
            w_px,
            h_px,
            level: self.resolution.level as u64,
            mpp_x: mpp.map(|mpp| mpp[0]),
            mpp_y: mpp.map(|mpp| mpp[1]),
            mpp_source: self.known.source,
            tissue_fraction: self.coverage.as_ref().map(|c| fraction(c, self.grid, col, row)),
            valid_fraction: valid(&self.grid.x, col) * valid(&self.grid.y, row) / (side * side),
            luminance_mean: pixels::mean_luminance(data, image.channels()),
        };
        let name = self.grid.name(col, row);
        let size = (image.width_px(), image.height_px());
        let Params { format, quality, subsampling, .. } = *self.params;
        let (bytes, ending, media_type) = encode(&image, format, quality, subsampling)?;
        Made::new(format!("{name}.{ending}"), bytes, media_type, size, &facts)
    }

    /// The pixels of a patch, `tile_px` × `tile_px`.
    fn pixels(&self, resizer: &mut fir::Resizer, col: u64, row: u64) -> Result<Arc<Image>> {
        let (mut image, region) = self.tiles.region(col, row)?;
        let valid = (self.grid.x.valid(col), self.grid.y.valid(row));
        if self.resolution.is_resampled() {
            let along = |axis: &Axis, index: u64, origin: u32, most: u32| {
                let (begin, end) = axis.place_level(index);
                let begin = begin - f64::from(origin);
                (begin, (end - f64::from(origin)).min(most.into()) - begin)
            };
            let (left, width) = along(&self.grid.x, col, region.0, image.width_px());
            let (top, height) = along(&self.grid.y, row, region.1, image.height_px());
            image =
                Arc::new(resample::resample(resizer, &image, (left, top, width, height), valid)?);
        }
        let side = self.params.tile_px;
        if valid == (side, side) { Ok(image) } else { Ok(Arc::new(self.padded(&image)?)) }
    }

    /// The upper left part of a patch that is otherwise filled.
    fn padded(&self, image: &Image) -> Result<Image> {
        let side = self.params.tile_px as usize;
        let n = usize::from(image.channels());
        let mut data = vec![self.params.pad_luminance; side * side * n];
        let row_bytes = image.width_px() as usize * n;
        let source = image.as_u8().ok_or_else(|| Error::Bug { message: "deep patch".into() })?;
        for (to, from) in data.chunks_exact_mut(side * n).zip(source.chunks_exact(row_bytes)) {
            to[..row_bytes].copy_from_slice(from);
        }
        Image::from_u8(self.params.tile_px, self.params.tile_px, image.channels(), data)
    }
}

#[cfg(test)]
mod tests;
