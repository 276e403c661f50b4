//! The background of a series, and how restless each of its pixels is.
//!
//! A series is made of *visits*: frames that follow each other within seconds, mostly of one animal. Each
//! visit has one voice, whatever its number of frames: the background is the median over the visits of the
//! median over each visit's frames. Else ten frames of a heron that stands would outvote four empty ones, and
//! the heron would be the background.

use super::foreground::widened;
use super::median::median;
use crate::error::{Error, Result};

/// What stands still.
#[derive(Clone, Debug, PartialEq)]
pub struct Still {
    /// The background, shaped as the frames are.
    pub background: Vec<u8>,
    /// Pixel by pixel, the median difference between the visits and the background (the channel that differs
    /// most), the largest of the nine around.
    pub spread: Vec<u8>,
}

/// The background of frames of one size. `visits` holds, for each visit, the places of its frames.
///
/// # Errors
/// [`Error::Bug`] for visits of frames that are not there, and as [`median`].
pub fn still(
    frames: &[&[u8]],
    visits: &[Vec<usize>],
    width: usize,
    channels: usize,
) -> Result<Still> {
    let mut voices = Vec::with_capacity(visits.len());
    for visit in visits {
        let of: Vec<&[u8]> = visit.iter().filter_map(|&at| frames.get(at).copied()).collect();
        if of.len() != visit.len() {
            return Err(Error::Bug { message: "a visit of frames that are not there".into() });
        }
        voices.push(match of.as_slice() {
            [one] => one.to_vec(),
            _ => median(&of)?,
        });
    }
    let of: Vec<&[u8]> = voices.iter().map(Vec::as_slice).collect();
    let background = median(&of)?;
    let apart: Vec<Vec<u8>> = voices
        .iter()
        .map(|voice| super::foreground::difference(voice, &background, channels))
        .collect();
    let apart: Vec<&[u8]> = apart.iter().map(Vec::as_slice).collect();
    Ok(Still { spread: widened(&median(&apart)?, width), background })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_visit_has_one_voice() {
        let (empty, heron) = ([50_u8; 4], [50, 200, 200, 50]);
        let mut frames: Vec<&[u8]> = vec![&heron; 10];
        frames.extend([&empty[..]; 4]);
        let visits = [(0..10).collect(), vec![10, 11], vec![12], vec![13]];
        let made = still(&frames, &visits, 2, 1).unwrap();
        assert_eq!(made.background, empty);
        assert_eq!(made.spread, [0; 4]);
        let one_visit = still(&frames, &[(0..14).collect()], 2, 1).unwrap();
        assert_eq!(one_visit.background, heron);
        assert!(still(&frames, &[vec![14]], 2, 1).is_err());
    }
}
