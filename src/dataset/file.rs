//! Single files, wherever they are.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::{is_url, local, remote, web};
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};
use crate::slide::ReadAt;
use crate::slide::memory::Bytes;

/// Largest params file, pipeline file or list.
const SMALL_FILE_BYTES: u64 = 256 << 20;
/// Bytes that are read at once when a whole file goes by: few enough to stay in the core's cache
/// between the read and the hash, enough for BLAKE3 to hash 16 chunks side by side many times over.
const PIECE_BYTES: u64 = 512 << 10;

/// Reads one file, a local path or a URL (of an object store, or `http` and `https`): params, pipelines, lists.
///
/// # Errors
/// [`Error::Store`] when it is not there; [`Error::Limit`] over 256 MiB.
pub fn read_file(uri: &str) -> Result<Vec<u8>> {
    read_file_within(uri, SMALL_FILE_BYTES)
}

/// As [`read_file`], of at most `most` bytes.
///
/// # Errors
/// As [`read_file`], with its own limit.
pub fn read_file_within(uri: &str, most: u64) -> Result<Vec<u8>> {
    let name = super::shown(uri);
    let too_large = |length| larger(&name, length, most);
    if let Some(url) = web::url(uri) {
        return web::read(&url, most, &too_large);
    }
    let source = open(uri)?;
    if source.size() > most {
        return Err(too_large(source.size()));
    }
    source.read_vec(0, source.size())
}

/// Writes a local file whole, in the place of one that may be there; its folders are made.
///
/// # Errors
/// [`Error::Store`].
pub fn write_file(path: &str, bytes: &[u8]) -> Result<()> {
    local::write_file(Path::new(path), bytes)
}

/// Writes a file that a person named: a local one whole, in the place of what a link leads to; into a pipe or a device as
/// it is; or an object.
///
/// # Errors
/// [`Error::Store`], also when its folder is not there.
pub fn write_out(place: &str, bytes: &[u8]) -> Result<()> {
    if !is_url(place) {
        return local::write_out(Path::new(place.strip_prefix("file://").unwrap_or(place)), bytes);
    }
    match place.rsplit_once('/') {
        Some((prefix, name)) if !name.is_empty() => super::Root::open(prefix)?.replace(name, bytes),
        _ => Err(Error::params("URL", format!("{} names no file", super::shown(place)))),
    }
}

/// Writes over a local file that is there, without making it anew: one that is mounted by itself cannot be replaced. `false`
/// where there is none.
///
/// # Errors
/// [`Error::Store`].
pub fn write_over(path: &str, bytes: &[u8]) -> Result<bool> {
    local::write_over(Path::new(path), bytes)
}

pub(super) fn too_large(path: &str, length: u64) -> Error {
    larger(path, length, SMALL_FILE_BYTES)
}

fn larger(name: &str, length: u64, most: u64) -> Error {
    Error::limit(
        format!("size of {name}"),
        format!("{length} bytes"),
        format!("{most} bytes"),
        "split it into smaller files",
    )
}

/// Opens any file for random access.
pub(super) fn open(uri: &str) -> Result<Arc<dyn ReadAt>> {
    if is_url(uri) {
        open_url(uri)
    } else {
        local::open_file(Path::new(uri.strip_prefix("file://").unwrap_or(uri)))
    }
}

/// Opens an object by its URL.
pub(super) fn open_url(url: &str) -> Result<Arc<dyn ReadAt>> {
    let (folder, name) = url.rsplit_once('/').unwrap_or((url, ""));
    remote::Prefix::open(folder)?.source(name)
}

/// The digest of a whole file; `hashed` hears of each piece.
pub fn digest(source: &dyn ReadAt, hashed: &dyn Fn(u64)) -> Result<Digest> {
    let mut hasher = Hasher::new();
    pieces(source, |piece| {
        hasher.update(piece);
        hashed(piece.len() as u64);
        Ok(())
    })?;
    Ok(hasher.finish())
}

fn pieces(source: &dyn ReadAt, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let size = source.size();
    let mut buffer = vec![0; PIECE_BYTES.min(size) as usize];
    let mut offset = 0;
    while offset < size {
        let piece = &mut buffer[..PIECE_BYTES.min(size - offset) as usize];
        source.read_at(offset, piece)?;
        take(piece)?;
        offset += piece.len() as u64;
    }
    Ok(())
}

/// Copies a file.
pub(super) fn copy(source: &dyn ReadAt, to: &mut dyn Write) -> Result<()> {
    pieces(source, |piece| to.write_all(piece).map_err(|e| Error::store("scratch file", e)))
}

/// Brings a remote file to a scratch file that vanishes with the answer.
pub(super) fn bring(source: &dyn ReadAt) -> Result<Arc<dyn ReadAt>> {
    let failed = |e: std::io::Error| Error::store("scratch file", e);
    let mut file = tempfile::tempfile().map_err(failed)?;
    copy(source, &mut file)?;
    local::open_scratch(file, "scratch file".into())
}

/// Part of a file (an item of a pack), in memory.
pub(super) fn part(source: &dyn ReadAt, offset: u64, length: u64) -> Result<Arc<dyn ReadAt>> {
    Ok(Arc::new(Bytes(source.read_vec(offset, length)?)))
}
