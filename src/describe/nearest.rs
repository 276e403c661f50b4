//! What somebody may have meant.

/// The name that is nearest to what was written: at most a third of its letters away.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are short; what a user pastes may not be.
    if written.len() > 64 {
        return None;
    }
    let plain = |text: &str| text.replace('-', "_").to_lowercase();
    let written = plain(written);
    let most = written.chars().count().max(3) / 3;
    names
        .into_iter()
        .map(|name| (distance(&written, &plain(name)), name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let names = ["tile_px", "stride_px", "mpp", "min_tissue"];
        assert_eq!(nearest("tile_pxx", names), Some("tile_px"));
        assert_eq!(nearest("tile-px", names), Some("tile_px"));
        assert_eq!(nearest("mmp", names), Some("mpp"));
        assert_eq!(nearest("tliepx", names), Some("tile_px"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest(&"m".repeat(1_000_000), names), None);
    }

    #[test]
    fn distances_by_hand() {
        assert_eq!(distance("scan", "scan"), 0);
        assert_eq!(distance("sacn", "scan"), 1); // one swap
        assert_eq!(distance("tile", "tiles"), 1); // one insertion
        assert_eq!(distance("scan", "tile"), 4);
    }
}
