//! What a user points at: a folder, one file, a list of files, a prefix of an object store.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{MANIFEST, Root, file, is_url, remote};
use crate::error::{Error, Result};
use crate::manifest::read_list;
use crate::slide::ReadAt;

/// Deepest folder below the input that is looked into.
const MOST_DEEP: usize = 64;

/// A file that may become an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Path below the input, with `/`; or the `id` of a list.
    pub id: String,
    /// Absolute path or URL.
    pub path: String,
    /// Bytes; `None` where a list names a file that cannot be looked at (opening it will say why).
    pub length: Option<u64>,
    /// The list's other columns.
    pub given: BTreeMap<String, String>,
    /// Whether the user named this file, rather than a folder that holds it.
    pub named: bool,
}

/// Whether a file is wanted, by its id, and by whether the user named it.
pub type Selects<'a> = &'a dyn Fn(&str, bool) -> bool;

impl Candidate {
    /// Opens its bytes.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn open(&self) -> Result<Arc<dyn ReadAt>> {
        file::open(&self.path)
    }
}

/// What an input holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candidates {
    /// Sorted by id.
    pub files: Vec<Candidate>,
    /// What could not be listed: (id, why). A folder that may not be read must not look empty.
    pub failed: Vec<(String, Error)>,
}

/// Lists an input: a folder (recursive; hidden files are left out), one file, a CSV or Parquet list
/// with a `path` column (`id` and others optional; relative paths start at the list), or an object
/// prefix. `selects` is asked by id, and told whether the user named the file (a single file, a
/// row of a list) or it was found in a folder. `except` is left out with all below it: the output,
/// which may lie in the input.
///
/// # Errors
/// [`Error::Store`] when there is nothing at that place; [`Error::Params`] for a list without `path`.
pub fn list_input(uri: &str, selects: Selects<'_>, except: &Root) -> Result<Candidates> {
    let mut found = Candidates::default();
    if is_url(uri) {
        if is_list(uri) && remote_exists(uri)? {
            list_rows(uri, &mut found)?;
        } else {
            list_prefix(uri, selects, except, &mut found)?;
        }
    } else {
        let path = uri.strip_prefix("file://").unwrap_or(uri);
        let path = std::path::absolute(path).map_err(|e| Error::store(uri, e))?;
        let metadata =
            fs::metadata(&path).map_err(|e| Error::store(path.display().to_string(), e))?;
        if metadata.is_dir() {
            // A folder that was seen is not looked into: nor is the output, by whatever name.
            let seen = except.local().and_then(identity).into_iter().collect();
            Walk { root: &path, selects, seen, found: &mut found }.folder(&path, 0);
        } else if is_list(uri) {
            list_rows(&path.display().to_string(), &mut found)?;
        } else {
            let id = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.files.push(Candidate {
                id,
                path: path.display().to_string(),
                length: Some(metadata.len()),
                given: BTreeMap::new(),
                named: true,
            });
        }
    }
    found.files.retain(|file| !file.named || selects(&file.id, true));
    found.files.sort_by(|a, b| a.id.cmp(&b.id));
    found.failed.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(pair) = found.files.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(Error::params("INPUT", format!("two items have the id {:?}", pair[0].id)));
    }
    Ok(found)
}

fn is_list(uri: &str) -> bool {
    let lower = uri.to_ascii_lowercase();
    [".csv", ".tsv", ".parquet"].iter().any(|ending| lower.ends_with(ending))
}

fn remote_exists(uri: &str) -> Result<bool> {
    let (folder, name) = uri.rsplit_once('/').unwrap_or((uri, ""));
    Ok(remote::Prefix::open(folder)?.length(name)?.is_some())
}

fn list_prefix(
    uri: &str,
    selects: Selects<'_>,
    except: &Root,
    found: &mut Candidates,
) -> Result<()> {
    let root = Root::open(uri)?;
    // A prefix may also be the name of one object.
    let base = root.uri().to_string();
    if remote_exists(&base)? {
        let source = file::open(&base)?;
        let id = base.rsplit('/').next().unwrap_or_default().to_string();
        found.files.push(Candidate {
            id,
            path: base,
            length: Some(source.size()),
            given: BTreeMap::new(),
            named: true,
        });
        return Ok(());
    }
    let listed = root.list("")?;
    if listed.is_empty() {
        return Err(Error::store(base, "there is nothing at or below this prefix"));
    }
    for stored in listed {
        let path = format!("{base}/{}", stored.path);
        let hidden = stored.path.split('/').any(|part| part.starts_with('.'));
        if !hidden
            && !path.starts_with(&format!("{}/", except.uri()))
            && selects(&stored.path, false)
        {
            found.files.push(Candidate {
                id: stored.path,
                path,
                length: Some(stored.length),
                given: BTreeMap::new(),
                named: false,
            });
        }
    }
    Ok(())
}

fn list_rows(uri: &str, found: &mut Candidates) -> Result<()> {
    let bytes = super::read_file(uri)?;
    let folder = uri.rsplit_once('/').map_or("", |(folder, _)| folder);
    for (row, mut given) in read_list(uri, &bytes)?.into_iter().enumerate() {
        // Blank lines, which spreadsheets leave at the end.
        if given.is_empty() {
            continue;
        }
        let path = given.remove("path").ok_or_else(|| {
            let columns: Vec<_> = given.keys().map(String::as_str).collect();
            Error::params(
                "INPUT",
                format!(
                    "row {} of {uri} has no value in a column `path`; it has: {}",
                    row + 1,
                    columns.join(", ")
                ),
            )
        })?;
        let id = given.remove("id").unwrap_or_else(|| path.trim_start_matches("./").to_string());
        let absolute = |path: String| {
            if is_url(&path) || Path::new(&path).is_absolute() {
                return path;
            }
            format!("{folder}/{}", path.trim_start_matches("./"))
        };
        if let Some(mask) = given.remove("mask") {
            given.insert("mask".into(), absolute(mask));
        }
        let absolute = absolute(path);
        let length = file::open(&absolute).map(|source| source.size()).ok();
        found.files.push(Candidate { id, path: absolute, length, given, named: true });
    }
    Ok(())
}

/// What a folder is, whatever it is called.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(folder).ok().map(|m| (m.dev(), m.ino()))
}

struct Walk<'a> {
    root: &'a Path,
    selects: Selects<'a>,
    seen: HashSet<(u64, u64)>,
    found: &'a mut Candidates,
}

impl Walk<'_> {
    fn id(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    fn failed(&mut self, path: &Path, cause: impl std::fmt::Display) {
        let error = Error::store(path.display().to_string(), cause);
        self.found.failed.push((self.id(path), error));
    }

    fn folder(&mut self, folder: &Path, depth: usize) {
        // Links may lead in circles.
        if identity(folder).is_some_and(|identity| !self.seen.insert(identity)) {
            return;
        }
        if depth > MOST_DEEP {
            return self.failed(folder, format!("more than {MOST_DEEP} folders deep"));
        }
        // What an earlier run made of these files lies among them: it is no source.
        if depth > 0 && folder.join("records").is_dir() && folder.join(MANIFEST).is_file() {
            return;
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) => return self.failed(folder, e),
        };
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(e) => self.failed(folder, e),
            }
        }
        // Sorted, so that which of two links to one folder is followed does not depend on the disk.
        paths.sort();
        for path in paths {
            self.entry(path, depth);
        }
    }

    fn entry(&mut self, path: PathBuf, depth: usize) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            return;
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(e) => return self.failed(&path, e),
        };
        if metadata.is_dir() {
            return self.folder(&path, depth + 1);
        }
        let id = self.id(&path);
        if !(self.selects)(&id, false) {
            return;
        }
        let Some(text) = path.to_str() else {
            return self
                .failed(&path, "its name is not UTF-8, which a manifest cannot hold: rename it");
        };
        if !metadata.is_file() {
            return self.failed(&path, "is not a regular file");
        }
        let (path, length) = (text.to_string(), Some(metadata.len()));
        self.found.files.push(Candidate { id, path, length, given: BTreeMap::new(), named: false });
    }
}
