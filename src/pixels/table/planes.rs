//! Red, green and blue apart, and together again: what is worked out wide wants each by itself.

#[cfg(target_arch = "x86_64")]
use archmage::{SimdToken, X64V4xToken};

/// Pixels that are taken apart at once by those who then work on planes: the first cache holds them.
pub(in crate::pixels) const PART: usize = 4096;

/// Writes each channel of interleaved pixels by itself; all of as many pixels.
pub(in crate::pixels) fn split(rgb: &[u8], planes: [&mut [u8]; 3]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(token) = X64V4xToken::summon() {
        return vbmi::split(token, rgb, planes);
    }
    split_singly(rgb, planes);
}

/// Writes channels interleaved; all of as many pixels.
pub(in crate::pixels) fn join(planes: [&[u8]; 3], rgb: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(token) = X64V4xToken::summon() {
        return vbmi::join(token, planes, rgb);
    }
    join_singly(planes, rgb);
}

fn split_singly(rgb: &[u8], [r, g, b]: [&mut [u8]; 3]) {
    for (((pixel, r), g), b) in rgb.as_chunks::<3>().0.iter().zip(r).zip(g).zip(b) {
        [*r, *g, *b] = *pixel;
    }
}

fn join_singly([r, g, b]: [&[u8]; 3], rgb: &mut [u8]) {
    for (((pixel, r), g), b) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(r).zip(g).zip(b) {
        *pixel = [*r, *g, *b];
    }
}

/// 64 pixels at a time: two permutations of bytes for each register.
#[cfg(target_arch = "x86_64")]
mod vbmi {
    use archmage::intrinsics::x86_64::{
        _mm512_loadu_epi8 as load, _mm512_permutex2var_epi8 as permute, _mm512_storeu_epi8 as store,
    };
    use archmage::{X64V4xToken, arcane};

    type Places = [[u8; 64]; 3];

    /// For each plane: from the first two of three registers; and from that and the third.
    const SPLIT: [Places; 2] = {
        let mut places = [[[0; 64]; 3]; 2];
        let mut at = 0;
        while at < 192 {
            let (plane, i) = (at % 3, at / 3);
            let third = at >= 128;
            places[0][plane][i] = if third { 0 } else { at as u8 };
            places[1][plane][i] = if third { (at - 128 + 64) as u8 } else { i as u8 };
            at += 1;
        }
        places
    };

    /// For each register: from red and green; and from that and blue.
    const JOIN: [Places; 2] = {
        let mut places = [[[0; 64]; 3]; 2];
        let mut at = 0;
        while at < 192 {
            let (register, j, plane, i) = (at / 64, at % 64, at % 3, at / 3);
            places[0][register][j] = if plane == 1 { (64 + i) as u8 } else { i as u8 };
            places[1][register][j] = if plane == 2 { (64 + i) as u8 } else { j as u8 };
            at += 1;
        }
        places
    };

    #[arcane]
    pub(super) fn split(_: X64V4xToken, rgb: &[u8], [r, g, b]: [&mut [u8]; 3]) {
        let places = SPLIT.map(|places| [load(&places[0]), load(&places[1]), load(&places[2])]);
        let (blocks, rest) = rgb.as_chunks::<192>();
        let (r, r_rest) = r.as_chunks_mut::<64>();
        let (g, g_rest) = g.as_chunks_mut::<64>();
        let (b, b_rest) = b.as_chunks_mut::<64>();
        for (((block, r), g), b) in blocks.iter().zip(r).zip(g).zip(b) {
            let block = block.as_chunks::<64>().0;
            let (x, y, z) = (load(&block[0]), load(&block[1]), load(&block[2]));
            for (plane, out) in [r, g, b].into_iter().enumerate() {
                store(out, permute(permute(x, places[0][plane], y), places[1][plane], z));
            }
        }
        super::split_singly(rest, [r_rest, g_rest, b_rest]);
    }

    #[arcane]
    pub(super) fn join(_: X64V4xToken, [r, g, b]: [&[u8]; 3], rgb: &mut [u8]) {
        let places = JOIN.map(|places| [load(&places[0]), load(&places[1]), load(&places[2])]);
        let (blocks, rest) = rgb.as_chunks_mut::<192>();
        let (r, r_rest) = r.as_chunks::<64>();
        let (g, g_rest) = g.as_chunks::<64>();
        let (b, b_rest) = b.as_chunks::<64>();
        for (((block, r), g), b) in blocks.iter_mut().zip(r).zip(g).zip(b) {
            let (r, g, b) = (load(r), load(g), load(b));
            for (at, out) in block.as_chunks_mut::<64>().0.iter_mut().enumerate() {
                store(out, permute(permute(r, places[0][at], g), places[1][at], b));
            }
        }
        super::join_singly([r_rest, g_rest, b_rest], rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apart_and_together_again() {
        for n in (0..200).chain([1000]) {
            let rgb: Vec<u8> = (0..3 * n).map(|at| (at * 89 + at / 7) as u8).collect();
            let mut planes = [vec![0; n], vec![0; n], vec![0; n]];
            split(&rgb, planes.each_mut().map(|plane| &mut plane[..]));
            for (c, plane) in planes.iter().enumerate() {
                let singly: Vec<u8> = rgb.iter().skip(c).step_by(3).copied().collect();
                assert_eq!(*plane, singly, "{n}");
            }
            let mut back = vec![0; 3 * n];
            join(planes.each_ref().map(|plane| &plane[..]), &mut back);
            assert_eq!(back, rgb, "{n}");
        }
    }
}
