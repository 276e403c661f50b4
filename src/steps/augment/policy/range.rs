//! What a number of a policy may be.

use crate::random::Stream;

/// The name of a stream.
pub fn stream(text: &str, _: &()) -> garde::Result {
    match Stream::from_key_text(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(garde::Error::new(error.to_string())),
    }
}

/// The bounds of a range, in order.
pub fn ordered<T: PartialOrd + std::fmt::Display>(range: &[T; 2], _: &()) -> garde::Result {
    let [low, high] = range;
    if low <= high {
        return Ok(());
    }
    Err(garde::Error::new(format!("[{low}, {high}] is no range: the lower bound comes first")))
}

/// Odd sizes only.
pub fn odd(range: &[u32; 2], _: &()) -> garde::Result {
    if range.iter().all(|size| size % 2 == 1) {
        return Ok(());
    }
    Err(garde::Error::new("the size of a window is odd"))
}
