//! Random numbers that depend on what is drawn for, never on order: a counter-based generator.
//!
//! # Definition
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as
//! 1, 2, 3*, SC 2011, doi:10.1145/2063384.2063405): a bijection of 128-bit counters under a 64-bit key.
//! A [`Stream`] is named by 16 bytes: the first 8 are the key (two little-endian words), the last 8 the
//! upper half of the counter; the lower half counts blocks of four words from 0. Word `n` of a stream
//! is word `n mod 4` of block `n / 4`, so any word can be had without those before it.
//!
//! [`Stream::of`] takes the 16 bytes from the front of the BLAKE3 digest of
//! `"microtome random 1" ‖ seed (8 bytes) ‖ item's digest (32) ‖ copy (4) ‖ op (4)`, integers
//! little-endian. What one op of one copy of one item draws is thus the same whatever else is drawn,
//! on whatever thread, in whatever shard.
//!
//! # Draws
//! Every draw takes a stated number of words, and each is `+ − × ÷ sqrt` or `libm` of them: the same
//! bits everywhere.

mod philox;
mod rank;

pub use rank::{rank, ranks};

use crate::digest::Digest;
use crate::error::{Error, Result};
use philox::{philox_bulk, philox4x32};

/// First bytes of what is hashed to a stream's name: another generator would get another.
const DOMAIN: &[u8; 18] = b"microtome random 1";

/// A sequence of random words that is named by 16 bytes and can be entered anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    name: [u8; 16],
    key: [u32; 2],
    high: [u32; 2],
    /// Words drawn so far.
    position: u64,
    /// The block that holds word `position`, when `position` is inside a block.
    block: [u32; 4],
}

impl Stream {
    /// The stream of one op (its index in a policy) of one copy of one item (the digest of its bytes).
    pub fn of(seed: u64, item: &Digest, copy: u32, op: u32) -> Self {
        let mut bytes = Vec::with_capacity(DOMAIN.len() + 48);
        bytes.extend_from_slice(DOMAIN);
        bytes.extend_from_slice(&seed.to_le_bytes());
        bytes.extend_from_slice(item.as_bytes());
        bytes.extend_from_slice(&copy.to_le_bytes());
        bytes.extend_from_slice(&op.to_le_bytes());
        let digest = Digest::of(&bytes);
        let mut name = [0; 16];
        for (to, from) in name.iter_mut().zip(digest.as_bytes()) {
            *to = *from;
        }
        Self::from_key(name)
    }

    /// The stream of a name, from its first word: as [`Stream::key`] gave it.
    pub fn from_key(name: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = name;
        let word = |bytes| u32::from_le_bytes(bytes);
        Self {
            name,
            key: [word([a, b, c, d]), word([e, f, g, h])],
            high: [word([i, j, k, l]), word([m, n, o, p])],
            position: 0,
            block: [0; 4],
        }
    }

    /// The stream of a name in hex, as [`Stream::key_text`] gave it.
    ///
    /// # Errors
    /// [`Error::Params`] when `text` is not 32 lower-case hex digits.
    pub fn from_key_text(text: &str) -> Result<Self> {
        let digit = |d: u8| match d {
            b'0'..=b'9' => Some(d - b'0'),
            b'a'..=b'f' => Some(d - b'a' + 10),
            _ => None,
        };
        let mut name = [0; 16];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let sound = pairs.len() == 16
            && rest.is_empty()
            && name.iter_mut().zip(pairs).all(|(to, [high, low])| {
                match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => {
                        *to = high << 4 | low;
                        true
                    }
                    _ => false,
                }
            });
        if !sound {
            let found: String = text.chars().take(80).collect();
            return Err(Error::params(
                "stream",
                format!("{found:?} is not 32 lower-case hex digits"),
            ));
        }
        Ok(Self::from_key(name))
    }

    /// The stream's name: what to record so that it can be drawn from again.
    pub fn key(&self) -> [u8; 16] {
        self.name
    }

    /// [`Stream::key`] as 32 lower-case hex digits.
    pub fn key_text(&self) -> String {
        self.name.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Words drawn so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The same stream with `position` words drawn.
    pub fn at(&self, position: u64) -> Self {
        let mut stream = Self { position, ..Self::from_key(self.name) };
        if !position.is_multiple_of(4) {
            stream.block = stream.block_at(position / 4);
        }
        stream
    }

    /// Passes over `words` words.
    pub fn skip(&mut self, words: u64) {
        *self = self.at(self.position.wrapping_add(words));
    }

    fn block_at(&self, block: u64) -> [u32; 4] {
        let [a, b] = self.high;
        philox4x32([block as u32, (block >> 32) as u32, a, b], self.key)
    }

    /// The next word. One word.
    pub fn next_u32(&mut self) -> u32 {
        let within = (self.position % 4) as usize;
        if within == 0 {
            self.block = self.block_at(self.position / 4);
        }
        self.position = self.position.wrapping_add(1);
        self.block[within]
    }

    /// The next two words, the first the lower half. Two words.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        u64::from(self.next_u32()) << 32 | low
    }

    /// A multiple of 2⁻⁵³ in `[0, 1)`, each as likely. Two words.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// `low + (high − low) · uniform()`: in `[low, high)`, but for what rounding adds. Two words.
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// An integer in `0..n`, each exactly as likely (Lemire, *Fast random integer generation in an
    /// interval*, 2019, doi:10.1145/3230636); 0 for `n = 0`. One word, seldom more: those that would
    /// favour some numbers are thrown away.
    pub fn below(&mut self, n: u32) -> u32 {
        let mut product = u64::from(self.next_u32()) * u64::from(n);
        if (product as u32) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u32) < threshold {
                product = u64::from(self.next_u32()) * u64::from(n);
            }
        }
        (product >> 32) as u32
    }

    /// Whether something of probability `p` happens: never at 0, always at 1. Two words.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// A draw of the normal distribution of mean 0 and variance 1: [`normal_quantile`] of
    /// `uniform() + 2⁻⁵⁴`, so within ±8.3. Two words.
    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform() + 0.5 / 9_007_199_254_740_992.0)
    }

    /// An index of `weights`, as likely as its weight in the sum of all. Weights that are negative or
    /// not finite count as 0; `None` when no weight is left. Two words.
    pub fn choose(&mut self, weights: &[f64]) -> Option<usize> {
        let clean = |w: f64| if w.is_finite() && w > 0.0 { w } else { 0.0 };
        let total: f64 = weights.iter().map(|&w| clean(w)).sum();
        let mut left = self.uniform() * total;
        let mut last = None;
        for (index, weight) in weights.iter().map(|&w| clean(w)).enumerate() {
            if weight > 0.0 {
                if left < weight {
                    return Some(index);
                }
                left -= weight;
                last = Some(index);
            }
        }
        // Rounding may leave a crumb after the last weight.
        last
    }

    /// Puts the values into an order in which each is as likely (Fisher and Yates, from the end).
    /// One word and more for each value but the first.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
            values.swap(last, self.below(bound) as usize);
        }
    }

    /// Fills `words` with what as many calls of [`Stream::next_u32`] would give, many blocks at once.
    pub fn fill_u32(&mut self, words: &mut [u32]) {
        let inside = (self.position.wrapping_neg() % 4) as usize;
        let (head, body) = words.split_at_mut(inside.min(words.len()));
        for word in head {
            *word = self.next_u32();
        }
        if body.is_empty() {
            return;
        }
        let (blocks, tail) = body.split_at_mut(body.len() / 4 * 4);
        philox_bulk(self.key, self.high, self.position / 4, blocks);
        self.position = self.position.wrapping_add(blocks.len() as u64);
        for word in tail {
            *word = self.next_u32();
        }
    }
}

/// The number below which a draw of the normal distribution of mean 0 and variance 1 falls with
/// probability `p`: Wichura's PPND16 (algorithm AS 241, 1988, doi:10.2307/2347330), good to about one
/// part in 10¹⁶. Minus infinity at 0 and infinity at 1; NaN outside.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &CENTRE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let r = (-libm::log(tail)).sqrt();
    let size = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &FAR) };
    if q < 0.0 { -size } else { size }
}

fn ratio(x: f64, [over, under]: &[[f64; 8]; 2]) -> f64 {
    let polynomial = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, &term| sum * x + term);
    polynomial(over) / polynomial(under)
}

/// AS 241's coefficients, lowest power first: |p − ½| ≤ 0.425.
#[allow(clippy::excessive_precision, reason = "as published")]
const CENTRE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_608_0,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083_0e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061_0e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561_0e3,
    ],
];

/// Tails down to e⁻²⁵.
#[allow(clippy::excessive_precision, reason = "as published")]
const MIDDLE: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_90,
        5.769_497_221_460_691_405_50,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_70e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_40e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_40,
        6.897_673_349_851_000_045_50e-1,
        1.481_039_764_274_800_745_90e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946_00e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
];

/// Tails beyond.
#[allow(clippy::excessive_precision, reason = "as published")]
const FAR: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103_777_20,
        5.463_784_911_164_114_369_90,
        1.784_826_539_917_291_335_80,
        2.965_605_718_285_048_912_30e-1,
        2.653_218_952_657_612_309_30e-2,
        1.242_660_947_388_078_438_60e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_90e-1,
        1.369_298_809_227_358_053_10e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591_00e-4,
        1.846_318_317_510_054_681_80e-5,
        1.421_511_758_316_445_888_70e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Random123's `kat_vectors` for philox4x32 of 10 rounds.
    #[test]
    fn blocks_are_those_published() {
        assert_eq!(
            philox4x32([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn bulk_draws_are_single_draws() {
        let origin = Stream::of(7, &Digest::of(b"item"), 0, 3);
        for (start, length) in
            [(0, 4096), (1, 1000), (3, 1), (2, 131), (6, 0), (u64::from(u32::MAX) * 4 - 40, 300)]
        {
            let (mut one, mut many) = (origin.at(start), origin.at(start));
            let singly: Vec<u32> = (0..length).map(|_| one.next_u32()).collect();
            let mut filled = vec![0; length];
            many.fill_u32(&mut filled);
            assert_eq!(filled, singly, "{length} words from {start}");
            assert_eq!(many.next_u32(), one.next_u32());
        }
        let (mut scalar, mut wide) = (vec![0; 1200], vec![0; 1200]);
        philox::philox_bulk_body([1, 2], [3, 4], 5, &mut scalar);
        philox_bulk([1, 2], [3, 4], 5, &mut wide);
        assert_eq!(scalar, wide);
    }
}
