//! Series of photos: those of one camera with no long pause between them.

use std::collections::HashMap;

use serde_json::Value;

use super::grouping::too_many;
use crate::error::Result;
use crate::image::time::seconds;
use crate::manifest::{Item, Schema};
use crate::step::Camera;

/// What decides of a photo's series.
pub(super) struct Photo {
    camera: u32,
    /// Seconds of the camera's own clock; `None` where no time is known.
    time_s: Option<i64>,
    pub digest: [u8; 32],
    pub length: u64,
}

/// Takes a row down. `cameras` numbers the cameras met so far.
pub(super) fn photo(
    item: &Item,
    schema: &Schema,
    by: Camera,
    cameras: &mut HashMap<String, u32>,
) -> Result<Photo> {
    let next = u32::try_from(cameras.len()).map_err(|_| too_many())?;
    let camera = *cameras.entry(camera(item, schema, by)).or_insert(next);
    let text = |column| match item.value(schema, column) {
        Value::String(text) => seconds(&text),
        _ => None,
    };
    let time_s = text("capture.time").or_else(|| text("exif.time"));
    Ok(Photo { camera, time_s, digest: *item.digest.as_bytes(), length: item.length })
}

/// The name of an item's camera.
fn camera(item: &Item, schema: &Schema, by: Camera) -> String {
    // A column may hold any text: its length stands before it, so that no two lists of parts are alike.
    let joined = |parts: &[&str]| -> String {
        parts.iter().map(|part| format!("{}:{part}", part.len())).collect()
    };
    let source = source_id(item, schema);
    let folder = source.rsplit_once('/').map_or("", |(folder, _)| folder);
    let body = ["exif.make", "exif.model", "exif.serial"].map(|c| match item.value(schema, c) {
        Value::String(text) => text,
        _ => String::new(),
    });
    let [make, model, serial] = &body;
    let alone = || joined(&["alone", &item.id]);
    match (by, &item.group) {
        (Camera::Auto | Camera::Group, Some(group)) => joined(&["group", group]),
        (Camera::Auto, None) => joined(&["folder and body", folder, make, model, serial]),
        (Camera::Group, None) => alone(),
        (Camera::Folder, _) => joined(&["folder", folder]),
        (Camera::Exif, _) if body.iter().all(String::is_empty) => alone(),
        (Camera::Exif, _) => joined(&["body", make, model, serial]),
    }
}

/// The id of the photo that an item was made of, however many steps ago.
fn source_id(item: &Item, schema: &Schema) -> String {
    let sources = schema.facts.iter().filter(|field| field.name.ends_with(".source_id"));
    let ids = sources.filter_map(|field| match item.value(schema, &field.name) {
        Value::String(id) => Some(id),
        _ => None,
    });
    // Each step appends to the id.
    ids.min_by_key(String::len).unwrap_or_else(|| item.id.clone())
}

/// Numbers the series by the order in which rows meet them: the series of each row. Photos are put in the
/// order of time and digest, so that the order of rows does not matter.
pub(super) fn cut(photos: &[Photo], gap_s: u32, most: u32) -> Vec<u32> {
    let mut order: Vec<usize> = (0..photos.len()).collect();
    let sorted = |at: &usize| photos.get(*at).map(|p| (p.camera, p.time_s, p.digest));
    order.sort_by_key(sorted);
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut last: Option<&Photo> = None;
    for at in order {
        let Some(photo) = photos.get(at) else { continue };
        let goes_on = last.is_some_and(|last| {
            last.camera == photo.camera
                && match (last.time_s, photo.time_s) {
                    (Some(before), Some(now)) => now.saturating_sub(before) <= i64::from(gap_s),
                    (before, now) => before == now,
                }
        });
        last = Some(photo);
        match runs.last_mut().filter(|_| goes_on) {
            Some(run) => run.push(at),
            None => runs.push(vec![at]),
        }
    }
    let mut part_of = vec![u32::MAX; photos.len()];
    let mut parts = 0;
    for run in &runs {
        let count = run.len().div_ceil((most as usize).max(1)).max(1);
        for (place, at) in run.iter().enumerate() {
            // Parts of equal length, give or take one.
            let part = place * count / run.len();
            if let Some(of) = part_of.get_mut(*at) {
                *of = parts + part as u32;
            }
        }
        parts += count as u32;
    }
    let mut number = HashMap::new();
    let by_row = |part: u32| {
        let next = number.len() as u32;
        *number.entry(part).or_insert(next)
    };
    part_of.into_iter().map(by_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photos(of: &[(u32, Option<i64>)]) -> Vec<Photo> {
        let photo = |(n, (camera, time_s)): (usize, &(u32, Option<i64>))| Photo {
            camera: *camera,
            time_s: *time_s,
            digest: [n as u8; 32],
            length: 1,
        };
        of.iter().enumerate().map(photo).collect()
    }

    #[test]
    fn a_pause_or_another_camera_begins_a_series() {
        let of = photos(&[
            (0, Some(0)),
            (0, Some(100)),
            (1, Some(50)),
            (0, Some(201)),
            (0, None),
            (0, None),
        ]);
        assert_eq!(cut(&of, 100, 10), [0, 0, 1, 2, 3, 3]);
        assert_eq!(cut(&of, 101, 10), [0, 0, 1, 0, 2, 2]);
    }

    #[test]
    fn long_series_are_cut_in_equal_parts_in_the_order_of_time() {
        let of = photos(&[
            (0, Some(6)),
            (0, Some(5)),
            (0, Some(4)),
            (0, Some(3)),
            (0, Some(2)),
            (0, Some(1)),
            (0, Some(0)),
        ]);
        // 3, 2 and 2 photos; the rows lie in the opposite order of time.
        assert_eq!(cut(&of, 100, 3), [0, 0, 1, 1, 2, 2, 2]);
    }
}
