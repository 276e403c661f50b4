//! The splits that are asked for, and their shares.

use crate::error::{Error, Result};

/// Splits that there may be.
pub const MOST_SPLITS: usize = 64;
/// Characters of a name.
const MOST_CHARS: usize = 64;
/// How far the sum of the shares may be from 1.
const SLACK: f64 = 1e-9;

/// A split, and the share of all that it should have.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Above 0; those of all splits sum to 1.
    pub share: f64,
}

/// `K` equal splits: `fold0`, `fold1`, ….
pub fn folds(k: u32) -> Vec<Target> {
    let share = 1.0 / f64::from(k.max(1));
    (0..k).map(|fold| Target { name: format!("fold{fold}"), share }).collect()
}

/// Reads `train=0.7,val=0.15,test=0.15`. Space around names and shares does not count.
///
/// # Errors
/// [`Error::Params`] saying what is wrong with which part.
pub fn parse(text: &str) -> Result<Vec<Target>> {
    let wrong = |message: String| Error::params("ratios", message);
    let mut targets: Vec<Target> = Vec::new();
    for part in text.split(',') {
        let part = part.trim();
        let shown = cut(part);
        let Some((name, share)) = part.split_once('=') else {
            return Err(wrong(format!("{shown:?} is not NAME=SHARE, as in `train=0.8,test=0.2`")));
        };
        let (name, share) = (name.trim(), share.trim());
        let chars = name.chars().count();
        if chars == 0 || chars > MOST_CHARS || name.chars().any(char::is_control) {
            return Err(wrong(format!(
                "{shown:?}: a name has 1 to {MOST_CHARS} characters, and none of control"
            )));
        }
        let share = match share.parse::<f64>() {
            Ok(share) if share.is_finite() && share > 0.0 => share,
            _ => return Err(wrong(format!("{shown:?}: a share is a number above 0"))),
        };
        if targets.iter().any(|target| target.name == name) {
            return Err(wrong(format!("`{name}` stands there twice")));
        }
        if targets.len() == MOST_SPLITS {
            return Err(wrong(format!("more than {MOST_SPLITS} splits")));
        }
        targets.push(Target { name: name.into(), share });
    }
    let sum: f64 = targets.iter().map(|target| target.share).sum();
    if (sum - 1.0).abs() > SLACK {
        let shown = (sum * 1e12).round() / 1e12;
        return Err(wrong(format!("{:?} sums to {shown}, not to 1", cut(text))));
    }
    targets.iter_mut().for_each(|target| target.share /= sum);
    Ok(targets)
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_read() {
        let found = parse(" train=0.7, val =0.15,Tést=1.5e-1").unwrap();
        let names: Vec<&str> = found.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["train", "val", "Tést"]);
        assert!((found.iter().map(|t| t.share).sum::<f64>() - 1.0).abs() < 1e-15);
        assert_eq!(parse("all=1").unwrap(), [Target { name: "all".into(), share: 1.0 }]);
        assert_eq!(folds(4)[3], Target { name: "fold3".into(), share: 0.25 });
    }

    #[test]
    fn what_is_wrong_is_told() {
        let told = |text: &str| match parse(text) {
            Err(Error::Params { field, message }) if field == "ratios" => message,
            other => panic!("{text}: {other:?}"),
        };
        assert!(told("train=0.7,val=0.2,test=0.2").contains("sums to 1.1, not to 1"));
        assert!(told("train=0.7,0.3").contains("\"0.3\" is not NAME=SHARE"));
        assert!(told("").contains("NAME=SHARE"));
        assert!(told("a=0.5,a=0.5").contains("`a` stands there twice"));
        for share in ["0", "-1", "nan", "inf", "", "x", "0.5=0.5"] {
            assert!(told(&format!("a={share}")).contains("a number above 0"), "{share}");
        }
        assert!(told("=1").contains("1 to 64"));
        assert!(told(&format!("{}=1", "x".repeat(65))).contains("1 to 64"));
        assert!(told("a\u{7}b=1").contains("control"));
        let many: Vec<String> = (0..65).map(|n| format!("s{n}={}", 1.0 / 65.0)).collect();
        assert!(told(&many.join(",")).contains("more than 64"));
    }
}
