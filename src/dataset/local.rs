//! A local folder as a root.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::Stored;
use crate::error::{Error, Result};
use crate::slide::ReadAt;

/// Where files are written before they are moved into place.
const STAGING: &str = ".staging";

#[derive(Clone)]
pub(super) struct Folder {
    path: PathBuf,
    uri: String,
    staging: Arc<Mutex<Option<Arc<Staging>>>>,
}

/// This process's own folder under `.staging/`, held by a file lock: whoever can take the lock of
/// another one knows that its owner is dead, and sweeps it away.
pub struct Staging {
    path: PathBuf,
    lock_path: PathBuf,
    lock: File,
}

impl Staging {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Best effort: the next run sweeps what stays.
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_file(&self.lock_path);
        let _ = self.lock.unlock();
        if let Some(parent) = self.path.parent() {
            let _ = fs::remove_dir(parent);
        }
    }
}

fn store(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.display().to_string();
    move |e| Error::store(path.clone(), e)
}

/// `Ok(None)` for a file that is not there.
fn absent<T>(path: &Path, result: std::io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(store(path)(e)),
    }
}

impl Folder {
    pub fn open(path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err(Error::params("path", "it is empty: name a folder, a file or a URL"));
        }
        let path = std::path::absolute(path).map_err(|e| Error::store(path, e))?;
        if path.is_file() {
            return Err(Error::store(
                path.display().to_string(),
                "is a file where a folder is needed",
            ));
        }
        let uri = path.display().to_string();
        Ok(Self { path, uri, staging: Arc::default() })
    }

    pub fn uri(&self) -> &str {
        &self.uri
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder without links, `.` and `..`, as far as it exists.
    pub fn real(&self) -> PathBuf {
        let mut rest = Vec::new();
        for place in self.path.ancestors() {
            if let Ok(real) = fs::canonicalize(place) {
                return rest.iter().rev().fold(real, |mut path, part| {
                    match part {
                        Component::ParentDir => drop(path.pop()),
                        part => path.push(part),
                    }
                    path
                });
            }
            rest.extend(place.components().next_back());
        }
        self.path.clone()
    }

    /// A path below the folder; `..` and absolute paths, which a hostile manifest may hold, are
    /// refused.
    pub fn below(&self, path: &str) -> Result<PathBuf> {
        let relative = Path::new(path);
        if relative.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
            Ok(self.path.join(relative))
        } else {
            Err(Error::format("path", format!("{path:?} leads out of the dataset {}", self.uri)))
        }
    }

    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let file = self.below(path)?;
        let Some(length) = self.length(path)? else { return Ok(None) };
        if length > super::WHOLE_FILE_BYTES {
            return Err(super::file::too_large(path, length));
        }
        absent(&file, fs::read(&file))
    }

    pub fn length(&self, path: &str) -> Result<Option<u64>> {
        let file = self.below(path)?;
        Ok(absent(&file, fs::metadata(&file))?.filter(fs::Metadata::is_file).map(|m| m.len()))
    }

    pub fn list(&self, below: &str) -> Result<Vec<Stored>> {
        let mut found = Vec::new();
        let mut folders = vec![self.below(below)?];
        while let Some(folder) = folders.pop() {
            let Some(entries) = absent(&folder, fs::read_dir(&folder))? else { continue };
            for entry in entries {
                let entry = entry.map_err(store(&folder))?;
                let path = entry.path();
                let kind = entry.file_type().map_err(store(&path))?;
                if kind.is_dir() {
                    if folder != self.path || entry.file_name() != STAGING {
                        folders.push(path);
                    }
                    continue;
                }
                let Ok(relative) = path.strip_prefix(&self.path) else { continue };
                let length = entry.metadata().map_err(store(&path))?.len();
                found.push(Stored { path: relative.to_string_lossy().into_owned(), length });
            }
        }
        Ok(found)
    }

    pub fn write_new(&self, path: &str, bytes: &[u8]) -> Result<bool> {
        let target = self.below(path)?;
        if target.exists() {
            return Ok(false);
        }
        let mut file = self.scratch()?;
        file.write_all(bytes).map_err(store(&target))?;
        file.as_file().sync_data().map_err(store(&target))?;
        make_parent(&target)?;
        match file.persist_noclobber(&target) {
            Ok(_) => Ok(true),
            Err(e) if e.error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(store(&target)(e.error)),
        }
    }

    pub fn replace(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let mut file = self.scratch()?;
        file.write_all(bytes).map_err(|e| Error::store(path, e))?;
        file.as_file().sync_data().map_err(|e| Error::store(path, e))?;
        self.put_file(path, file.into_temp_path())
    }

    /// Moves a file, which is on the disk already, to its name.
    pub fn put_file(&self, path: &str, file: tempfile::TempPath) -> Result<()> {
        let target = self.below(path)?;
        make_parent(&target)?;
        file.persist(&target).map(|_| ()).map_err(|e| store(&target)(e.error))?;
        readable(&target)
    }

    /// Links a file of this disk to a place; `false` where that cannot be.
    pub fn link(&self, from: &Path, path: &str) -> Result<bool> {
        let target = self.below(path)?;
        make_parent(&target)?;
        self.remove(path)?;
        Ok(fs::hard_link(from, &target).is_ok())
    }

    pub fn remove(&self, path: &str) -> Result<()> {
        let file = self.below(path)?;
        absent(&file, fs::remove_file(&file)).map(|_| ())
    }

    fn scratch(&self) -> Result<tempfile::NamedTempFile> {
        let staging = self.staging()?;
        let file =
            tempfile::NamedTempFile::new_in(staging.path()).map_err(store(staging.path()))?;
        readable(file.path())?;
        Ok(file)
    }

    /// This process's staging folder; made, and others' remains swept, at the first call.
    pub fn staging(&self) -> Result<Arc<Staging>> {
        let mut held = self.staging.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(staging) = &*held {
            return Ok(staging.clone());
        }
        let all = self.path.join(STAGING);
        // Another run that ends may remove the empty folder between the two calls.
        for _ in 0..100 {
            fs::create_dir_all(&all).map_err(store(&all))?;
            sweep(&all)?;
            let Ok(path) = tempfile::Builder::new().prefix("run-").tempdir_in(&all) else {
                continue;
            };
            let path = path.keep();
            let lock_path = path.with_extension("lock");
            let Ok(lock) = File::create(&lock_path) else { continue };
            match lock.try_lock() {
                Err(TryLockError::WouldBlock) => continue,
                // Some network file systems have no locks: nobody can then tell that this run is dead,
                // and what it leaves when it is killed stays in `.staging/`.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            if !lock_path.exists() {
                continue;
            }
            let staging = Arc::new(Staging { path, lock_path, lock });
            *held = Some(staging.clone());
            return Ok(staging);
        }
        Err(Error::store(all.display().to_string(), "cannot make a folder to stage files in"))
    }
}

/// Writes a file aside and moves it into place.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    make_parent(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(store(path))?;
    file.write_all(bytes).map_err(store(path))?;
    file.as_file().sync_data().map_err(store(path))?;
    readable(file.path())?;
    file.persist(path).map(|_| ()).map_err(|e| store(path)(e.error))
}

/// Writes what a person named as output: whole or not at all where that is a file (the one that a link leads to), as it
/// comes where it is a pipe or a device. No folder is made.
pub(super) fn write_out(path: &Path, bytes: &[u8]) -> Result<()> {
    let Some(found) = absent(path, fs::metadata(path))? else {
        return match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                Err(Error::store(path.to_string_lossy(), "there is no such folder"))
            }
            _ if path.is_symlink() => {
                Err(Error::store(path.to_string_lossy(), "it is a link that leads nowhere"))
            }
            _ => write_file(path, bytes),
        };
    };
    if found.is_file() {
        return write_file(&fs::canonicalize(path).map_err(store(path))?, bytes);
    }
    write_over(path, bytes).map(drop)
}

/// Writes over a file that is there.
pub(super) fn write_over(path: &Path, bytes: &[u8]) -> Result<bool> {
    let opened = fs::OpenOptions::new().write(true).truncate(true).open(path);
    let Some(mut file) = absent(path, opened)? else { return Ok(false) };
    file.write_all(bytes).map(|()| true).map_err(store(path))
}

/// Files made by `tempfile` are for their owner alone; data is for the team (0644).
fn readable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).map_err(store(path))
}

fn sweep(all: &Path) -> Result<()> {
    let Some(entries) = absent(all, fs::read_dir(all))? else { return Ok(()) };
    for entry in entries.filter_map(std::result::Result::ok) {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "lock") {
            if let Ok(lock) = File::open(&path)
                && lock.try_lock().is_ok()
            {
                let _ = fs::remove_dir_all(path.with_extension(""));
                let _ = fs::remove_file(&path);
            }
        } else if !path.with_extension("lock").exists() {
            // Its owner died between making the folder and making the lock, or is just there now:
            // an hour tells them apart.
            let old =
                entry.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
            if old.is_some_and(|age| age.as_secs() > 3600) {
                let _ = fs::remove_dir_all(&path);
            }
        }
    }
    Ok(())
}

pub(super) fn make_parent(target: &Path) -> Result<()> {
    match target.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(store(parent)),
        None => Ok(()),
    }
}

struct LocalFile {
    file: File,
    size: u64,
    name: String,
}

impl ReadAt for LocalFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(buffer, offset).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => Error::format(
                "file",
                format!("it ends before byte {}", offset + buffer.len() as u64),
            ),
            _ => Error::store(self.name.clone(), e),
        })
    }
}

/// Opens a local file for random access.
pub(super) fn open_file(path: &Path) -> Result<Arc<dyn ReadAt>> {
    let file = open_plain(path)?;
    let metadata = file.metadata().map_err(store(path))?;
    // A fifo or a device would block for ever, or never end.
    if !metadata.is_file() {
        return Err(Error::store(path.display().to_string(), "is not a regular file"));
    }
    Ok(Arc::new(LocalFile { file, size: metadata.len(), name: path.display().to_string() }))
}

/// Opens a scratch file for random access; it lives as long as the answer.
pub(super) fn open_scratch(file: File, name: String) -> Result<Arc<dyn ReadAt>> {
    let size = file.metadata().map_err(|e| Error::store(name.clone(), e))?.len();
    Ok(Arc::new(LocalFile { file, size, name }))
}

pub(super) fn open_plain(path: &Path) -> Result<File> {
    if fs::metadata(path).map_err(store(path))?.is_file() {
        File::open(path).map_err(store(path))
    } else {
        Err(Error::store(path.display().to_string(), "is not a regular file"))
    }
}
