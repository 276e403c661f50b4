//! One-dimensional curves of a profile: `curv` and `para`.

use super::read::{Bytes, fixed};

/// A function of 0–1 to 0–1.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Curve {
    /// y = x.
    Identity,
    /// y = x^γ.
    Gamma(f64),
    /// Samples at equal distances, straight lines between them; at least two.
    Table(Vec<f64>),
    /// y = (a·x + b)^γ + e where x ≥ d, else c·x + f.
    Parametric([f64; 7]),
}

/// Most samples of a curve.
const SAMPLES: usize = 1 << 16;

impl Curve {
    /// Reads a curve and says how many bytes it took.
    pub(super) fn read(bytes: Bytes<'_>) -> Option<(Self, usize)> {
        match bytes.get(..4)? {
            b"curv" => {
                let count = bytes.u32(8)? as usize;
                if count > SAMPLES {
                    return None;
                }
                let stored = bytes.get(12..12 + 2 * count)?;
                let mut values = stored.chunks_exact(2).map(|v| u16::from_be_bytes([v[0], v[1]]));
                let curve = match count {
                    0 => Self::Identity,
                    // A lone number is γ in 8.8 fixed point.
                    1 => Self::gamma(f64::from(values.next()?) / 256.0)?,
                    _ => Self::Table(values.map(|v| f64::from(v) / 65_535.0).collect()),
                };
                Some((curve, 12 + 2 * count))
            }
            b"para" => {
                let kind = bytes.u16(8)?;
                let count = *[1, 3, 4, 5, 7].get(usize::from(kind))?;
                let mut p = [0.0; 7];
                for (at, p) in p.iter_mut().take(count).enumerate() {
                    *p = fixed(bytes.u32(12 + 4 * at)?);
                }
                let [g, a, b, c, d, e, f] = p;
                let curve = match kind {
                    0 => Self::gamma(g)?,
                    1 | 2 if a == 0.0 => return None,
                    1 => Self::Parametric([g, a, b, 0.0, -b / a, 0.0, 0.0]),
                    2 => Self::Parametric([g, a, b, 0.0, -b / a, c, c]),
                    3 => Self::Parametric([g, a, b, c, d, 0.0, 0.0]),
                    _ => Self::Parametric([g, a, b, c, d, e, f]),
                };
                Some((curve, 12 + 4 * count))
            }
            _ => None,
        }
    }

    fn gamma(exponent: f64) -> Option<Self> {
        match exponent {
            1.0 => Some(Self::Identity),
            g if g > 0.0 => Some(Self::Gamma(g)),
            _ => None,
        }
    }

    /// The curve at `x`, both bounded to 0–1.
    pub(super) fn at(&self, x: f64) -> f64 {
        let x = bounded(x);
        match self {
            Self::Identity => x,
            Self::Gamma(g) => libm::pow(x, *g),
            Self::Table(values) => table(values, x),
            Self::Parametric([g, a, b, c, d, e, f]) => bounded(match x >= *d {
                true => libm::pow((a * x + b).max(0.0), *g) + e,
                false => c * x + f,
            }),
        }
    }
}

/// Straight lines between samples at equal distances over 0–1.
pub(super) fn table(values: &[f64], x: f64) -> f64 {
    let place = bounded(x) * values.len().saturating_sub(1) as f64;
    let below = place as usize;
    let low = values.get(below).copied().unwrap_or(0.0);
    let high = values.get(below + 1).copied().unwrap_or(low);
    low + (high - low) * (place - below as f64)
}

/// Within 0–1; what is no number is 0.
pub(super) fn bounded(x: f64) -> f64 {
    if x > 0.0 { x.min(1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &[u8; 4], rest: &[u8]) -> Option<(Curve, usize)> {
        Curve::read(Bytes(&[kind, &[0; 4][..], rest].concat()))
    }

    #[test]
    fn curves_by_hand() {
        assert_eq!(read(b"curv", &[0, 0, 0, 0]), Some((Curve::Identity, 12)));
        assert_eq!(read(b"curv", &[0, 0, 0, 1, 2, 0x80]), Some((Curve::Gamma(2.5), 14)));
        let (table, length) = read(b"curv", &[0, 0, 0, 3, 0, 0, 0x33, 0x33, 0xFF, 0xFF]).unwrap();
        assert_eq!(length, 18);
        assert_eq!((table.at(0.5), table.at(0.25), table.at(1.0)), (0.2, 0.1, 1.0));
        // γ = 2, a = 0.5, b = 0.25, c = 0.125, d = 0.5: the parts meet at 0.5, 0.25 and 0.0625.
        let p =
            [0, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0x80, 0, 0, 0, 0x40, 0, 0, 0, 0x20, 0, 0, 0, 0x80, 0];
        let (curve, length) = read(b"para", &p).unwrap();
        assert_eq!(length, 32);
        assert_eq!((curve.at(0.25), curve.at(0.5), curve.at(1.0)), (0.03125, 0.25, 0.5625));
        assert_eq!((curve.at(-1.0), curve.at(9.0), curve.at(f64::NAN)), (0.0, 0.5625, 0.0));
    }

    #[test]
    fn nonsense_is_no_curve() {
        assert_eq!(read(b"curv", &[0, 0, 0, 2, 0, 0]), None, "cut off");
        assert_eq!(read(b"curv", &[0xFF; 8]), None, "too many samples");
        assert_eq!(read(b"curv", &[0, 0, 0, 1, 0, 0]), None, "γ = 0");
        assert_eq!(read(b"para", &[0, 5, 0, 0, 0, 0]), None, "an unknown kind");
        assert_eq!(read(b"para", &[[0, 1, 0, 0].as_slice(), &[0; 12]].concat()), None, "a = 0");
        assert_eq!(read(b"text", &[0; 20]), None);
    }
}
