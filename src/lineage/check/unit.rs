//! One record: its name, its outputs, its packs, and what else lies in its place.

use std::collections::BTreeSet;

use super::{CHUNK_BYTES, CheckReport, digest, kind_of};
use crate::dataset::Root;
use crate::digest::{Digest, Hasher};
use crate::error::Result;
use crate::record::{Output, PackFile, Record};

/// Checks a record and all that it names; gives its place too, when the record can be read.
pub(super) fn check(root: &Root, key: &Digest) -> Result<(Option<String>, CheckReport)> {
    let mut report = CheckReport { records: 1, ..CheckReport::default() };
    let path = Record::path(key);
    let record = match root.record(key) {
        Ok(Some(record)) => record,
        Ok(None) => {
            report.problem("record", path, "it vanished while the dataset was checked");
            return Ok((None, report));
        }
        Err(e) => {
            report.problem(kind_of(&e), path, e.to_string());
            return Ok((None, report));
        }
    };
    let place = record.cause.place()?;
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for output in record.outputs.iter().chain(&record.previews) {
        let Some(path) = &output.path else { continue };
        if !lies_in(path, &place) {
            report.problem(
                "place",
                path.clone(),
                format!("record {} names it, but it lies outside {place}", key.short()),
            );
            continue;
        }
        named.insert(path);
        if output.offset.is_none() {
            loose(root, path, output, &mut report);
        } else if !record.packs.iter().any(|p| p.path == *path) {
            report.problem(
                "record",
                path.clone(),
                format!(
                    "record {} keeps {} in it and does not list it as a pack",
                    key.short(),
                    output.name
                ),
            );
        }
    }
    for file in &record.packs {
        named.insert(&file.path);
        if !lies_in(&file.path, &place) {
            report.problem(
                "place",
                file.path.clone(),
                format!("record {} names it, but it lies outside {place}", key.short()),
            );
            continue;
        }
        let mut members: Vec<&Output> =
            record.outputs.iter().filter(|o| o.path.as_ref() == Some(&file.path)).collect();
        members.sort_by_key(|o| o.offset);
        pack(root, file, &members, &mut report);
    }
    for kind in ["items", "previews"] {
        for stored in root.list(&format!("{kind}/{place}"))? {
            if !named.contains(stored.path.as_str()) {
                report.orphan(stored.path);
            }
        }
    }
    Ok((Some(place), report))
}

/// A record is somebody's file: it may not send us to read elsewhere.
fn lies_in(path: &str, place: &str) -> bool {
    super::place_of(path) == Some(place) && !path.split('/').any(|part| part == "..")
}

fn loose(root: &Root, path: &str, output: &Output, report: &mut CheckReport) {
    report.outputs += 1;
    match root.length(path) {
        Ok(None) => return report.problem("missing", path, "there is no such file"),
        Ok(Some(length)) if length != output.length => {
            let message = format!("{length} bytes, its record says {}", output.length);
            return report.problem("length", path, message);
        }
        _ => {}
    }
    match root.source(path).and_then(|source| digest(&*source, &|| Ok(()))) {
        Ok(found) => {
            report.bytes += output.length;
            held(path, &found, &output.digest, report);
        }
        Err(e) => report.problem("store", path, e.to_string()),
    }
}

fn held(path: &str, found: &Digest, expected: &Digest, report: &mut CheckReport) {
    if found != expected {
        let message = format!("its bytes hash to {found}, its record says {expected}");
        report.problem("digest", path, message);
    }
}

/// Streams a pack once, hashing the whole and each member on the way.
fn pack(root: &Root, file: &PackFile, members: &[&Output], report: &mut CheckReport) {
    report.packs += 1;
    let source = match root.length(&file.path) {
        Ok(None) => return report.problem("missing", &file.path, "there is no such pack"),
        Ok(Some(length)) if length != file.length => {
            let message = format!("{length} bytes, its record says {}", file.length);
            return report.problem("length", &file.path, message);
        }
        Ok(Some(_)) => root.source(&file.path),
        Err(e) => Err(e),
    };
    let mut walk = Members::new(members, file, report);
    let mut whole = Hasher::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut position = 0;
    let read = source.and_then(|source| {
        while position < file.length {
            let length = (file.length - position).min(CHUNK_BYTES as u64) as usize;
            source.read_at(position, &mut buffer[..length])?;
            whole.update(&buffer[..length]);
            walk.take(position, &buffer[..length], report);
            position += length as u64;
        }
        Ok(())
    });
    report.bytes += position;
    match read {
        Ok(()) => held(&file.path, &whole.finish(), &file.digest, report),
        Err(e) => report.problem("store", &file.path, e.to_string()),
    }
}

/// The members of a pack as their bytes go by. None overlaps another.
struct Members<'a> {
    members: Vec<(u64, u64, &'a Output)>,
    next: usize,
    hasher: Hasher,
    path: &'a str,
}

impl<'a> Members<'a> {
    fn new(members: &[&'a Output], file: &'a PackFile, report: &mut CheckReport) -> Self {
        let mut kept = Vec::with_capacity(members.len());
        let mut free = 0;
        for output in members {
            let begin = output.offset.unwrap_or(0);
            match begin.checked_add(output.length) {
                Some(end) if begin >= free && end <= file.length => {
                    kept.push((begin, end, *output));
                    free = end;
                }
                _ => report.problem(
                    "record",
                    &file.path,
                    format!(
                        "{} lies at {begin}+{}, over its neighbour or past the end",
                        output.name, output.length
                    ),
                ),
            }
        }
        Self { members: kept, next: 0, hasher: Hasher::new(), path: &file.path }
    }

    fn take(&mut self, position: u64, bytes: &[u8], report: &mut CheckReport) {
        let end = position + bytes.len() as u64;
        while let Some((from, to, output)) = self.members.get(self.next) {
            let (low, high) = ((*from).max(position), (*to).min(end));
            if low < high {
                self.hasher.update(&bytes[(low - position) as usize..(high - position) as usize]);
            }
            if *to > end {
                break;
            }
            report.outputs += 1;
            let path = format!("{}: {}", self.path, output.name);
            held(&path, &self.hasher.finish(), &output.digest, report);
            self.hasher = Hasher::new();
            self.next += 1;
        }
    }
}
