//! Many look-ups at once.
//!
//! A table of 256 bytes is four registers of AVX-512: where the machine permutes bytes between them
//! (VBMI), 64 samples are looked up in a few cycles. Look-ups are exact, so that every way gives the
//! same.

#[cfg(target_arch = "x86_64")]
use archmage::{SimdToken, X64V4xToken};

/// Changes each sample by one table.
pub(in crate::pixels) fn look_up(table: &[u8; 256], samples: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(token) = X64V4xToken::summon() {
        return vbmi::look_up(token, table, samples);
    }
    for x in samples {
        *x = table[usize::from(*x)];
    }
}

/// Changes red, green and blue (interleaved) by a table each.
pub(in crate::pixels) fn look_up_three(tables: [&[u8; 256]; 3], rgb: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(token) = X64V4xToken::summon() {
        return vbmi::look_up_three(token, tables, rgb);
    }
    pixel_by_pixel(tables, rgb);
}

fn pixel_by_pixel([r, g, b]: [&[u8; 256]; 3], rgb: &mut [u8]) {
    for pixel in rgb.as_chunks_mut::<3>().0 {
        *pixel = [r[usize::from(pixel[0])], g[usize::from(pixel[1])], b[usize::from(pixel[2])]];
    }
}

/// The instructions of VBMI, all of them safe where the machine has them.
#[cfg(target_arch = "x86_64")]
mod vbmi {
    use archmage::{X64V4xToken, arcane};
    use archmage::intrinsics::x86_64::{
        __m512i, _mm512_loadu_epi8 as load, _mm512_mask_blend_epi8, _mm512_movepi8_mask,
        _mm512_permutex2var_epi8, _mm512_storeu_epi8 as store,
    };

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn registers(table: &[u8; 256]) -> [__m512i; 4] {
        let quarters = table.as_chunks::<64>().0;
        [load(&quarters[0]), load(&quarters[1]), load(&quarters[2]), load(&quarters[3])]
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn of(table: &[__m512i; 4], x: __m512i) -> __m512i {
        let low = _mm512_permutex2var_epi8(table[0], x, table[1]);
        let high = _mm512_permutex2var_epi8(table[2], x, table[3]);
        // The seven low bits have chosen; the highest says from which half.
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), low, high)
    }

    #[arcane]
    pub(super) fn look_up(_: X64V4xToken, table: &[u8; 256], samples: &mut [u8]) {
        let registers = registers(table);
        let (blocks, rest) = samples.as_chunks_mut::<64>();
        for block in blocks {
            let found = of(&registers, load(block));
            store(block, found);
        }
        for x in rest {
            *x = table[usize::from(*x)];
        }
    }

    #[arcane]
    pub(super) fn look_up_three(_: X64V4xToken, tables: [&[u8; 256]; 3], rgb: &mut [u8]) {
        // Every third bit; a block of 64 bytes begins with red, green or blue.
        const THIRD: u64 = 0x9249_2492_4924_9249;
        let [r, g, b] = [registers(tables[0]), registers(tables[1]), registers(tables[2])];
        let (blocks, rest) = rgb.as_chunks_mut::<192>();
        for block in blocks {
            for (at, part) in block.as_chunks_mut::<64>().0.iter_mut().enumerate() {
                let x = load(part);
                // 64 = 21·3 + 1: green is first in the third part, blue in the second.
                let green = THIRD << ((4 - at) % 3);
                let blue = THIRD << ((5 - at) % 3);
                let both = _mm512_mask_blend_epi8(green, of(&r, x), of(&g, x));
                store(part, _mm512_mask_blend_epi8(blue, both, of(&b, x)));
            }
        }
        super::pixel_by_pixel(tables, rest);
    }
}
