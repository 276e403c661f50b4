//! BLAKE3 digests and RFC 8785 canonical JSON: everything that is hashed, is hashed here.
//!
//! serde_json alone is not canonical (it prints `1e16` in one patch release and `1e+16` in another,
//! and NaN as `null`), so what is keyed goes through [`canonical_json`], which refuses what RFC 8785
//! cannot carry exactly: NaN, infinities, and integers of 2^53 and beyond.

mod finite;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::error::{Error, Result};

/// A BLAKE3 hash: 32 bytes, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The digest of a value's canonical JSON.
    ///
    /// # Errors
    /// As [`canonical_json`].
    pub fn of_json<T: Serialize>(value: &T) -> Result<Self> {
        Ok(Self::of(canonical_json(value)?.as_bytes()))
    }

    /// The digest of an ordered list of digests: that of their 32-byte values in a row.
    pub fn of_digests<'a>(digests: impl IntoIterator<Item = &'a Digest>) -> Self {
        let mut hasher = Hasher::new();
        for digest in digests {
            hasher.update(&digest.0);
        }
        hasher.finish()
    }

    /// The first 12 hex digits: what file names carry.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_string()
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lower = text.len() == 64 && !text.bytes().any(|b| b.is_ascii_uppercase());
        match blake3::Hash::from_hex(text) {
            Ok(hash) if lower => Ok(Self(*hash.as_bytes())),
            _ => Err(Error::format(
                "digest",
                format!(
                    "{:?} is not 64 lower-case hex digits",
                    text.chars().take(80).collect::<String>()
                ),
            )),
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A digest in the making, for bytes that come in pieces.
#[derive(Default)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Nothing hashed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes so far.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

/// Whether every float of a value is finite. JSON writers make the others null without a word.
pub fn all_finite<T: Serialize + ?Sized>(value: &T) -> bool {
    finite::all_finite(value)
}

/// RFC 8785 (JSON Canonicalization Scheme) text of a value: sorted keys, shortest numbers, no space.
///
/// # Errors
/// [`Error::Params`] for NaN, infinities, integers whose magnitude reaches 2^53, and whole floats from
/// there to 1e21, which are written like integers: another reader could not get them back exactly.
pub fn canonical_json<T: Serialize>(value: &T) -> Result<String> {
    let refuse = |message: String| Error::params("value", message);
    if !finite::all_finite(value) {
        return Err(refuse("NaN and infinities have no place in JSON".into()));
    }
    let value = serde_json::to_value(value).map_err(|e| refuse(e.to_string()))?;
    check_integers(&value)?;
    serde_json_canonicalizer::to_string(&value).map_err(|e| refuse(e.to_string()))
}

fn check_integers(value: &Value) -> Result<()> {
    match value {
        Value::Number(n) => {
            let magnitude = n.as_u64().or_else(|| n.as_i64().map(i64::unsigned_abs));
            // Below 1e21, RFC 8785 writes a whole float as an integer, and it is read back as one.
            let whole = n.as_f64().is_some_and(|f| (9007199254740992.0..1e21).contains(&f.abs()));
            if magnitude.is_some_and(|m| m >= 1 << 53) || whole {
                return Err(Error::params(
                    "value",
                    format!(
                        "{n} is not below 2^53 (9007199254740992): JSON cannot carry it exactly"
                    ),
                ));
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(check_integers),
        Value::Object(fields) => fields.values().try_for_each(check_integers),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blake3_of_nothing_is_the_published_vector() {
        // First vector of BLAKE3's own test_vectors.json.
        assert_eq!(
            Digest::of(b"").to_string(),
            "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
        );
    }

    #[test]
    fn keys_are_sorted_and_numbers_are_shortest() {
        let value = json!({"b": 512.0, "a": 1e21, "c": [0.1, 1e-7, 100]});
        assert_eq!(canonical_json(&value).unwrap(), r#"{"a":1e+21,"b":512,"c":[0.1,1e-7,100]}"#);
    }

    #[test]
    fn what_json_cannot_carry_is_refused() {
        assert!(canonical_json(&f64::NAN).is_err());
        assert!(canonical_json(&[f64::INFINITY]).is_err());
        assert!(canonical_json(&(1_u64 << 53)).is_err());
        assert!(canonical_json(&-(1_i64 << 53)).is_err());
        assert_eq!(canonical_json(&((1_u64 << 53) - 1)).unwrap(), "9007199254740991");
    }

    #[test]
    fn a_digest_reads_back_and_upper_case_is_refused() {
        let digest = Digest::of(b"tissue");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
        assert!("abc".parse::<Digest>().is_err());
    }
}
