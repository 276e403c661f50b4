//! What a number of a policy may be.

/// Largest `key` of a recorded op: JSON carries it exactly.
pub const KEY_MAX: u64 = (1 << 53) - 1;

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
