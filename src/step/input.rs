//! What a step is given, by grain.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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
    /// The images that share a group: a slide's patches, a burst.
    Group,
    /// All rows of a manifest.
    Manifest,
}

/// Which items of a manifest make one group, for a step of grain [`Grain::Group`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Each item alone.
    Item,
    /// The patches of one slide: items with the same `tile.source_id`, or, where there is none, with
    /// the same `group`; an item that has neither is a slide of its own.
    Slide,
    /// The photos of one camera with no long pause between them.
    Series {
        /// What tells one camera from another.
        camera: Camera,
        /// Two photos of a camera that are further apart in time than this, in seconds, lie in two series.
        /// Photos of unknown time are a series of their own, camera by camera.
        gap_s: u32,
        /// A longer series is cut, in the order of time, into parts of about equal length of at most this
        /// many photos.
        most: u32,
    },
}

/// What tells one camera from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Camera {
    /// The column `group` where it is filled, else the folder with what EXIF says of the body.
    Auto,
    /// The column `group`; photos without one are alone.
    Group,
    /// The folder that holds the photo.
    Folder,
    /// Maker, model and serial number in EXIF; photos without any are alone.
    Exif,
}

impl Grain {
    /// As in the README's table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Image => "image",
            Self::Group => "group",
            Self::Manifest => "manifest",
        }
    }
}

pub(super) mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Source {}
    impl Sealed for super::Listing {}
    impl Sealed for super::Group {}
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
    companions: BTreeMap<&'static str, Arc<dyn ReadAt>>,
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
        Self { bytes, digest, columns, companions: BTreeMap::new(), limits }
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

    /// The same with the file that a column of [`super::Step::COMPANIONS`] names.
    #[must_use]
    pub fn with_companion(mut self, column: &Column, bytes: Arc<dyn ReadAt>) -> Self {
        self.companions.insert(column.name, bytes);
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

    /// The file that goes with the image by this column (a mask), where the manifest names one.
    pub fn companion(&self, column: &Column) -> Option<&Arc<dyn ReadAt>> {
        self.companions.get(column.name)
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
            _ => Err(Error::Bug { message: "an image step was given something else".into() }),
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
            _ => Err(Error::Bug { message: "a listing step was given something else".into() }),
        }
    }
}

/// The images of one group, in the order of their digests: neither names nor the order of rows can
/// change what is made of them.
pub struct Group {
    /// At least one.
    pub members: Vec<Member>,
    /// What they are.
    pub of: Of,
}

/// What the members of a group are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Items of the manifest.
    Items,
    /// What the step left ([`super::Out::leave`]) for each group of a whole manifest: now they are put
    /// together.
    Left,
}

/// One image of a group.
pub struct Member {
    digest: Digest,
    limits: Limits,
    columns: BTreeMap<String, Value>,
    open: Box<dyn Fn() -> Result<Arc<dyn ReadAt>> + Send + Sync>,
}

impl Member {
    /// A member whose bytes `open` gives, held to their digest.
    pub fn new(
        digest: Digest,
        columns: BTreeMap<String, Value>,
        limits: Limits,
        open: Box<dyn Fn() -> Result<Arc<dyn ReadAt>> + Send + Sync>,
    ) -> Self {
        Self { digest, limits, columns, open }
    }

    /// Digest of its bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Value of a column that the step declared in `READS`; null where the manifest has none.
    pub fn column(&self, column: &Column) -> &Value {
        self.columns.get(column.name).unwrap_or(&Value::Null)
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`Error::Store`] when it is gone; [`Error::Format`] when its bytes are not those of its digest.
    pub fn source(&self) -> Result<Source> {
        Ok(Source::new((self.open)()?, self.digest, self.columns.clone(), self.limits))
    }
}

impl Input for Group {
    const GRAIN: Grain = Grain::Group;

    fn from_any(input: AnyInput) -> Result<Self> {
        match input {
            AnyInput::Group(group) => Ok(group),
            _ => Err(Error::Bug { message: "a group step was given something else".into() }),
        }
    }
}
