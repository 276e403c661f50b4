//! NPY, the file format of one numpy array: version 1.0, little endian, C order.
//!
//! Laid out as numpy's own `np.save` does (numpy.lib.format): the header is padded with blanks so that
//! the numbers begin at a multiple of 64 bytes. The same array gives the same bytes.

use super::array::Numbers;
use crate::error::{Error, Result};

/// Where the numbers begin is a multiple of this.
const ALIGNMENT: usize = 64;

/// Writes an array as the bytes of an `.npy` file.
///
/// # Errors
/// [`Error::Bug`] when the shape does not hold as many numbers as there are, or has hundreds of sides.
pub fn encode(shape: &[usize], numbers: Numbers<'_>) -> Result<Vec<u8>> {
    numbers.check_shape(shape)?;
    let kind = match numbers {
        Numbers::U8(_) => "|u1",
        Numbers::F16(_) => "<f2",
        Numbers::F32(_) => "<f4",
    };
    let mut sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    // Python writes a tuple of one with a comma, longer ones without one at the end.
    let ended = if shape.len() == 1 { sides.len() - 1 } else { sides.len().saturating_sub(2) };
    sides.truncate(ended);
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sides}), }}");
    let used = 10 + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', used.next_multiple_of(ALIGNMENT) - used));
    header.push('\n');
    let length = u16::try_from(header.len())
        .map_err(|_| Error::Bug { message: format!("an array of {} sides", shape.len()) })?;
    let mut bytes = Vec::with_capacity(10 + header.len() + numbers.len() * numbers.item_bytes());
    bytes.extend(b"\x93NUMPY\x01\x00");
    bytes.extend(length.to_le_bytes());
    bytes.extend(header.as_bytes());
    numbers.append_to(&mut bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_numpys() {
        let bytes = encode(&[1, 2, 3], Numbers::U8(&[1, 2, 3, 4, 5, 6])).unwrap();
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3), }";
        let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        expected.extend(header.as_bytes());
        expected.resize(127, b' ');
        expected.extend(b"\n\x01\x02\x03\x04\x05\x06");
        assert_eq!(bytes, expected);
    }

    #[test]
    fn tuples_are_pythons() {
        let shape_of = |shape: &[usize], count: usize| {
            let bytes = encode(shape, Numbers::F32(&vec![0.5; count])).unwrap();
            assert_eq!((bytes.len() - 4 * count) % 64, 0);
            let text = String::from_utf8_lossy(&bytes[..128]).into_owned();
            text[text.find("'shape'").unwrap()..text.find('}').unwrap()].to_owned()
        };
        assert_eq!(shape_of(&[], 1), "'shape': (), ");
        assert_eq!(shape_of(&[5], 5), "'shape': (5,), ");
        assert_eq!(shape_of(&[5, 1], 5), "'shape': (5, 1), ");
        assert_eq!(encode(&[2, 2], Numbers::U8(&[0; 3])).unwrap_err().kind(), "bug");
    }
}
