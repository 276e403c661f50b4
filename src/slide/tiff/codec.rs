//! Byte codecs of TIFF chunks: each fills a buffer of known size from the bytes of exactly one chunk.
//!
//! Output that ends early is an error. Bytes that are left over are not: writers pad.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};
use weezl::{BitOrder, LzwStatus, decode::Configuration};

use super::layout::Compression;
use crate::error::{Error, Result};

fn short(codec: &str, filled: usize, wanted: usize) -> Error {
    Error::format(codec, format!("ends after {filled} of {wanted} bytes"))
}

/// Decompresses `input` into all of `output`.
///
/// # Errors
/// [`Error::Format`] when the data is damaged or too short; [`Error::Bug`] for JPEG and WebP, which
/// are no byte codecs.
pub fn decompress(compression: Compression, input: &[u8], output: &mut [u8]) -> Result<()> {
    match compression {
        Compression::None => {
            let part = input
                .get(..output.len())
                .ok_or_else(|| short("uncompressed data", input.len(), output.len()))?;
            output.copy_from_slice(part);
            Ok(())
        }
        Compression::Lzw => lzw(input, output),
        Compression::Deflate => deflate(input, output),
        Compression::PackBits => pack_bits(input, output),
        Compression::Zstd => zstandard(input, output),
        Compression::Jpeg | Compression::WebP => {
            Err(Error::Bug { message: "JPEG and WebP chunks decode as pictures".into() })
        }
    }
}

fn lzw(input: &[u8], output: &mut [u8]) -> Result<()> {
    // TIFF 5.0 writers packed the bits the other way round: a clear code of 256 then begins with a
    // zero byte and an odd one, which is what libtiff goes by.
    let old = matches!(input, [0, second, ..] if second & 1 == 1);
    let configuration = if old {
        Configuration::new(BitOrder::Lsb, 8)
    } else {
        Configuration::with_tiff_size_switch(BitOrder::Msb, 8)
    };
    let mut decoder = configuration.with_yield_on_full_buffer(true).build();
    let (mut read, mut filled) = (0, 0);
    while filled < output.len() {
        let step = decoder.decode_bytes(&input[read..], &mut output[filled..]);
        read += step.consumed_in;
        filled += step.consumed_out;
        match step.status {
            Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(Error::format("LZW", error.to_string())),
        }
    }
    if filled < output.len() { Err(short("LZW", filled, output.len())) } else { Ok(()) }
}

fn deflate(input: &[u8], output: &mut [u8]) -> Result<()> {
    let broken = |error: flate2::DecompressError| Error::format("deflate", error.to_string());
    let mut decoder = Decompress::new(true);
    while decoder.total_out() < output.len() as u64 {
        let (read, filled) = (decoder.total_in() as usize, decoder.total_out() as usize);
        let status = decoder
            .decompress(&input[read..], &mut output[filled..], FlushDecompress::None)
            .map_err(broken)?;
        let moved = (decoder.total_in() as usize, decoder.total_out() as usize) != (read, filled);
        if status == Status::StreamEnd || !moved {
            break;
        }
    }
    let filled = decoder.total_out() as usize;
    if filled < output.len() {
        return Err(short("deflate", filled, output.len()));
    }
    // The checksum stands behind the last byte: one more step reads and compares it.
    let rest = &input[decoder.total_in() as usize..];
    decoder.decompress(rest, &mut [0], FlushDecompress::None).map_err(broken)?;
    Ok(())
}

fn pack_bits(input: &[u8], output: &mut [u8]) -> Result<()> {
    let (wanted, mut filled) = (output.len(), 0);
    let mut rest = input;
    while filled < wanted {
        let Some((&head, tail)) = rest.split_first() else {
            return Err(short("PackBits", filled, wanted));
        };
        rest = tail;
        match head as i8 {
            -128 => {}
            n if n < 0 => {
                let Some((&value, tail)) = rest.split_first() else {
                    return Err(short("PackBits", filled, wanted));
                };
                rest = tail;
                let run = (1 + usize::from(n.unsigned_abs())).min(wanted - filled);
                output[filled..filled + run].fill(value);
                filled += run;
            }
            n => {
                let run = 1 + usize::from(n.unsigned_abs());
                if rest.len() < run.min(wanted - filled) {
                    return Err(short("PackBits", filled + rest.len(), wanted));
                }
                let copied = run.min(wanted - filled);
                output[filled..filled + copied].copy_from_slice(&rest[..copied]);
                filled += copied;
                rest = rest.get(run..).unwrap_or_default();
            }
        }
    }
    Ok(())
}

fn zstandard(input: &[u8], output: &mut [u8]) -> Result<()> {
    let broken = |error: std::io::Error| Error::format("zstd", error.to_string());
    let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(broken)?;
    decoder.read_exact(output).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(compression: Compression, input: &[u8], size: usize) -> Result<Vec<u8>> {
        let mut output = vec![0xEE; size];
        decompress(compression, input, &mut output).map(|()| output)
    }

    #[test]
    fn pack_bits_of_the_specification() {
        // Three runs, three literals: the shape of the example in TIFF 6.0, section 9.
        let input = [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0x80, 0xFD, 0xAA];
        let expected = [0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA];
        assert_eq!(decoded(Compression::PackBits, &input, 10).unwrap(), expected);
        assert!(decoded(Compression::PackBits, &input, 11).is_err());
        assert!(decoded(Compression::PackBits, &input[..4], 10).is_err());
    }

    #[test]
    fn lzw_by_hand() {
        // Nine-bit codes: clear (256), 7, 258 (= 7 7), end (257).
        // 100000000 000000111 100000010 100000001 and four zero bits.
        let input = [0b1000_0000, 0b0000_0001, 0b1110_0000, 0b0101_0000, 0b0001_0000];
        assert_eq!(decoded(Compression::Lzw, &input, 3).unwrap(), [7, 7, 7]);
        assert!(decoded(Compression::Lzw, &input, 4).is_err());
    }

    #[test]
    fn a_wrong_checksum_is_damage() {
        // zlib, one stored block of three bytes, Adler-32 of "abc" = 0x024D0127.
        let mut input =
            vec![0x78, 0x01, 0x01, 3, 0, 0xFC, 0xFF, b'a', b'b', b'c', 2, 0x4D, 1, 0x27];
        assert_eq!(decoded(Compression::Deflate, &input, 3).unwrap(), b"abc");
        assert!(decoded(Compression::Deflate, &input, 4).is_err());
        input[13] ^= 1;
        assert!(decoded(Compression::Deflate, &input, 3).is_err());
    }

    #[test]
    fn uncompressed_data_may_be_padded_but_not_short() {
        assert_eq!(decoded(Compression::None, &[1, 2, 3], 2).unwrap(), [1, 2]);
        assert!(decoded(Compression::None, &[1, 2, 3], 4).is_err());
    }
}
