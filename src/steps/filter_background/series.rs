//! The photos of a series: which can be compared, what their background is, what stands out.

use std::collections::BTreeMap;

use super::compare::{Found, Scenery};
use super::facts::Facts;
use super::looks::{self, Kind, Look};
use super::params::{Background, Mode, Params};
use crate::background::banner;
use crate::background::lighting::Light;
use crate::background::mixture::Mixture;
use crate::background::still::{Still, still};
use crate::background::working::luminance;
use crate::error::{Error, Result};
use crate::step::{Member, Out};

/// Photos of a mixture that are held in memory: the first background is their median.
pub(super) const SAMPLE: usize = 15;

/// A photo of a series.
pub(super) struct Photo {
    /// Seconds; `None` where no time is known.
    pub time: Option<i64>,
    /// Whether an earlier member has the same bytes.
    pub twin: bool,
    pub look: Look,
}

/// What is known of a photo after comparing: the size of its series, and what was found.
#[derive(Default)]
pub(super) struct Compared {
    pub frames: usize,
    pub visits: usize,
    pub found: Option<Found>,
}

/// Compares the photos of a series, by their place among the members.
///
/// # Errors
/// As decoding; [`Error::Bug`] for what cannot be.
pub(super) fn compare(
    members: &[Member],
    photos: &mut BTreeMap<usize, Photo>,
    params: &Params,
    out: &mut Out<'_, Facts>,
) -> Result<BTreeMap<usize, Compared>> {
    let mut kinds: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for (at, photo) in &*photos {
        kinds.entry(photo.look.kind).or_default().push(*at);
    }
    let mut compared = BTreeMap::new();
    for (kind, mut places) in kinds {
        places.sort_by_key(|at| (photos.get(at).and_then(|p| p.time), *at));
        let distinct: Vec<usize> =
            places.iter().copied().filter(|at| photos.get(at).is_some_and(|p| !p.twin)).collect();
        let visits = visits(&distinct, photos, params.visit_s);
        if distinct.len() < 2 {
            let alone = |at| (at, Compared { frames: 1, visits: 1, found: None });
            compared.extend(places.into_iter().map(alone));
            continue;
        }
        let found = match params.background {
            Background::Mixture => {
                Running { members, photos, params, kind }.found(&places, &distinct, &visits, out)?
            }
            _ => held(photos, kind, &places, &distinct, &visits, params, out)?,
        };
        let (frames, visits) = (distinct.len(), visits.len());
        compared.extend(
            places
                .iter()
                .zip(found)
                .map(|(at, found)| (*at, Compared { frames, visits, found: Some(found) })),
        );
    }
    Ok(compared)
}

/// Cuts photos in the order of time into visits. Photos of unknown time are one.
fn visits(places: &[usize], photos: &BTreeMap<usize, Photo>, visit_s: u32) -> Vec<Vec<usize>> {
    let mut visits: Vec<Vec<usize>> = Vec::new();
    let mut last = None;
    for (order, at) in places.iter().enumerate() {
        let time = photos.get(at).and_then(|p| p.time);
        let goes_on = match (last, time) {
            (Some(Some(before)), Some(now)) => now - before <= i64::from(visit_s),
            (Some(before), now) => before == now,
            (None, _) => false,
        };
        last = Some(time);
        match visits.last_mut().filter(|_| goes_on && visit_s > 0) {
            Some(visit) => visit.push(order),
            None => visits.push(vec![order]),
        }
    }
    visits
}

/// Compares photos whose working copies are in memory.
fn held(
    photos: &mut BTreeMap<usize, Photo>,
    kind: Kind,
    places: &[usize],
    distinct: &[usize],
    visits: &[Vec<usize>],
    params: &Params,
    out: &mut Out<'_, Facts>,
) -> Result<Vec<Found>> {
    let (_, channels, (width, _)) = kind;
    let first = {
        let frames = pixels(distinct, photos)?;
        let rows = picture(&frames, kind, params);
        let still = still(&frames, visits, width, channels)?;
        Scenery { kind, still, rows }
    };
    let mut lights = vec![Light::default(); places.len()];
    for (at, light) in places.iter().zip(&mut lights) {
        if let Some(pixels) = photos.get_mut(at).and_then(|p| p.look.pixels.as_mut()) {
            *light = first.relit(pixels, params);
        }
    }
    let still = if params.lighting {
        still(&pixels(distinct, photos)?, visits, width, channels)?
    } else {
        first.still
    };
    let scenery = Scenery { still, ..first };
    let all = pixels(places, photos)?;
    let sizes: Vec<Option<(u32, u32)>> =
        places.iter().map(|at| mask_size(photos, *at, params)).collect();
    let mut found = Vec::with_capacity(places.len());
    let make = |order: usize| {
        let frame = all.get(order).ok_or_else(missing)?;
        let mut found = scenery.compare(frame, params, sizes.get(order).copied().flatten())?;
        let near: Vec<&[u8]> = [order.checked_sub(1), order.checked_add(1)]
            .into_iter()
            .flatten()
            .filter_map(|at| all.get(at).copied())
            .collect();
        found.motion = scenery.motion(frame, &near, params);
        found.light = lights.get(order).copied().unwrap_or_default();
        Ok(found)
    };
    out.ordered(places.len(), make, |_, _, one| {
        found.push(one);
        Ok(())
    })?;
    Ok(found)
}

/// The size of a photo's mask, where one is wanted.
fn mask_size(photos: &BTreeMap<usize, Photo>, at: usize, params: &Params) -> Option<(u32, u32)> {
    (params.mode == Mode::Mask).then(|| photos.get(&at).map(|p| p.look.size)).flatten()
}

fn pixels<'a>(places: &[usize], photos: &'a BTreeMap<usize, Photo>) -> Result<Vec<&'a [u8]>> {
    let of = |at: &usize| photos.get(at).and_then(|p| p.look.pixels.as_deref());
    places.iter().map(|at| of(at).ok_or_else(missing)).collect()
}

fn missing() -> Error {
    Error::Bug { message: "a frame of a series is not there".into() }
}

/// The rows between the banners.
fn picture(frames: &[&[u8]], kind: Kind, params: &Params) -> std::ops::Range<usize> {
    let (_, channels, (width, height)) = kind;
    if !params.banners {
        return 0..height;
    }
    let (mut low, mut high) = (vec![255_u8; width * height], vec![0_u8; width * height]);
    for frame in frames {
        for ((low, high), v) in low.iter_mut().zip(&mut high).zip(luminance(frame, channels)) {
            *low = (*low).min(v);
            *high = (*high).max(v);
        }
    }
    banner::picture(&low, &high, width)
}

/// A series whose photos are read anew each time they are needed.
struct Running<'a> {
    members: &'a [Member],
    photos: &'a BTreeMap<usize, Photo>,
    params: &'a Params,
    kind: Kind,
}

impl Running<'_> {
    fn found(
        &self,
        places: &[usize],
        distinct: &[usize],
        visits: &[Vec<usize>],
        out: &mut Out<'_, Facts>,
    ) -> Result<Vec<Found>> {
        let (_, channels, _) = self.kind;
        let held: Vec<usize> = distinct
            .iter()
            .copied()
            .filter(|at| self.photos.get(at).is_some_and(|p| p.look.pixels.is_some()))
            .collect();
        // None was among the sample: the first of the series stands for it.
        let own = match (held.is_empty(), distinct.first()) {
            (true, Some(first)) => Some(self.frame(*first)?),
            _ => None,
        };
        let sample = match &own {
            Some(frame) => vec![frame.as_slice()],
            None => pixels(&held, self.photos)?,
        };
        let (_, _, (width, _)) = self.kind;
        let first = Scenery {
            kind: self.kind,
            still: still(
                &sample,
                &(0..sample.len()).map(|n| vec![n]).collect::<Vec<_>>(),
                width,
                channels,
            )?,
            rows: picture(&sample, self.kind, self.params),
        };
        let of: Vec<usize> =
            visits.iter().flat_map(|visit| vec![visit.len(); visit.len()]).collect();
        let still = match channels {
            3 => self.learn::<3>(&first, distinct, &of, out)?,
            _ => self.learn::<1>(&first, distinct, &of, out)?,
        };
        let scenery = Scenery { still, ..first };
        self.judge(&scenery, places, out)
    }

    fn frame(&self, at: usize) -> Result<Vec<u8>> {
        let image = looks::read(self.members.get(at).ok_or_else(missing)?)?;
        Ok(looks::frame(&image, self.params)?.pixels)
    }

    fn learn<const C: usize>(
        &self,
        first: &Scenery,
        distinct: &[usize],
        of: &[usize],
        out: &mut Out<'_, Facts>,
    ) -> Result<Still> {
        let (_, _, (width, height)) = self.kind;
        let mut mixture = Mixture::<C>::new(width * height);
        let make = |order: usize| {
            let mut pixels = self.frame(*distinct.get(order).ok_or_else(missing)?)?;
            first.relit(&mut pixels, self.params);
            Ok(pixels)
        };
        out.ordered(distinct.len(), make, |_, order, pixels| {
            mixture.see(&pixels, of.get(order).copied().unwrap_or(1))
        })?;
        Ok(mixture.still(width))
    }

    fn judge(
        &self,
        scenery: &Scenery,
        places: &[usize],
        out: &mut Out<'_, Facts>,
    ) -> Result<Vec<Found>> {
        let make = |order: usize| {
            let at = *places.get(order).ok_or_else(missing)?;
            let mut pixels = self.frame(at)?;
            let light = scenery.relit(&mut pixels, self.params);
            let size = mask_size(self.photos, at, self.params);
            let found = scenery.compare(&pixels, self.params, size)?;
            Ok((Found { light, ..found }, pixels))
        };
        let mut all: Vec<Found> = Vec::with_capacity(places.len());
        // The photo that waits for the one behind it, and the one before.
        let mut last: [Option<Vec<u8>>; 2] = [None, None];
        let moved = |last: &[Option<Vec<u8>>; 2], next: Option<&Vec<u8>>| {
            let near: Vec<&[u8]> =
                [last[0].as_ref(), next].into_iter().flatten().map(Vec::as_slice).collect();
            last[1].as_ref().and_then(|pixels| scenery.motion(pixels, &near, self.params))
        };
        out.ordered(places.len(), make, |_, _, (found, pixels)| {
            if let Some(waiting) = all.last_mut() {
                waiting.motion = moved(&last, Some(&pixels));
            }
            all.push(found);
            last = [last[1].take(), Some(pixels)];
            Ok(())
        })?;
        if let Some(waiting) = all.last_mut() {
            waiting.motion = moved(&last, None);
        }
        Ok(all)
    }
}
