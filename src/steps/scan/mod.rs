//! `scan`: files to the first manifest.

mod detections;
pub(super) mod exif;
mod labels;
mod selection;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

pub use detections::DetectionRow;
pub use labels::LabelRow;
pub use selection::{selects, selects_named};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::exif::Exif;
use crate::image::media::{SNIFF_BYTES, sniff};
use crate::manifest::Column;
use crate::slide::{self, Geometry, Limits};
use crate::step::{Found, Listed, Listing, Out, Step, bug};
use detections::Detections;
use labels::Labels;
use selection::Rule;

/// List files, hash them, read their headers; make the first manifest.
///
/// # What it does
/// Takes a folder (with all that is below it), a bucket prefix, a list (CSV or Parquet) or a single
/// file, and gives one item for each file that can be read: what it is, how large, at which
/// resolution, when and by which camera it was taken, of which class and group. What a file is, its
/// content says; names and endings are not believed. Headers are read, pixels are not: a file with a
/// sound header and damaged pixels is found out by the step that decodes it.
///
/// # Which files
/// Below a folder or prefix: every file but those of datasets in folders below it, hidden ones (a part of the path begins with a dot) and
/// those whose ending says that they lie beside images (`csv`, `json`, `xml`, `txt`, `md`,
/// `parquet`, `html`, `zip`, … ). There is no list of image endings: a file that nobody can read,
/// a video for example, is a failure with its reason, not passed over in silence. `include` replaces
/// the rule about endings, `exclude` takes files away. Files that are named in a list, or alone, are
/// all taken; `include` and `exclude` hold for them too.
///
/// # Labels and groups
/// Each of the two comes from the first source that has one for the item:
/// 1. the file of `labels`, by id;
/// 2. the list's own columns `label` and `group`;
/// 3. `pattern`, by its named groups;
/// 4. the folder that `label_folder` or `group_folder` names.
///
/// Where none has one the column is null. It is not filled with something unique: whoever reads the
/// column says what it does with items of no group.
///
/// # Resolution
/// `slide.mpp_x` and `slide.mpp_y` are what the file says. A list may overrule it with its columns
/// `mpp`, or `mpp_x` and `mpp_y`, or `slide.mpp_x` and `slide.mpp_y`, in µm per pixel of level 0;
/// `slide.mpp_from` tells which it was.
///
/// # Boxes, masks, times
/// A list may have these columns, which go into the manifest as they are: `mask` (a file, beside the list or
/// with its whole path) to `annotation.mask`, `boxes` to `annotation.boxes`, `keypoints` to
/// `annotation.keypoints`, and `time` (`2016-05-04T03:02:01`, or as EXIF writes it) to `capture.time`. `augment` and `normalize`
/// move them with the pixels; the forms are on their pages. `detections` is what MegaDetector or SpeciesNet
/// found: boxes go to `detector.boxes`, and `filter-background` believes them before its own guess. A file is
/// matched when its name there is the end of the id, or the id the end of its name; where that leaves a choice
/// nothing is done. Files that were not scanned are passed over.
///
/// # Edge cases
/// - A photo is a slide of one level with the vendor `photo`.
/// - A file that cannot be read is listed as a failure; the others go on.
/// - The same bytes twice are two items; the later ids name the first in `scan.duplicate_of`.
/// - Two files of the same id (a list can do that) end the run before any work.
/// - An id in the file of `labels` that no file has is listed as a failure of that id, unless
///   `include` and `exclude` leave it out. When not one of them fits, nothing is done: then the ids
///   are made in another way than those of the files (with folder, with ending).
/// - `exif.time` is what the camera's clock said, of no time zone; a damaged EXIF block is as none.
///   EXIF is read from JPEG, PNG, WebP and TIFF.
///
/// # Determinism
/// Items come in the order of their ids (by bytes). The same files under the same ids give the same
/// manifest, whatever the order of the listing and the number of threads.
///
/// # Cost
/// Hashing reads each file once from end to end: that is the time it takes. Headers are some
/// kilobytes a file, read on all threads.
#[derive(Serialize, Deserialize, JsonSchema, garde::Validate, Clone, Debug, Default, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// Globs of the files to take, over the id: `*.svs`, `StationA/**/*.jpg`. `*` stays within a
    /// folder, `**` does not; a glob without `/` is meant at any depth; case does not matter. None:
    /// all files that are not hidden and do not lie beside images.
    pub include: Vec<String>,
    /// Globs of files to leave out, as `include`; they win: `thumbs/**`, `*_macro.*`.
    pub exclude: Vec<String>,
    /// Which folder gives the label, counted from the file upward: 1 is the folder that holds it
    /// (`cat/001.jpg` → `cat`), 2 the one above.
    #[garde(range(min = 1, max = 64))]
    pub label_folder: Option<u32>,
    /// Which folder gives the group, counted as `label_folder`: with 2, `StationA/cat/001.jpg` has
    /// the group `StationA`.
    #[garde(range(min = 1, max = 64))]
    pub group_folder: Option<u32>,
    /// Regular expression over the id, with the named groups `label`, `group` or both:
    /// `(?<group>TCGA-\w\w-\w{4})-.*-(?<label>tumor|normal)`. It may match anywhere in the id; `^`
    /// and `$` tie it to the ends. An id that does not match has no label or group from here.
    pub pattern: Option<String>,
    /// CSV file with a column `id` and `label`, `group` or both; other columns are not looked at. Ids
    /// are those of the manifest: paths below the scanned folder (`StationA/cat/001.jpg`).
    #[schemars(extend("x-file" = "csv"))]
    pub labels: Vec<LabelRow>,
    /// JSON files of a detector in MegaDetector's format. Images that it failed on, or does not know, have no
    /// boxes, which is not the same as none found.
    #[schemars(extend("x-file" = "detections"))]
    pub detections: Vec<DetectionRow>,
}

/// The columns of a user's list that are looked at.
pub const LISTED: [&str; 13] = [
    "id",
    "path",
    "label",
    "group",
    "mpp",
    "mpp_x",
    "mpp_y",
    "slide.mpp_x",
    "slide.mpp_y",
    "time",
    "mask",
    "boxes",
    "keypoints",
];

/// The columns that `scan` adds to those that every manifest has.
#[derive(Serialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct Facts {
    /// Samples per pixel, 1–4.
    pub channels: u8,
    /// Bits per sample as stored in the file.
    pub bit_depth: u8,
    /// Id of the first item with the same bytes; null for that item itself and where there is none.
    pub duplicate_of: Option<String>,
    /// Format family: `aperio`, `generic-tiff`, `photo`, ….
    #[serde(rename = "slide.vendor")]
    pub vendor: String,
    /// Levels of the pyramid; 1 for a photo.
    #[serde(rename = "slide.levels")]
    pub levels: u32,
    /// Micrometres per pixel of level 0 along x; null where unknown.
    #[serde(rename = "slide.mpp_x")]
    pub mpp_x: Option<f64>,
    /// Micrometres per pixel of level 0 along y; null where unknown.
    #[serde(rename = "slide.mpp_y")]
    pub mpp_y: Option<f64>,
    /// Who says so: `file` or `list`; null where unknown.
    #[serde(rename = "slide.mpp_from")]
    pub mpp_from: Option<String>,
    /// Nominal magnification of the objective (20, 40); null where the file does not say.
    #[serde(rename = "slide.objective")]
    pub objective: Option<f64>,
    /// Columns of a source tile of level 0; the width for strips and photos.
    #[serde(rename = "slide.tile_width_px")]
    pub tile_width_px: u32,
    /// Rows of a source tile of level 0.
    #[serde(rename = "slide.tile_height_px")]
    pub tile_height_px: u32,
    /// Codec of level 0: `jpeg`, `lzw`, `deflate`, `none`, ….
    #[serde(rename = "slide.compression")]
    pub compression: String,
    /// Pictures beside the levels, separated by commas: `label,macro`; null where there are none.
    #[serde(rename = "slide.associated")]
    pub associated: Option<String>,
    /// When it was taken, by the camera's clock: `2016-05-04T03:02:01`.
    #[serde(rename = "exif.time")]
    pub time: Option<String>,
    /// Maker of the camera or scanner.
    #[serde(rename = "exif.make")]
    pub make: Option<String>,
    /// Model of the camera or scanner.
    #[serde(rename = "exif.model")]
    pub model: Option<String>,
    /// Serial number of the camera.
    #[serde(rename = "exif.serial")]
    pub serial: Option<String>,
    /// How the stored picture is to be turned, 1–8 as EXIF counts; 1 is upright.
    #[serde(rename = "exif.orientation")]
    pub orientation: Option<u8>,
    /// When it was taken, where the list says it: it goes before `exif.time`.
    #[serde(rename = "capture.time")]
    pub capture_time: Option<String>,
    /// File of the mask that goes with the image; null where there is none.
    #[serde(rename = "annotation.mask")]
    pub mask: Option<String>,
    /// Boxes on the image as JSON, as the list gives them.
    #[serde(rename = "annotation.boxes")]
    pub boxes: Option<String>,
    /// Keypoints on the image as JSON, as the list gives them.
    #[serde(rename = "annotation.keypoints")]
    pub keypoints: Option<String>,
    /// Boxes that a detector found, as JSON: `[[category, confidence, left, top, width, height], …]`, parts of
    /// the image; `[]` where it found none, null where it was not asked.
    #[serde(rename = "detector.boxes")]
    pub detected: Option<String>,
}

/// The step.
pub struct Scan {
    labels: Labels,
    detections: Detections,
    rule: Rule,
}

/// What the headers of one file say.
struct Headers {
    media_type: &'static str,
    geometry: Geometry,
    exif: Exif,
}

impl Step for Scan {
    const NAME: &'static str = "scan";
    const VERSION: &'static str = "1.1.0";
    type Params = Params;
    type Input = Listing;
    type Facts = Facts;
    const READS: &'static [Column] = &[];

    fn new(params: Params) -> Result<Self> {
        Ok(Self {
            labels: Labels::new(&params)?,
            detections: Detections::new(&params.detections)?,
            rule: Rule::new(&params)?,
        })
    }

    fn inline(
        _: &str,
        files: &[(String, Vec<u8>)],
        _: &Map<String, serde_json::Value>,
    ) -> Result<serde_json::Value> {
        serde_json::to_value(detections::rows(files)?)
            .map_err(|e| Error::Bug { message: e.to_string() })
    }

    fn run(&self, input: Listing, out: &mut Out<'_, Facts>) -> Result<()> {
        let Listing { mut files, limits } = input;
        files.sort_by(|a, b| a.id.cmp(&b.id));
        let twice = files.iter().zip(files.iter().skip(1)).find(|(a, b)| a.id == b.id);
        if let Some((first, second)) = twice {
            return Err(Error::params(
                "id",
                format!("`{}` is the id of {} and of {}", first.id, first.path, second.path),
            ));
        }
        let times = files.iter().map(given_time).collect::<Result<Vec<_>>>()?;
        let mpps = files.iter().map(given_mpp).collect::<Result<Vec<_>>>()?;
        let unmatched = self.unmatched(&files)?;
        let ids: Vec<&str> = files.iter().map(|file| file.id.as_str()).collect();
        let detected = self.detections.of(&ids)?;
        if let Some(first) = files.first()
            && !self.detections.is_empty()
            && detected.iter().all(Option::is_none)
        {
            return Err(self.detections.none_fits(&first.id));
        }

        let total = files.len() as u64;
        let mut first_of: BTreeMap<&Digest, &str> = BTreeMap::new();
        let read = |index: usize| match headers(&files[index], limits) {
            Err(Error::Stopped) => Err(Error::Stopped),
            headers => Ok(headers),
        };
        out.ordered(files.len(), read, |out, index, headers| {
            let (file, mpp) = (&files[index], mpps[index]);
            out.progress(index as u64 + 1, total);
            let (headers, level) = match headers.and_then(with_level) {
                Ok(both) => both,
                Err(error) => return out.failed(file.id.clone(), error),
            };
            let (label, group) = self.labels.of(&file.id, &file.given);
            let found = Found {
                id: file.id.clone(),
                path: file.path.clone(),
                length: file.length,
                digest: file.digest,
                media_type: headers.media_type.into(),
                width_px: Some(level.width_px),
                height_px: Some(level.height_px),
                label,
                group,
                facts: Map::new(),
            };
            let earlier = first_of.get(&file.digest).map(|id| (*id).to_string());
            first_of.entry(&file.digest).or_insert(&file.id);
            let mut facts = facts(headers, level, mpp, earlier);
            let given = |name: &str| given(file, name);
            facts.capture_time = times.get(index).cloned().flatten();
            facts.mask = given("mask");
            facts.boxes = given("boxes");
            facts.keypoints = given("keypoints");
            facts.detected = detected.get(index).cloned().flatten();
            out.found(found, &facts)
        })?;
        for id in unmatched {
            let error = Error::params("labels", "no file that was scanned has this id");
            out.failed(id.to_string(), error)?;
        }
        Ok(())
    }
}

impl Scan {
    /// The ids of the file of labels that no file has, although they were not left out.
    fn unmatched(&self, files: &[Listed]) -> Result<Vec<&str>> {
        let ids: BTreeSet<&str> = files.iter().map(|f| f.id.as_str()).collect();
        let mut fits = false;
        let mut unmatched = Vec::new();
        for id in self.labels.ids() {
            if ids.contains(id) {
                fits = true;
            } else if self.rule.globs_admit(id) {
                unmatched.push(id);
            }
        }
        match (unmatched.first(), files.first()) {
            (Some(theirs), Some(ours)) if !fits => Err(Error::params(
                "labels",
                format!(
                    "none of its {} ids is that of a file; the first are `{theirs}` there and `{}` here",
                    unmatched.len(),
                    ours.id
                ),
            )),
            _ => Ok(unmatched),
        }
    }
}

/// Reads the headers of one file. A panic in a reader is that file's failure, not the listing's.
fn headers(file: &Listed, limits: Limits) -> Result<Headers> {
    let read = || {
        let source = (file.open)()?;
        let head = source.read_vec(0, source.size().min(SNIFF_BYTES as u64))?;
        let media_type = sniff(&head);
        let slide = slide::open(source.clone(), limits)?;
        Ok(Headers {
            media_type: media_type.unwrap_or("application/octet-stream"),
            geometry: slide.geometry().clone(),
            exif: exif::read(&*source, media_type)?,
        })
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| Err(bug(&*panic)))
}

fn with_level(headers: Headers) -> Result<(Headers, slide::Level)> {
    match headers.geometry.levels.first().cloned() {
        Some(level) => Ok((headers, level)),
        None => Err(Error::Bug { message: "a slide without levels was opened".into() }),
    }
}

fn facts(
    Headers { geometry, exif, .. }: Headers,
    level: slide::Level,
    given_mpp: Option<(f64, f64)>,
    duplicate_of: Option<String>,
) -> Facts {
    let mpp = given_mpp.or(geometry.mpp);
    let from = if given_mpp.is_some() { "list" } else { "file" };
    let associated: Vec<_> = geometry.associated.into_iter().map(|(name, ..)| name).collect();
    Facts {
        channels: geometry.channels,
        bit_depth: geometry.bit_depth,
        duplicate_of,
        vendor: geometry.vendor,
        levels: u32::try_from(geometry.levels.len()).unwrap_or(u32::MAX),
        mpp_x: mpp.map(|(x, _)| x),
        mpp_y: mpp.map(|(_, y)| y),
        mpp_from: mpp.map(|_| from.into()),
        objective: geometry.objective,
        tile_width_px: level.tile_width_px,
        tile_height_px: level.tile_height_px,
        compression: level.compression,
        associated: (!associated.is_empty()).then(|| associated.join(",")),
        time: exif.time,
        make: exif.make,
        model: exif.model,
        serial: exif.serial,
        orientation: exif.orientation,
        capture_time: None,
        mask: None,
        boxes: None,
        keypoints: None,
        detected: None,
    }
}

/// The time that the user's list gives for a file.
fn given_time(file: &Listed) -> Result<Option<String>> {
    let Some(text) = given(file, "time") else { return Ok(None) };
    match crate::image::exif::iso_time(text.trim()) {
        Some(time) => Ok(Some(time)),
        None => Err(Error::params(
            "time",
            format!("`{text}` of `{}` is no time such as 2016-05-04T03:02:01", file.id),
        )),
    }
}

/// What the user's list gives for a file under a name.
fn given(file: &Listed, name: &str) -> Option<String> {
    file.given.get(name).filter(|text| !text.trim().is_empty()).cloned()
}

/// The resolution that the user's list gives for a file.
fn given_mpp(file: &Listed) -> Result<Option<(f64, f64)>> {
    for (x, y) in [("mpp_x", "mpp_y"), ("slide.mpp_x", "slide.mpp_y"), ("mpp", "mpp")] {
        match (file.given.get(x), file.given.get(y)) {
            (None, None) => {}
            (Some(along_x), Some(along_y)) => {
                return Ok(Some((mpp(file, x, along_x)?, mpp(file, y, along_y)?)));
            }
            (Some(_), None) => return Err(Error::params(x, format!("`{}` has no {y}", file.id))),
            (None, Some(_)) => return Err(Error::params(y, format!("`{}` has no {x}", file.id))),
        }
    }
    Ok(None)
}

fn mpp(file: &Listed, column: &str, text: &str) -> Result<f64> {
    match text.trim().parse::<f64>() {
        Ok(mpp) if mpp.is_finite() && mpp > 0.0 => Ok(mpp),
        _ => Err(Error::params(
            column,
            format!("`{text}` of `{}` is no resolution in µm per pixel, such as 0.25", file.id),
        )),
    }
}
