//! Whether a baseline scan ends where its data ends.
//!
//! A flipped byte in the middle of a Huffman-coded scan seldom makes an invalid code: the decoder
//! falls out of step and gives rubbish, and what tells is that it has bytes left over at the end or
//! too few. libjpeg reports both as warnings; the decoder that we use only the second. So the scan is
//! walked once more, without looking at a coefficient: several symbols at a time, because this stands
//! in front of every tile.

use std::cell::RefCell;
use std::rc::Rc;

use super::broken;
use super::marker::Segment;
use crate::error::Result;

/// Bits that are looked up at once.
const LOOK: u32 = 11;

/// A Huffman table as what the codes at the head of the data consume, and how far they move within
/// the block.
struct Table {
    /// By the next [`LOOK`] bits: as many whole codes as fit, with the value bits that follow them.
    /// Bits in the low byte, coefficients above, and [`END`] more of them when the last code ends the
    /// block; 0 where not even one code fits.
    fast: Box<[u16; 1 << LOOK]>,
    /// By code length: one above the largest code, left-aligned in 16 bits; 0 when there is none.
    above: [u32; 17],
    /// By code length: what to add to a code for its index in `symbols`.
    shift: [i32; 17],
    symbols: Vec<u8>,
    is_dc: bool,
}

/// Coefficients that an end-of-block covers: more than there are.
const END: u32 = 64;

/// One code: its length, the value bits that follow, the coefficients that it covers.
#[derive(Clone, Copy)]
struct Code {
    length: u32,
    bits: u32,
    step: u32,
}

impl Code {
    fn new(length: u32, symbol: u8, is_dc: bool) -> Self {
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        let (bits, step) = match (is_dc, run, size) {
            (true, ..) => (size, 1),
            (false, 15, 0) => (0, 16),
            (false, _, 0) => (0, END),
            (false, ..) => (size, run + 1),
        };
        Self { length, bits, step }
    }
}

impl Table {
    /// From the 16 counts and the symbols of a DHT segment; `None` when they contradict each other.
    fn new(counts: &[u8], symbols: &[u8], is_dc: bool) -> Option<Self> {
        let (mut above, mut shift) = ([0; 17], [0; 17]);
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, &count) in (1_usize..).zip(counts) {
            shift[length] = index as i32 - code as i32;
            code += u32::from(count);
            index += usize::from(count);
            if code > 1 << length {
                return None;
            }
            if count > 0 {
                above[length] = code << (16 - length);
            }
            code <<= 1;
        }
        let fast = Box::new([0; 1 << LOOK]);
        let mut table = Self { fast, above, shift, symbols: symbols.to_vec(), is_dc };
        for head in 0..1 << LOOK {
            table.fast[head as usize] = table.entry(head);
        }
        Some(table)
    }

    /// The entry of `fast` for some bits.
    fn entry(&self, head: u32) -> u16 {
        let (mut used, mut step) = (0, 0);
        // A sum of steps stays below `END` until the code that ends the block.
        while used < LOOK && step < END - 16 {
            let rest = (head << used & ((1 << LOOK) - 1)) << (16 - LOOK);
            match self.code(rest) {
                Some(code) if code.length <= LOOK - used => {
                    used += code.length + code.bits;
                    step += code.step;
                }
                _ => break,
            }
            if self.is_dc {
                break;
            }
        }
        (step << 8 | used) as u16
    }

    /// Bits and step of the first code only, `None` when there is no such code.
    #[cold]
    fn single(&self, next: u64) -> Option<(u32, u32)> {
        self.code((next >> 48) as u32).map(|code| (code.length + code.bits, code.step))
    }

    /// The code at the head of 16 bits, `None` when there is no such code.
    fn code(&self, head: u32) -> Option<Code> {
        let length = (1..=16).find(|&length| head < self.above[length])?;
        let index = (head >> (16 - length)) as i32 + self.shift[length];
        let &symbol = self.symbols.get(usize::try_from(index).ok()?)?;
        Some(Code::new(length as u32, symbol, self.is_dc))
    }
}

thread_local! {
    /// The tables that were used last, by the bytes that define them: the tiles of a slide share them.
    static RECENT: RefCell<Vec<(Vec<u8>, Rc<Table>)>> = const { RefCell::new(Vec::new()) };
}

/// How many tables are remembered: those of two kinds of tiles.
const REMEMBERED: usize = 8;

/// The table of a definition (class and slot, counts, symbols), made or remembered.
fn table(definition: &[u8]) -> Option<Rc<Table>> {
    RECENT.with_borrow_mut(|recent| {
        if let Some((_, table)) = recent.iter().find(|(bytes, _)| bytes == definition) {
            return Some(Rc::clone(table));
        }
        let is_dc = definition.first()? >> 4 == 0;
        let table = Rc::new(Table::new(definition.get(1..17)?, definition.get(17..)?, is_dc)?);
        if recent.len() == REMEMBERED {
            recent.remove(0);
        }
        recent.push((definition.to_vec(), Rc::clone(&table)));
        Some(table)
    })
}

/// The bits of an entropy-coded segment, without the zero that is stuffed behind each `FF`.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, the first one on top.
    next: u64,
    /// How many of them are real.
    count: i32,
    /// Whether a marker or the end of the data was met.
    ended: bool,
}

impl Bits<'_> {
    /// Tops up `next` and its `count` of real bits to at least 49, or as many as there are. Both
    /// travel by value, so that they stay in registers.
    #[inline]
    fn refill(&mut self, next: u64, count: i32) -> (u64, i32) {
        if let Some(&bytes) = self.data.get(self.at..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_be_bytes(bytes);
            // No byte of it is FF: no byte of its complement is zero.
            let zeros = (!word).wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080;
            if zeros == 0 {
                // `count` is 0 to 31 here.
                let bytes = 63_i32.wrapping_sub(count) / 8;
                self.at = self.at.wrapping_add(bytes as usize);
                let filled = count.wrapping_add(bytes.wrapping_mul(8));
                // The bits of the byte that was only half taken are read again.
                let kept = u64::MAX.wrapping_shl(64_i32.wrapping_sub(filled) as u32);
                return ((next | word.wrapping_shr(count as u32)) & kept, filled);
            }
        }
        self.refill_bytewise(next, count)
    }

    #[inline(never)]
    fn refill_bytewise(&mut self, mut next: u64, mut count: i32) -> (u64, i32) {
        while count <= 48 && !self.ended {
            let (byte, length) = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => (0xFF, 2),
                (Some(0xFF), _) | (None, _) => {
                    self.ended = true;
                    break;
                }
                (Some(&byte), _) => (byte, 1),
            };
            next |= u64::from(byte) << (56 - count);
            count += 8;
            self.at += length;
        }
        (next, count)
    }

    /// Walks over one block; `None` when its data is invalid or at its end.
    #[inline]
    fn block(&mut self, dc: &Table, ac: &Table) -> Option<()> {
        let (mut next, mut count) = (self.next, self.count);
        // The longest code with its value bits has 31.
        if count < 32 && !self.ended {
            (next, count) = self.refill(next, count);
        }
        let mut bits = u32::from(dc.fast[(next >> (64 - LOOK)) as usize] & 0xFF);
        if bits == 0 {
            bits = dc.single(next)?.0;
        }
        // At most 31 bits of 64, at most 63 steps beyond 64: nothing here can overflow, and a branch that
        // watches for it costs a tenth of the walk.
        next = next.wrapping_shl(bits);
        count = count.wrapping_sub(bits as i32);
        let mut k = 1_u32;
        while k < 64 {
            if count < 32 && !self.ended {
                (next, count) = self.refill(next, count);
            }
            let entry = u32::from(ac.fast[(next >> (64 - LOOK)) as usize]);
            let (mut bits, mut step) = (entry & 0xFF, entry >> 8);
            // Codes that would reach into the next block are walked one by one.
            let reach = k.wrapping_add(step & 63).wrapping_add(step >> 6);
            if bits == 0 || reach > 64 {
                (bits, step) = ac.single(next)?;
            }
            next = next.wrapping_shl(bits);
            count = count.wrapping_sub(bits as i32);
            k = k.wrapping_add(step);
        }
        (self.next, self.count) = (next, count);
        // Bits that were not there were zeros: it is enough to notice at the end of the block.
        (count >= 0).then_some(())
    }

    /// Goes to the marker that ends the segment and gives its code: `Err` with the number of bytes
    /// that were left over. Bytes of zeros and ones are padding that some cameras write.
    fn marker(&mut self) -> std::result::Result<Option<u8>, usize> {
        // The rest of the byte that was begun is padding; whole bytes behind it may be.
        let (begun, whole) = (self.count % 8, self.count / 8);
        let held = (self.next << begun).to_be_bytes();
        let mut left = held.iter().take(whole as usize).filter(|b| !matches!(b, 0 | 0xFF)).count();
        loop {
            match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (None, _) | (Some(0xFF), None) => break,
                (Some(0xFF), Some(0xFF)) => self.at += 1,
                (Some(0xFF), Some(0)) => self.at += 2,
                (Some(0xFF), Some(_)) => break,
                (Some(&byte), _) => {
                    left += usize::from(byte != 0);
                    self.at += 1;
                }
            }
        }
        if left > 0 {
            return Err(left);
        }
        Ok(self.data.get(self.at + 1).copied())
    }
}

/// One component of the scan.
struct Component {
    blocks: u32,
    dc: usize,
    ac: usize,
}

/// Walks the first scan of a stream, if it is baseline and holds all components. `scans` begins with
/// its SOS marker. Streams of other kinds, and those that lean on default tables, pass unlooked.
///
/// # Errors
/// [`crate::Error::Format`] when the scan has bytes left over or ends early.
pub fn check<'a>(
    segments: impl Iterator<Item = &'a Segment<'a>> + Clone,
    scans: &[u8],
) -> Result<()> {
    let Some((walk, tables)) = Walk::read(segments, scans) else {
        return Ok(());
    };
    walk.run(&tables)
}

/// What the headers say of a scan.
struct Walk<'a> {
    data: &'a [u8],
    components: Vec<Component>,
    mcus: u64,
    interval: u64,
}

impl<'a> Walk<'a> {
    /// `None` when this is no scan for us, or its header is broken: the decoder will say so.
    fn read<'s>(
        segments: impl Iterator<Item = &'s Segment<'s>> + Clone,
        scans: &'a [u8],
    ) -> Option<(Self, [Option<Rc<Table>>; 8])> {
        let mut tables: [Option<Rc<Table>>; 8] = Default::default();
        let (mut frame, mut interval) = (None, 0);
        for segment in segments {
            match (segment.code, segment.body) {
                (0xC0 | 0xC1, body) => frame = Some(body),
                (0xDD, &[high, low, ..]) => interval = u64::from(high) << 8 | u64::from(low),
                (0xC4, mut body) => {
                    while let Some((&head, rest)) = body.split_first() {
                        let counts = rest.get(..16)?;
                        let total = counts.iter().map(|&c| usize::from(c)).sum::<usize>();
                        let slot = usize::from(head & 3) + if head >> 4 == 0 { 0 } else { 4 };
                        tables[slot] = Some(table(body.get(..17 + total)?)?);
                        body = &body[17 + total..];
                    }
                }
                _ => {}
            }
        }
        let frame = frame?;
        let &[8, h1, h0, w1, w0, count, ..] = frame else {
            return None;
        };
        let (width, height) =
            (u32::from(w1) << 8 | u32::from(w0), u32::from(h1) << 8 | u32::from(h0));
        let sampled = frame.get(6..6 + 3 * usize::from(count))?;
        let length = usize::from(*scans.get(2)?) << 8 | usize::from(*scans.get(3)?);
        let header = scans.get(4..2 + length)?;
        if *header.first()? != count {
            return None;
        }
        let (mut components, mut most) = (Vec::new(), (1, 1));
        for (pair, factors) in header.get(1..)?.chunks_exact(2).zip(sampled.chunks_exact(3)) {
            let (h, v) = (u32::from(factors[1] >> 4), u32::from(factors[1] & 15));
            if pair[0] != factors[0] || h == 0 || v == 0 {
                return None;
            }
            most = (most.0.max(h), most.1.max(v));
            let (dc, ac) = (usize::from(pair[1] >> 4 & 3), usize::from(pair[1] & 3) + 4);
            components.push(Component { blocks: h * v, dc, ac });
        }
        if let [only] = components.as_mut_slice() {
            // A scan of one component is a plain grid of blocks, whatever its factors.
            only.blocks = 1;
            most = (1, 1);
        }
        let mcus = u64::from(width.div_ceil(8 * most.0)) * u64::from(height.div_ceil(8 * most.1));
        Some((Self { data: scans.get(2 + length..)?, components, mcus, interval }, tables))
    }

    fn run(&self, tables: &[Option<Rc<Table>>; 8]) -> Result<()> {
        let mut plan = Vec::new();
        for component in &self.components {
            let (Some(dc), Some(ac)) = (&tables[component.dc], &tables[component.ac]) else {
                return Ok(());
            };
            plan.extend((0..component.blocks).map(|_| (&**dc, &**ac)));
        }
        let mut bits = Bits { data: self.data, at: 0, next: 0, count: 0, ended: false };
        let mut restarts = 0;
        for mcu in 0..self.mcus {
            if self.interval > 0 && mcu > 0 && mcu % self.interval == 0 {
                let expected = 0xD0 + (restarts % 8) as u8;
                match bits.marker() {
                    Ok(Some(code)) if code == expected => {}
                    Ok(_) => return Err(broken(format!("restart marker {restarts} is missing"))),
                    Err(left) => return Err(self.left_over(left)),
                }
                bits = Bits { at: bits.at + 2, next: 0, count: 0, ended: false, ..bits };
                restarts += 1;
            }
            for (dc, ac) in &plan {
                if bits.block(dc, ac).is_none() {
                    let all = self.mcus;
                    return Err(broken(format!("its scan ends or breaks in block {mcu} of {all}")));
                }
            }
        }
        bits.marker().map(|_| ()).map_err(|left| self.left_over(left))
    }

    fn left_over(&self, bytes: usize) -> crate::error::Error {
        broken(format!("its scan is damaged: {bytes} bytes are left over"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_by_hand() {
        // One code of 1 bit (0 → symbol 0x00), one of 2 bits (10 → 0x23), one of 12 (110000000000 → 0xF0).
        let mut counts = [0; 16];
        counts[0] = 1;
        counts[1] = 1;
        counts[11] = 1;
        let table = Table::new(&counts, &[0x00, 0x23, 0xF0], false).unwrap();
        let code = |head| table.code(head).map(|c| (c.length, c.bits, c.step));
        assert_eq!(code(0b0000_0000_0000_0000), Some((1, 0, 64)), "end of block");
        assert_eq!(code(0b1011_1000_0000_0000), Some((2, 3, 3)), "run of 2, 3 bits");
        assert_eq!(code(0b1100_0000_0000_0000), Some((12, 0, 16)), "run of 16");
        assert_eq!(code(0b1100_0000_0001_0000), None, "no code");
        // Eleven bits: 10 xxx, 10 xxx, 0 end. Then: 10 xxx, 10 xxx, 1 (begins another code).
        assert_eq!(table.fast[0b101_1110_0000], (64 + 6) << 8 | 11);
        assert_eq!(table.fast[0b101_1110_0001], 6 << 8 | 10);
        assert_eq!(table.fast[0b110_0000_0000], 0);
    }

    #[test]
    fn too_many_codes_are_no_table() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Table::new(&counts, &[1, 2, 3], true).is_none());
    }

    #[test]
    fn stuffed_zeros_are_skipped_in_both_refills() {
        for tail in [0, 20] {
            let mut data = vec![0x12, 0xFF, 0x00, 0x34];
            data.extend(vec![0x55; tail]);
            data.extend([0xFF, 0xD9]);
            let mut bits = Bits { data: &data, at: 0, next: 0, count: 0, ended: false };
            assert_eq!(bits.refill(0, 0).0 >> 40, 0x12FF34);
        }
        let data = [0xAB, 0xCD, 0xEF, 1, 2, 3, 4, 5, 6, 7];
        let mut bits = Bits { data: &data, at: 0, next: 0, count: 0, ended: false };
        let (next, count) = bits.refill(0b101 << 61, 3);
        // Three bits were there; seven bytes fit behind them.
        assert_eq!((count, bits.at), (59, 7));
        assert_eq!(next >> 53, 0b101_1010_1011);
        assert_eq!(next & 0x1F, 0);
    }
}
