//! RGB pixels moved many at a time by the byte shuffles of x86-64. Nothing is computed, so that every
//! way gives the same.

use archmage::intrinsics::x86_64::{
    __m128i, _mm_loadu_si128, _mm_setr_epi8, _mm_shuffle_epi8, _mm_storeu_si128,
    _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi32, _mm_unpacklo_epi64,
    _mm512_loadu_epi8, _mm512_permutexvar_epi8, _mm512_storeu_epi8,
};
use archmage::{X64V2Token, X64V4xToken, arcane};

/// Which byte of a group of 21 pixels stands where when they are reversed; the first is none of theirs.
const REVERSED: [u8; 64] = {
    let mut order = [0; 64];
    let mut to = 1;
    while to < 64 {
        let (pixel, channel) = ((to - 1) / 3, (to - 1) % 3);
        order[to] = ((20 - pixel) * 3 + channel) as u8;
        to += 1;
    }
    order
};

/// The pixels of a row in reverse order, 21 at a time.
#[arcane]
pub(super) fn reversed(_: X64V4xToken, row: &[u8], out: &mut [u8]) {
    let order = _mm512_loadu_epi8(&REVERSED);
    let length = row.len();
    let mut at = 0;
    // 64 bytes are read and written for the 63 of a group: what is written before the group's place
    // is overwritten by the next one.
    while let Some(from) = row.get(at..).and_then(|r| r.first_chunk::<64>()) {
        let Some(to) = out.get_mut(..length - at).and_then(|o| o.last_chunk_mut::<64>()) else {
            break;
        };
        _mm512_storeu_epi8(to, _mm512_permutexvar_epi8(order, _mm512_loadu_epi8(from)));
        at += 63;
    }
    super::turn::reversed_rgb(&row[at..], &mut out[..length - at]);
}

/// Pixels on a side of the squares that are transposed in registers.
const SIDE: usize = 4;
/// Rows that are read side by side.
const BLOCK: usize = 32;

/// The transposed pixels of `source`, whose `columns` or `rows` are taken in reverse order.
#[arcane]
pub(super) fn turned(
    _: X64V2Token,
    source: &[u8],
    (width, height): (usize, usize),
    (columns, rows): (bool, bool),
    out: &mut [u8],
) {
    let stride = width * 3;
    let row_of = |to: usize| if rows { height - 1 - to } else { to };
    for left in (0..height).step_by(BLOCK) {
        for x in (0..width).step_by(SIDE) {
            for to in (left..height.min(left + BLOCK)).step_by(SIDE) {
                let square = (to + SIDE <= height && x + SIDE <= width)
                    .then(|| four_rows(source, x * 3, stride, [0, 1, 2, 3].map(|i| row_of(to + i))))
                    .flatten();
                if let Some(square) = square {
                    for (i, pixels) in transposed(square).into_iter().enumerate() {
                        let row = if columns { width - 1 - x - i } else { x + i };
                        let line = &mut out[row * height * 3..(row + 1) * height * 3][to * 3..];
                        // What is written beyond the 12 bytes is overwritten by the pixels to come.
                        if let Some(line) = line.first_chunk_mut::<16>() {
                            _mm_storeu_si128(line, pixels);
                        } else {
                            let mut bytes = [0; 16];
                            _mm_storeu_si128(&mut bytes, pixels);
                            line[..3 * SIDE].copy_from_slice(&bytes[..3 * SIDE]);
                        }
                    }
                    continue;
                }
                for x in x..width.min(x + SIDE) {
                    let row = if columns { width - 1 - x } else { x };
                    for to in to..height.min(to + SIDE) {
                        let (to, from) = ((row * height + to) * 3, row_of(to) * stride + x * 3);
                        out[to..to + 3].copy_from_slice(&source[from..from + 3]);
                    }
                }
            }
        }
    }
}

/// 16 bytes of each of four rows; `None` where a row of the image ends before.
#[inline(always)]
fn four_rows(
    source: &[u8],
    first: usize,
    stride: usize,
    rows: [usize; 4],
) -> Option<[&[u8; 16]; 4]> {
    let chunk = |row: usize| source.get(row * stride + first..)?.first_chunk::<16>();
    Some([chunk(rows[0])?, chunk(rows[1])?, chunk(rows[2])?, chunk(rows[3])?])
}

/// The columns of a square of RGB pixels: 12 bytes each, and four that mean nothing.
#[target_feature(enable = "ssse3")]
fn transposed(rows: [&[u8; 16]; 4]) -> [__m128i; 4] {
    let spread = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    let packed = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    let words = |row: &[u8; 16]| _mm_shuffle_epi8(_mm_loadu_si128(row), spread);
    let [a, b, c, d] = [words(rows[0]), words(rows[1]), words(rows[2]), words(rows[3])];
    let (ab, cd) = (_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
    let (ab_high, cd_high) = (_mm_unpackhi_epi32(a, b), _mm_unpackhi_epi32(c, d));
    [
        _mm_shuffle_epi8(_mm_unpacklo_epi64(ab, cd), packed),
        _mm_shuffle_epi8(_mm_unpackhi_epi64(ab, cd), packed),
        _mm_shuffle_epi8(_mm_unpacklo_epi64(ab_high, cd_high), packed),
        _mm_shuffle_epi8(_mm_unpackhi_epi64(ab_high, cd_high), packed),
    ]
}
