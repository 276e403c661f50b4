//! What a step is given, by grain.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::entry::AnyInput;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::Column;
use crate::slide::memory::Bytes;
use crate::slide::{self, Limits, ReadAt, Slide};

/// What a step works on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// A list of files, which becomes the first manifest.
    Listing,
    /// One image: a slide, a photo, a patch.
    Image,
}

impl Grain {
    /// As in the README's table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Image => "image",
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Source {}
    impl Sealed for super::Listing {}
}

/// The input of a step. Sealed: the grains are the engine's to know.
pub trait Input: sealed::Sealed + Sized {
    /// The grain that this type stands for.
    const GRAIN: Grain;

    /// Takes itself out of the engine's envelope.
    ///
    /// # Errors
    /// [`Error::Bug`] when the engine mixed up grains.
    fn from_any(input: AnyInput) -> Result<Self>;
}

/// One image: its bytes, its digest and the columns that the step reads. Neither name nor place.
pub struct Source {
    bytes: Arc<dyn ReadAt>,
    digest: Digest,
    columns: BTreeMap<String, Value>,
    limits: Limits,
}

impl Source {
    /// An image whose bytes were found to have this digest.
    pub fn new(
        bytes: Arc<dyn ReadAt>,
        digest: Digest,
        columns: BTreeMap<String, Value>,
        limits: Limits,
    ) -> Self {
        Self { bytes, digest, columns, limits }
    }

    /// An image in memory, no columns, default limits: for tests and small tools.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        let digest = Digest::of(&bytes);
        Self::new(Arc::new(Bytes(bytes)), digest, BTreeMap::new(), Limits::default())
    }

    /// The same with the value of a column that the step reads.
    #[must_use]
    pub fn with_column(mut self, name: &str, value: Value) -> Self {
        self.columns.insert(name.into(), value);
        self
    }

    /// The bytes.
    pub fn bytes(&self) -> &Arc<dyn ReadAt> {
        &self.bytes
    }

    /// Digest of the bytes: the only identity that a step may see (seeds come from it).
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Limits that the operator set.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Value of a column that the step declared in `READS`; null where the manifest has none.
    pub fn column(&self, column: &Column) -> &Value {
        self.columns.get(column.name).unwrap_or(&Value::Null)
    }

    /// Opens the image as a slide (a photo is a slide of one level).
    ///
    /// # Errors
    /// As [`slide::open`].
    pub fn slide(&self) -> Result<Box<dyn Slide>> {
        slide::open(self.bytes.clone(), self.limits)
    }
}

impl Input for Source {
    const GRAIN: Grain = Grain::Image;

    fn from_any(input: AnyInput) -> Result<Self> {
        match input {
            AnyInput::Source(source) => Ok(source),
            AnyInput::Listing(_) => {
                Err(Error::Bug { message: "a listing came to an image step".into() })
            }
        }
    }
}

/// Files that were found and hashed.
pub struct Listing {
    /// In the order of their ids.
    pub files: Vec<Listed>,
    /// Limits that the operator set.
    pub limits: Limits,
}

/// One file of a listing.
pub struct Listed {
    /// Path below the folder that was listed, with `/`; or the `id` of a list.
    pub id: String,
    /// Absolute path or URL.
    pub path: String,
    /// Bytes.
    pub length: u64,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Columns that the user's list gave for it (`label`, `group`, …).
    pub given: BTreeMap<String, String>,
    /// Opens the bytes.
    pub open: Box<dyn Fn() -> Result<Arc<dyn ReadAt>> + Send + Sync>,
}

impl Input for Listing {
    const GRAIN: Grain = Grain::Listing;

    fn from_any(input: AnyInput) -> Result<Self> {
        match input {
            AnyInput::Listing(listing) => Ok(listing),
            AnyInput::Source(_) => {
                Err(Error::Bug { message: "an image came to a listing step".into() })
            }
        }
    }
}
