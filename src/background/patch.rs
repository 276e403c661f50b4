//! What a patch of a stained slide shows: glass, ink of a pen, tissue.
//!
//! Hematoxylin and eosin leave green the darkest channel, DAB leaves blue the darkest. What is greener than it
//! is red and blue, or bluer than red by far with green above red, no such stain is: it is ink. What is bright
//! and hardly coloured is glass. What is nearly black and hardly coloured is black ink, or a fold.

/// Shares of a patch, 0–1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Bright and hardly coloured.
    pub glass: f64,
    /// Of the colour of ink.
    pub pen: f64,
    /// The rest.
    pub tissue: f64,
}

/// Counts the pixels of an RGB patch. `glass_level` is the least level of the darkest channel of glass.
pub fn shares(pixels: &[u8], glass_level: u8) -> Shares {
    let (mut glass, mut pen) = (0_u64, 0_u64);
    let (pixels, _) = pixels.as_chunks::<3>();
    for &[r, g, b] in pixels {
        let (r, g, b) = (i16::from(r), i16::from(g), i16::from(b));
        let (low, high) = (r.min(g).min(b), r.max(g).max(b));
        let green = g - r >= 20 && g - b >= 8;
        let blue = b - r >= 40 && g - r >= 8;
        let black = high <= 60 && high - low <= 20;
        if green || blue || black {
            pen += 1;
        } else if low >= i16::from(glass_level) {
            glass += 1;
        }
    }
    let all = pixels.len().max(1) as f64;
    let share = |n: u64| n as f64 / all;
    Shares {
        glass: share(glass),
        pen: share(pen),
        tissue: share(pixels.len() as u64 - glass - pen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pixel_is_one_of_three() {
        let glass = [240, 238, 242];
        let (eosin, nucleus, dab) = ([220, 120, 170], [90, 60, 140], [120, 80, 50]);
        let (green, blue, black) = ([60, 140, 90], [40, 70, 160], [20, 22, 25]);
        let all = [glass, eosin, nucleus, dab, green, blue, black, glass].concat();
        assert_eq!(shares(&all, 200), Shares { glass: 0.25, pen: 0.375, tissue: 0.375 });
    }
}
