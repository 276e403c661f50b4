//! The params of `tile`, and its page for users.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::steps::encode::{ChromaSubsampling, Format};

/// What happens at the right and lower border, where the slide does not end with a patch.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Edges {
    /// Only whole patches; what is left over is not cut.
    Skip,
    /// The patch that would pass the border is moved inwards until it ends there.
    Shift,
    /// The patch that passes the border is filled with `pad_luminance`.
    Pad,
}

/// How tissue is told from glass.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum MaskKind {
    /// Otsu's threshold on saturation: coloured is tissue. For stained slides in colour.
    OtsuSaturation,
    /// Otsu's threshold on luminance: dark is tissue. Also for grey slides; takes pen for tissue.
    OtsuLuminance,
    /// The threshold of `mask_threshold` on the channel of `mask_channel`.
    Fixed,
    /// No mask: every patch of the grid.
    None,
}

/// What a mask looks at.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Saturation of HSV, 0–255.
    Saturation,
    /// Luminance of BT.601, 0–255.
    Luminance,
}

/// Cuts slides and large images into patches at an exact resolution, on tissue.
///
/// # What it does
/// Lays a grid of square patches over a slide at the resolution asked for, finds tissue on a small
/// copy of the slide, and writes each patch of which at least `min_tissue` is tissue, row by row from
/// the top left. A slide without tissue gives no patch, which is no error. Two pictures for people
/// come with each slide: `thumbnail.jpg`, and `overlay.png`, on which tissue is outlined and the
/// patches are drawn.
///
/// # Formula
/// *Resolution.* `mpp` asks for micrometres per pixel, the same along x and y; `objective` for the
/// header's nominal magnification divided down (40 → 10 is one pixel of four); `level` for a level as
/// it is; none of them for level 0. Level 0's own resolution is the manifest's `slide.mpp_x` and
/// `slide.mpp_y` where they differ from the header's, else the header's, else `assume_mpp`; the fact
/// `mpp_source` says which. A level has `mpp0 · W0 / Wl` per axis. Patches are read from the coarsest
/// level that is not coarser than asked for (by more than 1e-3) on either axis, and resampled by
/// `asked / level's` per axis; within 1e-6 of 1 on both axes, pixels are copied and the facts carry
/// the level's own resolution. Nothing is ever rounded to "20x". Resampling is a convolution with the
/// Catmull–Rom cubic, widened by the scale (antialiased), in fixed point; it reads the pixels around
/// the patch, so that neighbours continue each other. The cubic was taken rather than Lanczos because
/// it needs no sine, which differs between platforms in its last bit.
///
/// *Grid.* The slide has `W0 · mpp0 / asked` output pixels per row; only whole ones count (a shortage
/// of up to 1e-6 of a pixel is forgiven). Patch (col, row) begins at output pixel
/// `(col, row) · stride_px`.
///
/// *Mask.* From the coarsest level that is not coarser than `mask_mpp`, blocks of
/// `floor(mask_mpp / level's mpp)` pixels per axis are averaged in exact integers, rounded half up:
/// a mask pixel is at most `mask_mpp` wide. Saturation is `(max − min) · 255 / max`, luminance
/// `(299 R + 587 G + 114 B) / 1000`, both rounded half up. Otsu's threshold `t` maximizes
/// `(N·S0 − N0·S)² / (N0·N1)` over the histogram of 256 values, the class of values up to `t` against
/// the rest; of equal maxima the lowest `t` wins. Tissue is more saturated than
/// `max(t, mean of the lower class + min_contrast)`, or not brighter than
/// `min(t, mean of the upper class − min_contrast)`, means rounded down: noise on blank glass is not
/// tissue. Then gaps are closed and specks opened with discs of radius `close_um` and `open_um`
/// (pixels whose centres lie within the radius), holes up to `fill_holes_um2` are filled (holes are
/// joined along sides, and do not touch the border), and pieces below `min_area_um2` are removed
/// (pieces are joined along sides and corners).
///
/// *Coverage.* `tissue_fraction` is the area of the patch under the mask, each mask pixel counting
/// with the part of it that lies in the patch, divided by the area of the patch. What lies outside
/// the slide is no tissue.
///
/// # Shapes and units
/// Patches are `tile_px × tile_px`, RGB or grey as the slide is, 8 bits. Alpha is composited over
/// white. `x_px, y_px, w_px, h_px` are in level-0 pixels and have fractions where the resolution
/// asks for them. Patches are named `y<Y>_x<X>` by the whole level-0 pixels of their corner, padded
/// with zeros, so that names sort as patches come; patches finer than level 0 would share such names
/// and are called `r<row>_c<col>`.
///
/// # Source
/// N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. SMC 9 (1979),
/// doi:10.1109/TSMC.1979.4310076 (as scikit-image's `threshold_otsu`). R. Keys, "Cubic convolution
/// interpolation for digital image processing", IEEE Trans. ASSP 29 (1981),
/// doi:10.1109/TASSP.1981.1163711 (as Pillow's `BICUBIC`). Luminance: ITU-R BT.601.
///
/// # Edge cases
/// A slide smaller than a patch gives nothing with `skip`, one filled patch with `pad` and with
/// `shift` (there is nowhere to move to). Near-black pixels have noisy saturation: black pen and
/// dark borders can count as tissue. A grey slide has no saturation and needs `otsu-luminance` or
/// `fixed`. 16-bit and float slides are refused. With `mask: none` there are pictures only if some
/// level has at most 16,777,216 pixels. Several µm/px per slide (`mpp_x ≠ mpp_y`) give square
/// patches of square pixels under `mpp`.
///
/// # Determinism
/// The same bytes on every machine and for any number of threads: integers, and floats in a fixed
/// order without fused operations; vector and scalar paths of the resampling agree bit for bit.
///
/// # Cost
/// Each source tile that an accepted patch touches is decoded once, others never; the mask decodes
/// its level once. Memory is that of the patches at work, of one row of source tiles where patches
/// overlap or straddle tiles, 10 to 20 bytes per mask pixel, and about 3 kB for each patch that its
/// slide has given so far, whose facts go into one record at the end.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// Micrometres per pixel of the patches. One of `mpp`, `objective`, `level`; none is level 0.
    #[garde(range(min = 0.001, max = 10000.0))]
    pub mpp: Option<f64>,
    /// Nominal magnification of the patches, relative to that of the header (20 of a 40x slide:
    /// every second pixel).
    #[garde(range(min = 0.001, max = 1000.0))]
    pub objective: Option<f64>,
    /// Level of the pyramid to copy from, 0 the largest.
    #[garde(range(max = 4095))]
    pub level: Option<u32>,
    /// Micrometres per level-0 pixel where neither manifest nor header knows.
    #[garde(range(min = 0.001, max = 10000.0))]
    pub assume_mpp: Option<f64>,
    /// How many times finer than level 0 the patches may be.
    #[garde(range(min = 1.0, max = 64.0))]
    pub max_upsampling: f64,
    /// Side of a patch, in its own pixels.
    #[garde(range(min = 16, max = 8192))]
    pub tile_px: u32,
    /// From the corner of one patch to the next, in patch pixels; `tile_px` if not given.
    #[garde(range(min = 1, max = 1_000_000))]
    pub stride_px: Option<u32>,
    /// What happens at the right and lower border.
    pub edges: Edges,
    /// Grey level of what lies outside the slide, with `edges: pad`.
    #[garde(range(max = 255))]
    pub pad_luminance: u8,
    /// How tissue is told from glass.
    pub mask: MaskKind,
    /// What `mask: fixed` looks at.
    pub mask_channel: Channel,
    /// With `mask: fixed`, and only there: tissue is more saturated than this, or not brighter.
    #[garde(range(max = 255))]
    pub mask_threshold: Option<u8>,
    /// Largest width of a mask pixel, in micrometres.
    #[garde(range(min = 0.1, max = 10000.0))]
    pub mask_mpp: f64,
    /// Grey levels by which tissue must differ from the mean of the glass, with Otsu's masks.
    #[garde(range(max = 255))]
    pub min_contrast: u8,
    /// Gaps in tissue up to twice this many micrometres wide are closed.
    #[garde(range(min = 0.0, max = 1000.0))]
    pub close_um: f64,
    /// Tissue less than twice this many micrometres wide is removed.
    #[garde(range(min = 0.0, max = 1000.0))]
    pub open_um: f64,
    /// Pieces of tissue smaller than this many square micrometres are removed.
    #[garde(range(min = 0.0, max = 1e12))]
    pub min_area_um2: f64,
    /// Holes up to this many square micrometres are filled.
    #[garde(range(min = 0.0, max = 1e12))]
    pub fill_holes_um2: f64,
    /// Smallest part of a patch that must be tissue, 0–1.
    #[garde(range(min = 0.0, max = 1.0))]
    pub min_tissue: f64,
    /// File format of the patches.
    pub format: Format,
    /// Quality of JPEG on libjpeg's scale.
    #[garde(range(min = 1, max = 100))]
    pub quality: u8,
    /// How JPEG stores chroma: 420, 422 or 444.
    pub subsampling: ChromaSubsampling,
    /// Most patches that the grid of one slide may have, with and without tissue. The facts of a slide's
    /// patches are held until it is done: about 3 kB each.
    #[garde(range(min = 1, max = 1_000_000_000))]
    pub max_patches: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            mpp: None,
            objective: None,
            level: None,
            assume_mpp: None,
            max_upsampling: 1.05,
            tile_px: 256,
            stride_px: None,
            edges: Edges::Skip,
            pad_luminance: 255,
            mask: MaskKind::OtsuSaturation,
            mask_channel: Channel::Saturation,
            mask_threshold: None,
            mask_mpp: 8.0,
            min_contrast: 16,
            close_um: 32.0,
            open_um: 16.0,
            min_area_um2: 40_000.0,
            fill_holes_um2: 40_000.0,
            min_tissue: 0.5,
            format: Format::Png,
            quality: 90,
            subsampling: ChromaSubsampling::S420,
            max_patches: 1_000_000,
        }
    }
}

impl Params {
    /// The stride, its default filled in.
    pub fn stride(&self) -> u32 {
        self.stride_px.unwrap_or(self.tile_px)
    }

    /// Checks params against each other.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field.
    pub fn check(&self) -> Result<()> {
        let asked = [
            ("mpp", self.mpp.is_some()),
            ("objective", self.objective.is_some()),
            ("level", self.level.is_some()),
        ];
        let given: Vec<&str> = asked.iter().filter(|a| a.1).map(|a| a.0).collect();
        if let [_, second, ..] = given.as_slice() {
            return Err(Error::params(
                *second,
                format!("{} are given; the resolution is asked for once", given.join(" and ")),
            ));
        }
        match (self.mask, self.mask_threshold) {
            (MaskKind::Fixed, None) => Err(Error::params(
                "mask_threshold",
                "`mask: fixed` needs it (0 to 255): tissue is more saturated than it, or not brighter",
            )),
            (MaskKind::Fixed, Some(_)) | (_, None) => Ok(()),
            (_, Some(_)) => {
                Err(Error::params("mask_threshold", "only `mask: fixed` has a threshold"))
            }
        }
    }

    /// The channel that the mask looks at; `None` without a mask.
    pub fn channel(&self) -> Option<Channel> {
        match self.mask {
            MaskKind::OtsuSaturation => Some(Channel::Saturation),
            MaskKind::OtsuLuminance => Some(Channel::Luminance),
            MaskKind::Fixed => Some(self.mask_channel),
            MaskKind::None => None,
        }
    }
}
