//! x
use super::*;
use crate::error::Result;
/// x
pub fn amounts(_: &Profile, _: bool, rgb: &[u8]) -> Result<Vec<Vec<u16>>> {
    Ok(vec![vec![0; rgb.len() / 3]; 3])
}
