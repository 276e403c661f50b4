//! The outputs of one unit: written aside, committed whole.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::pack::PackWriter;
use super::scratch::Sealed;
use super::{Place, Root, local, remote};
use crate::error::{Error, Result};
use crate::record::PackFile;

/// Where an output will lie once the unit is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// File below the root.
    pub path: String,
    /// First byte in it, for a pack.
    pub offset: Option<u64>,
}

/// Outputs on their way: `items/<place>/…` or `packs/<place>.tar`, and `previews/<place>/…`.
/// Dropped without [`UnitStage::commit`], it leaves nothing behind.
pub struct UnitStage {
    root: Root,
    place: String,
    pack_bytes: Option<u64>,
    pack: Option<PackWriter>,
    packs: Vec<(String, Sealed)>,
    pack_files: Vec<PackFile>,
    names: HashSet<String>,
    loose: Loose,
}

enum Loose {
    /// A folder of staged files, below it `items/` and `previews/`.
    Local { staged: tempfile::TempDir, made: HashSet<&'static str> },
    /// Objects on their way up.
    Remote(remote::Uploads),
}

impl UnitStage {
    pub(super) fn new(root: Root, place: &str, pack_bytes: Option<u64>) -> Result<Self> {
        let loose = match &root.place {
            Place::Local(folder) => {
                let staged = tempfile::tempdir_in(folder.staging()?.path())
                    .map_err(|e| Error::store(root.uri(), e))?;
                Loose::Local { staged, made: HashSet::new() }
            }
            Place::Remote(prefix) => Loose::Remote(prefix.uploads()),
        };
        Ok(Self {
            root,
            place: place.to_string(),
            pack_bytes,
            pack: None,
            packs: Vec::new(),
            pack_files: Vec::new(),
            names: HashSet::new(),
            loose,
        })
    }

    /// Takes an item.
    ///
    /// # Errors
    /// [`Error::Bug`] when the name is not a plain file name or was used; [`Error::Store`].
    pub fn item(&mut self, name: &str, bytes: &[u8]) -> Result<Placed> {
        self.claim(format!("item {name}"), name)?;
        let Some(most) = self.pack_bytes else { return self.loose("items", name, bytes) };
        if self.pack.as_ref().is_some_and(|p| p.position() + bytes.len() as u64 > most) {
            self.close_pack()?;
        }
        if self.pack.is_none() {
            self.pack = Some(PackWriter::new(self.root.scratch()?));
        }
        let unit = self.place.split('@').next().unwrap_or_default();
        let member = format!("{unit}_{name}");
        let path = self.pack_path();
        let Some(pack) = &mut self.pack else {
            return Err(Error::Bug { message: "no pack is open".into() });
        };
        Ok(Placed { path, offset: Some(pack.append(&member, bytes)?) })
    }

    /// Takes a file that goes with an item. It is loose whatever the layout: a column names it.
    ///
    /// # Errors
    /// As [`UnitStage::item`].
    pub fn companion(&mut self, name: &str, bytes: &[u8]) -> Result<Placed> {
        self.claim(format!("item {name}"), name)?;
        self.loose("items", name, bytes)
    }

    /// Takes a picture for people.
    ///
    /// # Errors
    /// As [`UnitStage::item`].
    pub fn preview(&mut self, name: &str, bytes: &[u8]) -> Result<Placed> {
        self.claim(format!("preview {name}"), name)?;
        self.loose("previews", name, bytes)
    }

    fn claim(&mut self, entry: String, name: &str) -> Result<()> {
        let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        if plain && self.names.insert(entry) {
            Ok(())
        } else {
            Err(Error::Bug {
                message: format!("output name {name:?} is not plain, or was used before"),
            })
        }
    }

    fn pack_path(&self) -> String {
        match self.pack_files.len() {
            0 => format!("packs/{}.tar", self.place),
            n => format!("packs/{}.part-{n:05}.tar", self.place),
        }
    }

    fn close_pack(&mut self) -> Result<()> {
        if let Some(pack) = self.pack.take() {
            let path = self.pack_path();
            let sealed = pack.finish()?;
            let (length, digest) = (sealed.length, sealed.digest);
            self.pack_files.push(PackFile { path: path.clone(), length, digest });
            self.packs.push((path, sealed));
        }
        Ok(())
    }

    fn loose(&mut self, kind: &'static str, name: &str, bytes: &[u8]) -> Result<Placed> {
        let path = format!("{kind}/{}/{name}", self.place);
        match &mut self.loose {
            Loose::Local { staged, made } => {
                let folder = staged.path().join(kind);
                if made.insert(kind) {
                    fs::create_dir(&folder).map_err(|e| Error::store(self.root.uri(), e))?;
                }
                fs::write(folder.join(name), bytes)
                    .map_err(|e| Error::store(self.root.uri(), e))?;
            }
            Loose::Remote(uploads) => uploads.put(&path, bytes)?,
        }
        Ok(Placed { path, offset: None })
    }

    /// Moves everything into place. Files that are there already are replaced: without a record
    /// they prove nothing, and with one the caller has compared what it says.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn commit(mut self) -> Result<Vec<PackFile>> {
        self.close_pack()?;
        for (path, sealed) in self.packs.drain(..) {
            self.root.put(&path, sealed)?;
        }
        match &mut self.loose {
            Loose::Local { staged, made } => {
                let Place::Local(folder) = &self.root.place else { return Ok(self.pack_files) };
                for kind in made.iter() {
                    let target = folder.below(&format!("{kind}/{}", self.place))?;
                    settle(&staged.path().join(kind), &target)?;
                }
            }
            Loose::Remote(uploads) => uploads.finish()?,
        }
        Ok(self.pack_files)
    }
}

/// One rename for the whole folder; file by file where the folder is there already.
fn settle(staged: &Path, target: &PathBuf) -> Result<()> {
    let failed = |e| Error::store(target.display().to_string(), e);
    local::make_parent(target)?;
    match fs::rename(staged, target) {
        Ok(()) => return Ok(()),
        Err(e) if matches!(e.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => {}
        Err(e) => return Err(failed(e)),
    }
    for entry in fs::read_dir(staged).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        fs::rename(entry.path(), target.join(entry.file_name())).map_err(failed)?;
    }
    Ok(())
}
