//! Safetensors: one tensor named `image`, and what is to be said about it.
//!
//! The layout is that of the format's own writers: 8 bytes of header length, a JSON header padded with
//! blanks to a multiple of 8, the numbers in little-endian C order. The crate of the format writes its
//! metadata in the order of a hash map, another in each run; here it is sorted, so the same array gives
//! the same bytes.

use std::collections::BTreeMap;

use super::array::Numbers;
use crate::error::{Error, Result};

/// Name of the tensor.
pub const TENSOR: &str = "image";

/// Writes an array as the bytes of a `.safetensors` file. `metadata` is text for people and programs; it
/// may be empty.
///
/// # Errors
/// [`Error::Bug`] when the shape does not hold as many numbers as there are.
pub fn encode(
    shape: &[usize],
    numbers: Numbers<'_>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    numbers.check_shape(shape)?;
    let dtype = match numbers {
        Numbers::U8(_) => "U8",
        Numbers::F16(_) => "F16",
        Numbers::F32(_) => "F32",
    };
    let size = numbers.len() * numbers.item_bytes();
    let text = |value: serde_json::Result<String>| {
        value.map_err(|e| Error::Bug { message: format!("a safetensors header: {e}") })
    };
    let mut header = String::from("{");
    if !metadata.is_empty() {
        header += &format!("\"__metadata__\":{},", text(serde_json::to_string(metadata))?);
    }
    let sides = text(serde_json::to_string(shape))?;
    header += &format!(
        "\"{TENSOR}\":{{\"dtype\":\"{dtype}\",\"shape\":{sides},\"data_offsets\":[0,{size}]}}}}"
    );
    let padding = header.len().next_multiple_of(8) - header.len();
    header.extend(std::iter::repeat_n(' ', padding));
    let mut bytes = Vec::with_capacity(8 + header.len() + size);
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header.as_bytes());
    numbers.append_to(&mut bytes);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_by_hand() {
        let metadata = [("b", "2"), ("a", "1\"")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let bytes = encode(&[3, 1], Numbers::U8(&[7, 8, 9]), &metadata.into()).unwrap();
        let header = r#"{"__metadata__":{"a":"1\"","b":"2"},"image":{"dtype":"U8","shape":[3,1],"data_offsets":[0,3]}}"#;
        assert_eq!(header.len(), 94);
        let mut expected = 96_u64.to_le_bytes().to_vec();
        expected.extend(header.as_bytes());
        expected.extend([b' '; 2]);
        expected.extend([7, 8, 9]);
        assert_eq!(bytes, expected);
    }
}
