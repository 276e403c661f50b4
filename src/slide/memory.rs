//! A file that is already in memory.

use super::ReadAt;
use crate::error::{Error, Result};

/// Bytes that are read like a file.
pub struct Bytes(pub Vec<u8>);

impl ReadAt for Bytes {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let part = usize::try_from(offset)
            .ok()
            .and_then(|at| self.0.get(at..at.checked_add(buffer.len())?))
            .ok_or_else(|| {
                let end = self.0.len();
                Error::format("file", format!("bytes at {offset} lie past its end ({end} bytes)"))
            })?;
        buffer.copy_from_slice(part);
        Ok(())
    }
}
