//! Many look-ups at once.

/// Changes each sample by one table.
pub(in crate::pixels) fn look_up(table: &[u8; 256], samples: &mut [u8]) {
    for x in samples {
        *x = table[usize::from(*x)];
    }
}

/// Changes red, green and blue (interleaved) by a table each.
pub(in crate::pixels) fn look_up_three([r, g, b]: [&[u8; 256]; 3], rgb: &mut [u8]) {
    for pixel in rgb.as_chunks_mut::<3>().0 {
        *pixel = [r[usize::from(pixel[0])], g[usize::from(pixel[1])], b[usize::from(pixel[2])]];
    }
}
