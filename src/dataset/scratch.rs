//! Files in the making: written aside, hashed on the way, put in place by a rename.

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempPath};

use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};
use crate::manifest::ManifestReader;

/// A file in the making. Clones write to the same file; dropped unsealed, it leaves nothing.
#[derive(Clone)]
pub struct Scratch(Arc<Mutex<Inner>>);

struct Inner {
    file: BufWriter<NamedTempFile>,
    hasher: Hasher,
    length: u64,
}

/// A finished file, to be put in place by [`super::Root::put`].
pub struct Sealed {
    /// No open file: many may wait to be put in place.
    pub(super) file: TempPath,
    /// Bytes.
    pub length: u64,
    /// Digest of the bytes.
    pub digest: Digest,
}

impl Scratch {
    pub(super) fn new(file: NamedTempFile) -> Self {
        let file = BufWriter::with_capacity(1 << 20, file);
        Self(Arc::new(Mutex::new(Inner { file, hasher: Hasher::new(), length: 0 })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.inner().length
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`Error::Store`] when the disk is full; [`Error::Bug`] when a clone is still held.
    pub fn seal(self) -> Result<Sealed> {
        let inner = Arc::into_inner(self.0)
            .ok_or_else(|| Error::Bug { message: "a file was sealed while it was written".into() })?
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let digest = inner.hasher.finish();
        let file = inner.file.into_inner().map_err(|e| Error::store("scratch file", e.error()))?;
        // On the disk before it has its name: see `Folder::put_file`.
        file.as_file().sync_data().map_err(|e| Error::store("scratch file", e))?;
        Ok(Sealed { file: file.into_temp_path(), length: inner.length, digest })
    }
}

impl Sealed {
    /// Reads it as a manifest, before it is in its place.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Format`] when it is none.
    pub fn manifest(&self) -> Result<ManifestReader> {
        let path = self.file.to_path_buf();
        ManifestReader::new(move || Ok(Box::new(super::local::open_plain(&path)?)))
    }
}

impl Write for Scratch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.inner();
        let count = inner.file.write(bytes)?;
        inner.hasher.update(&bytes[..count]);
        inner.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner().file.flush()
    }
}
