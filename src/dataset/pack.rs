//! Packs: tars of items that are also valid WebDataset shards.
//!
//! Plain ustar with fixed metadata (mode 0644, no owner, time 0), so that the bytes of a pack are a
//! function of its members alone. A member is named `<unit>_<name>`: keys stay unique over all
//! packs of a dataset, as WebDataset wants them, and its bytes can be read straight from the offset
//! in the manifest.

use std::io::Write;

use super::scratch::{Scratch, Sealed};
use crate::error::{Error, Result};

const BLOCK: u64 = 512;

pub(super) struct PackWriter {
    file: Scratch,
}

impl PackWriter {
    pub fn new(file: Scratch) -> Self {
        Self { file }
    }

    /// Bytes so far, without the end mark.
    pub fn position(&self) -> u64 {
        self.file.length()
    }

    /// Appends a member; gives the offset of its bytes.
    pub fn append(&mut self, name: &str, bytes: &[u8]) -> Result<u64> {
        let mut header = tar::Header::new_ustar();
        header
            .set_path(name)
            .map_err(|e| Error::Bug { message: format!("pack member {name:?}: {e}") })?;
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.write(header.as_bytes())?;
        let offset = self.position();
        self.write(bytes)?;
        let tail = (BLOCK - self.position() % BLOCK) % BLOCK;
        self.write(&[0; BLOCK as usize][..tail as usize])?;
        Ok(offset)
    }

    /// Writes the end mark and seals the file.
    pub fn finish(mut self) -> Result<Sealed> {
        self.write(&[0; 2 * BLOCK as usize])?;
        self.file.seal()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::store("pack", e))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::digest::Digest;

    #[test]
    fn members_lie_where_the_offsets_say_and_tar_reads_them() {
        let mut pack = PackWriter::new(Scratch::new(tempfile::NamedTempFile::new().unwrap()));
        let members: Vec<(String, Vec<u8>)> =
            (0..5).map(|n| (format!("u_{n}.png"), vec![n as u8; 300 * n])).collect();
        let offsets: Vec<u64> =
            members.iter().map(|(name, bytes)| pack.append(name, bytes).unwrap()).collect();
        let Sealed { file, length, digest } = pack.finish().unwrap();
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(bytes.len() as u64, length);
        assert_eq!(Digest::of(&bytes), digest);
        for ((_, member), offset) in members.iter().zip(offsets) {
            assert_eq!(&bytes[offset as usize..][..member.len()], member);
        }
        let mut archive = tar::Archive::new(&bytes[..]);
        for (entry, (name, member)) in archive.entries().unwrap().zip(&members) {
            let mut entry = entry.unwrap();
            assert_eq!(entry.path().unwrap().to_str().unwrap(), name);
            let mut read = Vec::new();
            entry.read_to_end(&mut read).unwrap();
            assert_eq!(&read, member);
        }
    }
}
