//! Records: why outputs exist. A [`Record`] is the cache entry and the lineage at once.
//!
//! The key of a record is the BLAKE3 of the RFC 8785 text of its [`Cause`]:
//! `{"cause":1,"columns":{…},"input":"<digest>","steps":[{"params":{…},"step":"tile","version":"1.0.0"}]}`.
//! What is not in the cause cannot have changed the outputs: no path, no URL, no id, no time, no
//! host, no thread count. `made_by` says which build wrote the record and stands outside the key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::error::{Error, Result};

/// Version of the cause's own shape: the `cause` field.
pub const CAUSE_VERSION: u32 = 1;

/// Name of the one output of a group whose items stay as they are; it has no file, its facts are those
/// of all its items, and its digest is that of the group.
pub const KEPT: &str = "items";
/// The same, where the facts of all groups together stand over its own.
pub const KEPT_JOINED: &str = "items-joined";
/// Name, behind its place in the group, of a member that stays as it is: `000012_kept`. It has no file,
/// facts of its own, and the digest of the item.
pub const KEPT_MEMBER: &str = "kept";
/// The same of a member that goes no further.
pub const DROPPED_MEMBER: &str = "dropped";
/// Name of the one output of a step over a whole manifest. It has no file; its length is the number of rows that
/// went on, its digest that of what the step said of each row, its facts what it says of the whole.
pub const WHOLE: &str = "rows";
/// How the names of previews begin that are no pictures but go with an item, as its mask does.
pub const BESIDE: &str = "beside-";
/// How the names of previews begin that are no pictures but wait for all groups to be put together.
pub const LEFT: &str = "left-";

/// One step of a chain, as keyed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepCause {
    /// The step's name.
    pub step: String,
    /// The step's own version.
    pub version: String,
    /// All params, defaults filled in, files inlined.
    pub params: Value,
}

/// All that may have changed an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// [`CAUSE_VERSION`].
    pub cause: u32,
    /// The chain of steps that ran fused; mostly one.
    pub steps: Vec<StepCause>,
    /// Digest of the unit's bytes, or of the ordered item digests of a group or listing.
    pub input: Digest,
    /// Values of the manifest columns that the chain reads; for a pack or group, one value where all its
    /// items have the same, else the list of theirs.
    pub columns: BTreeMap<String, Value>,
}

impl Cause {
    /// The cause of a chain over one input.
    pub fn new(steps: Vec<StepCause>, input: Digest, columns: BTreeMap<String, Value>) -> Self {
        Self { cause: CAUSE_VERSION, steps, input, columns }
    }

    /// The key: BLAKE3 of the canonical JSON.
    ///
    /// # Errors
    /// [`Error::Params`] when a param or column cannot be carried by JSON exactly.
    pub fn key(&self) -> Result<Digest> {
        Digest::of_json(self)
    }

    /// `<unit>@<key12>`: the name under which the outputs of this cause are stored.
    ///
    /// `<unit>` is the first 12 digits of the input's digest, not the item's id: a renamed file then
    /// keeps its outputs where they are, and two shards that hold the same bytes under two names
    /// cannot disagree. Who wants to know which slide it was reads the manifest.
    ///
    /// # Errors
    /// As [`Cause::key`].
    pub fn place(&self) -> Result<String> {
        Ok(format!("{}@{}", self.input.short(), self.key()?.short()))
    }
}

/// One thing that a step made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Name within the unit, unique there (`x1024_y2048.jpg`). Ids of new items end in it.
    pub name: String,
    /// File under the dataset's root; `None` for outputs that are rows only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where the item starts in a pack; `None` for a whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Bytes.
    pub length: u64,
    /// Digest of exactly these bytes.
    pub digest: Digest,
    /// `image/png`, `image/jpeg`, ….
    pub media_type: String,
    /// Columns of the image, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width_px: Option<u32>,
    /// Rows of the image, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_px: Option<u32>,
    /// What the step says about it, by the fact's short name (`x_px`), in the step's own types.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub facts: serde_json::Map<String, Value>,
}

/// Which build wrote a record. Never part of the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeBy {
    /// Version of the microtome crate.
    pub microtome: String,
}

impl MadeBy {
    /// This build.
    pub fn this_build() -> Self {
        Self { microtome: env!("CARGO_PKG_VERSION").to_string() }
    }
}

/// Why some outputs exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What they were made from.
    pub cause: Cause,
    /// The outputs, in the step's order. Empty is an answer too ("no tissue").
    pub outputs: Vec<Output>,
    /// Pictures and tables for people, not read by later steps; and files that are no items but go with
    /// one ([`BESIDE`]) or wait for the other groups ([`LEFT`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previews: Vec<Output>,
    /// Digests of packs, whole: (path, bytes, digest).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<PackFile>,
    /// The build that wrote it.
    pub made_by: MadeBy,
}

/// How a record's file ends: `,"seal":"<digest of all bytes before>"}`. It is no secret and no
/// signature; it tells a file that a disk or an editor changed.
const SEAL: &str = ",\"seal\":\"";
/// Bytes of the ending.
const SEAL_BYTES: usize = SEAL.len() + 64 + 2;

/// The text of a record's file before its seal, if that holds.
fn sealed<'a>(key: &Digest, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let changed =
        || Error::format(name(key), "its bytes are not those that were sealed: it was changed");
    let at = bytes.len().checked_sub(SEAL_BYTES).ok_or_else(changed)?;
    let (body, seal) = bytes.split_at(at);
    if seal != format!("{SEAL}{}\"}}", Digest::of(body)).as_bytes() {
        return Err(changed());
    }
    Ok(body)
}

/// A pack as a whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackFile {
    /// File under the dataset's root.
    pub path: String,
    /// Bytes.
    pub length: u64,
    /// Digest of the whole file.
    pub digest: Digest,
}

/// What a record says of files, and nothing of facts: enough to see whether everything is there, and
/// several times faster to read than a [`Record`].
#[derive(Debug, Clone, PartialEq)]
pub struct Outline<'a> {
    /// Whole files under the dataset's root, previews among them, and their bytes.
    pub files: Vec<(Cow<'a, str>, u64)>,
    /// Packs.
    pub packs: Vec<PackFile>,
    /// Number of items.
    pub items: u64,
    /// Bytes of all items.
    pub bytes: u64,
}

impl<'a> Outline<'a> {
    /// Reads the outline of a record and holds it to its name.
    ///
    /// # Errors
    /// As [`Record::from_bytes`].
    pub fn from_bytes(key: &Digest, bytes: &'a [u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Held<'b> {
            #[serde(borrow, default)]
            path: Option<Cow<'b, str>>,
            #[serde(default)]
            offset: Option<u64>,
            length: u64,
        }
        #[derive(Deserialize)]
        struct Text<'b> {
            cause: Cause,
            #[serde(borrow)]
            outputs: Vec<Held<'b>>,
            #[serde(borrow, default)]
            previews: Vec<Held<'b>>,
            #[serde(default)]
            packs: Vec<PackFile>,
        }
        sealed(key, bytes)?;
        let text: Text<'a> =
            serde_json::from_slice(bytes).map_err(|e| Error::format(name(key), e.to_string()))?;
        hold(key, &text.cause)?;
        let (items, bytes) =
            (text.outputs.len() as u64, text.outputs.iter().map(|held| held.length).sum());
        let whole = |held: Held<'a>| match held.offset {
            None => held.path.map(|path| (path, held.length)),
            Some(_) => None,
        };
        let files = text.outputs.into_iter().chain(text.previews).filter_map(whole).collect();
        Ok(Self { files, packs: text.packs, items, bytes })
    }
}

fn name(key: &Digest) -> String {
    format!("record {}", key.short())
}

/// Holds a cause to the key under which it was found.
fn hold(key: &Digest, cause: &Cause) -> Result<()> {
    if cause.cause != CAUSE_VERSION {
        return Err(Error::format(name(key), format!("cause version {} is unknown", cause.cause)));
    }
    if cause.key()? != *key {
        return Err(Error::format(
            name(key),
            format!(
                "its cause does not hash to its name: it was changed; delete {} and run again",
                Record::path(key)
            ),
        ));
    }
    Ok(())
}

impl Record {
    /// The bytes of the record's file: canonical JSON, sealed, so that equal records are equal files.
    ///
    /// # Errors
    /// [`Error::Params`] when a fact cannot be carried by JSON exactly.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut text = crate::digest::canonical_json(self)?;
        text.pop();
        let seal = Digest::of(text.as_bytes());
        text.push_str(&format!("{SEAL}{seal}\"}}"));
        Ok(text.into_bytes())
    }

    /// Reads a record and holds it to its name.
    ///
    /// # Errors
    /// [`Error::Format`] when the text is no record, was changed since it was sealed, or its cause does
    /// not hash to `key`.
    pub fn from_bytes(key: &Digest, bytes: &[u8]) -> Result<Self> {
        let text = [sealed(key, bytes)?, b"}"].concat();
        let record: Self =
            serde_json::from_slice(&text).map_err(|e| Error::format(name(key), e.to_string()))?;
        hold(key, &record.cause)?;
        Ok(record)
    }

    /// What the record's files are, without their facts.
    pub fn outline(&self) -> Outline<'_> {
        Outline {
            files: self
                .outputs
                .iter()
                .chain(&self.previews)
                .filter(|output| output.offset.is_none())
                .filter_map(|output| Some((output.path.as_deref()?.into(), output.length)))
                .collect(),
            packs: self.packs.clone(),
            items: self.outputs.len() as u64,
            bytes: self.outputs.iter().map(|o| o.length).sum(),
        }
    }

    /// Where records of this key are stored under a dataset's root.
    pub fn path(key: &Digest) -> String {
        format!("records/{key}.json")
    }
}
