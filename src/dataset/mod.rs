//! Datasets: a root URI that holds a manifest, the files it names and the records of how they came
//! to be.
//!
//! **The guarantee first:** no reader ever sees half a file under its final name. Locally, files are
//! written in `.staging/` under the root and moved into place by one rename (a hard link where the
//! name must be new); in object stores a put is whole or not at all, and commits rest on
//! put-if-absent. Outputs come first, the record that names them after, the manifest last.
//!
//! Object stores go through `object_store`. A local folder goes through `std::fs`, because what
//! makes it fast and safe there has no counterpart in an object store's terms: a whole unit moved
//! by one rename, hard links between datasets, files with any name that the system allows. Nothing
//! above this module knows the difference, and nothing above it touches `std::fs`.

mod file;
mod input;
mod local;
mod pack;
mod remote;
mod scratch;
mod unit;
mod web;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use file::{digest, read_file, read_file_within, write_file, write_out, write_over};
pub use input::{Candidate, Candidates, list_input};
pub use local::Staging;
pub use scratch::{Scratch, Sealed};
pub use unit::{Placed, UnitStage};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{Item, ManifestReader};
use crate::record::Record;
use crate::slide::ReadAt;

/// The manifest of a finished dataset.
pub const MANIFEST: &str = "manifest.parquet";
/// Where the manifest lies once more, Hive-style.
pub const PARTITIONS: &str = "partitions/";
/// Largest file that is read into memory whole: records, manifests of remote roots, params files.
pub const WHOLE_FILE_BYTES: u64 = 4 << 30;

/// A folder, or a prefix of an object store, that holds (or will hold) a dataset.
#[derive(Clone)]
pub struct Root {
    place: Place,
}

#[derive(Clone)]
enum Place {
    Local(local::Folder),
    Remote(remote::Prefix),
}

/// A file below a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Path below the root, with `/`.
    pub path: String,
    /// Bytes.
    pub length: u64,
}

/// Whether a text names an object store (`az://…`) rather than a local path.
pub fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme != "file" && !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// A place for people: a URL without user, password and query.
pub fn shown(place: &str) -> String {
    if is_url(place) { remote::shown(place) } else { place.into() }
}

impl Root {
    /// Names a root; it need not exist yet.
    ///
    /// `az://`, `abfss://`, `s3://` and `gs://` take their account and credentials from the
    /// environment, as `object_store` documents (managed identity included).
    ///
    /// # Errors
    /// [`Error::Params`] when the text is no path or URL that we know; [`Error::Store`] when the
    /// store cannot be set up (no account, no credentials).
    pub fn open(uri: &str) -> Result<Self> {
        let place = if is_url(uri) {
            Place::Remote(remote::Prefix::open(uri)?)
        } else {
            Place::Local(local::Folder::open(uri.strip_prefix("file://").unwrap_or(uri))?)
        };
        Ok(Self { place })
    }

    /// A root in a store that the caller made: for tests, and for stores of one's own.
    pub fn over(store: Arc<dyn object_store::ObjectStore>, prefix: &str) -> Result<Self> {
        Ok(Self { place: Place::Remote(remote::Prefix::over(store, prefix)?) })
    }

    /// The root's name for people: never credentials or a query.
    pub fn uri(&self) -> &str {
        match &self.place {
            Place::Local(folder) => folder.uri(),
            Place::Remote(prefix) => prefix.uri(),
        }
    }

    /// The folder, where it is one.
    pub fn local(&self) -> Option<&Path> {
        match &self.place {
            Place::Local(folder) => Some(folder.path()),
            Place::Remote(_) => None,
        }
    }

    /// Whether two roots are one place, however it is spelled (`s/`, `../s`, a link to it).
    pub fn is(&self, other: &Self) -> bool {
        match (&self.place, &other.place) {
            (Place::Local(a), Place::Local(b)) => a.real() == b.real(),
            (Place::Remote(a), Place::Remote(b)) => a.uri() == b.uri(),
            _ => false,
        }
    }

    /// Whether there is a manifest, whole or in parts.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn is_dataset(&self) -> Result<bool> {
        Ok(self.length(MANIFEST)?.is_some() || !self.list("manifest")?.is_empty())
    }

    /// A whole file; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Limit`] over [`WHOLE_FILE_BYTES`].
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match &self.place {
            Place::Local(folder) => folder.read(path),
            Place::Remote(prefix) => prefix.read(path),
        }
    }

    /// Size of a file in bytes; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn length(&self, path: &str) -> Result<Option<u64>> {
        match &self.place {
            Place::Local(folder) => folder.length(path),
            Place::Remote(prefix) => prefix.length(path),
        }
    }

    /// The digest of a file; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn digest(&self, path: &str) -> Result<Option<Digest>> {
        match self.length(path)? {
            Some(_) => file::digest(&*self.source(path)?, &|_| {}).map(Some),
            None => Ok(None),
        }
    }

    /// Part of a file.
    ///
    /// # Errors
    /// [`Error::Store`] when there is no such file; [`Error::Format`] when it ends before the range.
    pub fn read_range(&self, path: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.source(path)?.read_vec(offset, length)
    }

    /// All files below a folder of the root (`""` for all), sorted by path. What is being staged is
    /// left out.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(&self, below: &str) -> Result<Vec<Stored>> {
        let mut files = match &self.place {
            Place::Local(folder) => folder.list(below)?,
            Place::Remote(prefix) => prefix.list(below)?,
        };
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Writes a file that must not be there yet. `false` when it was.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn write_new(&self, path: &str, bytes: &[u8]) -> Result<bool> {
        match &self.place {
            Place::Local(folder) => folder.write_new(path, bytes),
            Place::Remote(prefix) => prefix.write_new(path, bytes),
        }
    }

    /// Writes a file, in the place of one that may be there. Readers see the old or the new one.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn replace(&self, path: &str, bytes: &[u8]) -> Result<()> {
        match &self.place {
            Place::Local(folder) => folder.replace(path, bytes),
            Place::Remote(prefix) => prefix.replace(path, bytes),
        }
    }

    /// Moves a finished file to its place, over one that may be there.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn put(&self, path: &str, sealed: Sealed) -> Result<()> {
        match &self.place {
            Place::Local(folder) => folder.put_file(path, sealed.file),
            Place::Remote(prefix) => prefix.put_file(path, &sealed.file),
        }
    }

    /// A file in the making, on the root's own disk where it is local.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn scratch(&self) -> Result<Scratch> {
        let made = match &self.place {
            Place::Local(folder) => tempfile::NamedTempFile::new_in(folder.staging()?.path()),
            Place::Remote(_) => tempfile::NamedTempFile::new(),
        };
        made.map(Scratch::new)
            .map_err(|e| Error::store(format!("scratch file for {}", self.uri()), e))
    }

    /// Brings a file of another root over: a hard link where both are folders on one disk.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn bring(&self, from: &Root, path: &str) -> Result<()> {
        if let (Place::Local(to), Place::Local(from)) = (&self.place, &from.place)
            && to.link(&from.below(path)?, path)?
        {
            return Ok(());
        }
        self.copy(from, path, path).map(drop)
    }

    /// Copies a file of another root to a name of its own here; gives the digest of what was copied.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn copy(&self, from: &Root, path: &str, to: &str) -> Result<Digest> {
        let source = from.source(path)?;
        let mut scratch = self.scratch()?;
        file::copy(&*source, &mut scratch)?;
        let sealed = scratch.seal()?;
        let digest = sealed.digest;
        self.put(to, sealed)?;
        Ok(digest)
    }

    /// Removes a file; nothing happens when there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn remove(&self, path: &str) -> Result<()> {
        match &self.place {
            Place::Local(folder) => folder.remove(path),
            Place::Remote(prefix) => prefix.remove(path),
        }
    }

    /// Random access to a file: below the root, or by an absolute path or URL.
    ///
    /// # Errors
    /// [`Error::Store`] when there is no such file.
    pub fn source(&self, path: &str) -> Result<Arc<dyn ReadAt>> {
        if is_url(path) {
            return file::open_url(path);
        }
        match &self.place {
            _ if Path::new(path).is_absolute() => local::open_file(Path::new(path)),
            Place::Local(folder) => local::open_file(&folder.below(path)?),
            Place::Remote(prefix) => prefix.source(path),
        }
    }

    /// Random access to an item's bytes, after holding them to its digest. Remote files are brought
    /// to a scratch file on the way, so that they cross the network once. `hashed` hears of each
    /// piece that was read.
    ///
    /// # Errors
    /// [`Error::Store`] when the file is gone; [`Error::Format`] when its bytes are not those that
    /// the manifest names.
    pub fn verified(&self, item: &Item, hashed: &dyn Fn(u64)) -> Result<Arc<dyn ReadAt>> {
        let source = self.source(&item.path)?;
        let source = match item.offset {
            Some(offset) => file::part(&*source, offset, item.length)?,
            None if is_url(&item.path) || self.local().is_none() => file::bring(&*source)?,
            None => source,
        };
        let digest = file::digest(&*source, hashed)?;
        if digest != item.digest {
            return Err(Error::format(
                item.path.clone(),
                format!(
                    "its bytes hash to {}…, the manifest says {}…: it was changed since it was scanned; scan again",
                    digest.short(),
                    item.digest.short()
                ),
            ));
        }
        Ok(source)
    }

    /// The name under which a file of this root is found from anywhere: its path as it is where it is
    /// absolute or a URL, else behind the root's.
    pub fn absolute(&self, path: &str) -> String {
        self.seat().absolute(path)
    }

    /// Where this root lies, found once: for the names of many files.
    pub fn seat(&self) -> Seat {
        match &self.place {
            Place::Local(folder) => Seat::Folder(folder.real()),
            Place::Remote(prefix) => Seat::Prefix(prefix.uri().to_string()),
        }
    }

    /// An item's bytes, not verified.
    ///
    /// # Errors
    /// As [`Root::read_range`].
    pub fn item_bytes(&self, item: &Item) -> Result<Vec<u8>> {
        self.source(&item.path)?.read_vec(item.offset.unwrap_or(0), item.length)
    }

    /// The manifest of a finished dataset.
    ///
    /// # Errors
    /// As [`Root::manifest_at`].
    pub fn manifest(&self) -> Result<ManifestReader> {
        self.manifest_at(MANIFEST)
    }

    /// Any manifest below the root.
    ///
    /// # Errors
    /// [`Error::Store`] when there is none; [`Error::Format`] when it is broken.
    pub fn manifest_at(&self, path: &str) -> Result<ManifestReader> {
        match &self.place {
            Place::Local(folder) => {
                let file = folder.below(path)?;
                ManifestReader::new(move || Ok(Box::new(local::open_plain(&file)?)))
            }
            Place::Remote(prefix) => {
                let bytes = prefix.read(path)?.ok_or_else(|| {
                    Error::store(format!("{}/{path}", prefix.uri()), "there is no such manifest")
                })?;
                let bytes = bytes::Bytes::from(bytes);
                ManifestReader::new(move || Ok(Box::new(std::io::Cursor::new(bytes.clone()))))
            }
        }
    }

    /// The record of a key; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Format`] when it was changed; [`Error::Store`].
    pub fn record(&self, key: &Digest) -> Result<Option<Record>> {
        match self.read(&Record::path(key))? {
            Some(bytes) => Record::from_bytes(key, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Makes the root ready for writing, and sweeps away what a killed run left in `.staging/`.
    /// The answer must live as long as the writing.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn begin(&self) -> Result<Option<Arc<Staging>>> {
        match &self.place {
            Place::Local(folder) => folder.staging().map(Some),
            Place::Remote(_) => Ok(None),
        }
    }

    /// A place for the outputs of one unit, to be committed whole. `pack_bytes`: into tars of about
    /// this size rather than loose files.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn unit(&self, place: &str, pack_bytes: Option<u64>) -> Result<UnitStage> {
        UnitStage::new(self.clone(), place, pack_bytes)
    }
}

/// Where a root lies.
#[derive(Debug, Clone)]
pub enum Seat {
    /// A folder, without links.
    Folder(PathBuf),
    /// A prefix of a store.
    Prefix(String),
}

impl Seat {
    /// As [`Root::absolute`].
    pub fn absolute(&self, path: &str) -> String {
        if is_url(path) || Path::new(path).is_absolute() {
            return path.to_string();
        }
        match self {
            Self::Folder(folder) => folder.join(path).to_string_lossy().into_owned(),
            Self::Prefix(uri) => format!("{uri}/{path}"),
        }
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Root({})", self.uri())
    }
}
