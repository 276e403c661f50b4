//! `filter-background`: which photos are empty. The page for users is [`Params`].

mod compare;
mod detector;
mod facts;
mod looks;
mod params;
mod series;
mod verdict;

use std::collections::BTreeMap;

pub use facts::{Basis, Facts, Verdict};
pub use params::{Background, Mode, Params, Scene};

use super::encode::encode;
use crate::background::phash::distance;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::manifest::{Column, Kind};
use crate::step::{Group, Grouping, Made, Member, Out, Step};
use looks::{Look, Seen};
use series::{Compared, Photo};
use verdict::Judged;

const CAPTURED: Column = Column {
    name: "capture.time",
    kind: Kind::Text,
    made_by: "scan",
    doc: "when a photo was taken, where a list says it: YYYY-MM-DDTHH:MM:SS",
};
const TAKEN: Column = Column {
    name: "exif.time",
    kind: Kind::Text,
    made_by: "scan",
    doc: "when a photo was taken by the camera's own clock: YYYY-MM-DDTHH:MM:SS",
};
const BOXES: Column = Column {
    name: "detector.boxes",
    kind: Kind::Text,
    made_by: "scan",
    doc: "what a detector found, as JSON: [[category, confidence, left, top, width, height], …] as parts of \
          the image; null where it did not look",
};

/// The step.
pub struct FilterBackground {
    params: Params,
}

impl Step for FilterBackground {
    const NAME: &'static str = "filter-background";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Group;
    type Facts = Facts;
    const READS: &'static [Column] = &[CAPTURED, TAKEN, BOXES];

    fn new(params: Params) -> Result<Self> {
        params.check()?;
        Ok(Self { params })
    }

    fn reads(&self) -> &'static [Column] {
        match (self.params.background, self.params.use_detections) {
            (Background::None, true) => &[BOXES],
            (Background::None, false) => &[],
            (_, true) => Self::READS,
            (_, false) => &[CAPTURED, TAKEN],
        }
    }

    fn needs(&self) -> &'static [Column] {
        &[]
    }

    fn grouping(&self) -> Grouping {
        let Params { camera, gap_s, max_frames, .. } = self.params;
        match self.params.background {
            Background::None => Grouping::Item,
            _ => Grouping::Series { camera, gap_s, most: max_frames },
        }
    }

    fn after(&self, earlier: &[(&str, &serde_json::Value)]) -> Result<()> {
        super::arrays::no_arrays_before(earlier)
    }

    fn run(&self, group: Group, out: &mut Out<'_, Facts>) -> Result<()> {
        let members = &group.members;
        let times: Vec<Option<i64>> = members.iter().map(time_of).collect();
        let keeps = self.kept(&times);
        let mut seen = Vec::with_capacity(members.len());
        let look = |at: usize| match members.get(at) {
            Some(member) => looks::look(member, &self.params, keeps.get(at) == Some(&true)),
            None => Ok(Seen::Corrupt(String::new())),
        };
        out.ordered(members.len(), look, |out, at, one| {
            out.progress(at as u64 + 1, members.len() as u64);
            seen.push(one);
            Ok(())
        })?;
        let alone = self.params.background == Background::None;
        let mut photos = BTreeMap::new();
        let mut rest = BTreeMap::new();
        for (at, one) in seen.into_iter().enumerate() {
            let twin = !alone && at > 0 && members[at].digest() == members[at - 1].digest();
            match one {
                Seen::Look(look) => {
                    photos.insert(at, Photo { time: times[at], twin, look: *look });
                }
                other => {
                    rest.insert(at, other);
                }
            }
        }
        let mut compared = match self.params.background {
            Background::None => BTreeMap::new(),
            _ => series::compare(members, &mut photos, &self.params, out)?,
        };
        let near = match self.params.background {
            Background::None => BTreeMap::new(),
            _ => self.near_duplicates(&photos),
        };
        for (at, member) in members.iter().enumerate() {
            match rest.remove(&at) {
                Some(Seen::Failed(error)) => out.fail_member(at, error)?,
                Some(Seen::Corrupt(reason)) => self.corrupt(at, reason, out)?,
                _ => {
                    let Some(photo) = photos.get(&at) else { continue };
                    let near = near.get(&at).map(|of| members[*of].digest().to_string());
                    let of = compared.remove(&at).unwrap_or_default();
                    self.emit((at, member), photo, of, near, out)?;
                }
            }
        }
        Ok(())
    }
}

/// Seconds of a member's time.
fn time_of(member: &Member) -> Option<i64> {
    [CAPTURED, TAKEN]
        .iter()
        .find_map(|column| crate::image::time::seconds(member.column(column).as_str()?))
}

impl FilterBackground {
    /// Whose working copies are kept in memory: all, or a sample that is spread over the time.
    fn kept(&self, times: &[Option<i64>]) -> Vec<bool> {
        let count = times.len();
        match self.params.background {
            Background::Median => return vec![true; count],
            Background::None => return vec![false; count],
            Background::Mixture => (),
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|at| (times[*at], *at));
        let mut kept = vec![false; count];
        let sample = series::SAMPLE.min(count);
        for n in 0..sample {
            kept[order[n * count / sample]] = true;
        }
        kept
    }

    /// For each photo that looks like one before it (in time, then by digest), which one that is. Those that
    /// others are compared with are no near-duplicates themselves.
    fn near_duplicates(&self, photos: &BTreeMap<usize, Photo>) -> BTreeMap<usize, usize> {
        let mut order: Vec<(Option<i64>, usize)> =
            photos.iter().filter(|(_, p)| !p.twin).map(|(at, p)| (p.time, *at)).collect();
        order.sort_unstable();
        let mut leaders: Vec<(usize, &Look)> = Vec::new();
        let mut near = BTreeMap::new();
        for (_, at) in order {
            let Some(look) = photos.get(&at).map(|p| &p.look) else { continue };
            // A blank picture looks like every other.
            let like = |(_, other): &&(usize, &Look)| {
                !look.blank
                    && other.kind == look.kind
                    && distance(other.phash, look.phash) <= self.params.near_duplicate_bits
            };
            match leaders.iter().find(like) {
                Some((leader, _)) => {
                    near.insert(at, *leader);
                }
                None => leaders.push((at, look)),
            }
        }
        near
    }

    /// Speaks of a photo that cannot be decoded.
    fn corrupt(&self, at: usize, reason: String, out: &mut Out<'_, Facts>) -> Result<()> {
        match self.params.mode {
            Mode::Flag => out.keep_member(at, &verdict::corrupt(reason)),
            _ if self.params.drop_corrupt => out.drop_member(at, &verdict::corrupt(reason)),
            Mode::Drop => out.keep_member(at, &verdict::corrupt(reason)),
            // Nothing can be made of it, and nobody said that it may go.
            Mode::Crop | Mode::Mask => out.fail_member(at, Error::format("photo", reason)),
        }
    }

    /// Speaks of a photo, and makes of it what is asked for.
    fn emit(
        &self,
        (at, member): (usize, &Member),
        photo: &Photo,
        compared: Compared,
        near: Option<String>,
        out: &mut Out<'_, Facts>,
    ) -> Result<()> {
        let boxes = if self.params.use_detections {
            detector::detected(member.column(&BOXES), &self.params)?
        } else {
            None
        };
        let twin = photo.twin.then(|| member.digest().to_string());
        let Judged { facts, drops, area } =
            verdict::judge(&self.params, photo, &compared, boxes.as_ref(), twin, near);
        if drops && self.params.mode != Mode::Flag {
            return out.drop_member(at, &facts);
        }
        match (self.params.mode, area) {
            (Mode::Crop, Some(area)) => {
                let (x, y, w, h) = area;
                let crop = cut(&looks::read(member)?, area)?;
                let Params { format, quality, subsampling, .. } = self.params;
                let (bytes, ending, media_type) = encode(&crop, format, quality, subsampling)?;
                let name = format!("x{x:05}_y{y:05}.{ending}");
                out.put_member(at, Made::new(name, bytes, media_type, (w, h), &facts)?)
            }
            (Mode::Mask, _) => {
                let size = photo.look.size;
                let bytes = match compared.found.and_then(|found| found.mask) {
                    Some(bytes) => bytes,
                    None => compare::enlarged(&[1], 1, size)?,
                };
                out.put_member(at, Made::new("mask.png".into(), bytes, "image/png", size, &facts)?)
            }
            _ => out.keep_member(at, &facts),
        }
    }
}

/// A rectangle of an image: left, top, width, height, which lie in it.
fn cut(image: &Image, (x, y, w, h): (u32, u32, u32, u32)) -> Result<Image> {
    let channels = usize::from(image.channels());
    let stride = image.width_px() as usize * channels;
    let (from, length) = (x as usize * channels, w as usize * channels);
    let rows = image.as_u8().unwrap_or_default().chunks_exact(stride);
    let rows = rows.skip(y as usize).take(h as usize);
    let pixels = rows.flat_map(|row| &row[from..from + length]).copied().collect();
    Image::from_u8(w, h, image.channels(), pixels)
}
