//! `split` and the splitters of others on the same tables: no worse a balance.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use microtome::steps::split::{Classes, Counts, OPEN, assign};

use crate::common::python_or_skip;

/// Component and classes of each row, by column of classes.
struct Case {
    name: &'static str,
    components: Vec<u32>,
    columns: Vec<(Vec<u32>, u32)>,
    folds: u32,
}

fn draw(n: u64, salt: u64) -> u64 {
    let mut x =
        (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt.wrapping_mul(0xD134_2543_DE82_EF95);
    x = (x ^ x >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (x ^ x >> 29).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 20
}

/// Groups of very different sizes, of which each has its own mix of skewed classes.
fn table(name: &'static str, groups: u32, classes: u32, rows: u32, folds: u32, giant: u32) -> Case {
    let (mut components, mut codes) = (Vec::new(), Vec::new());
    for n in 0..u64::from(rows) {
        let at = draw(n, 1) % u64::from(groups) * (draw(n, 2) % u64::from(groups) + 1);
        let group = if n < giant.into() { 0 } else { at / u64::from(groups) };
        let lean = draw(group, 3) % u64::from(classes);
        let class = match draw(n, 4) % 10 {
            0..=2 => lean,
            k => {
                draw(n, 5 + k) % u64::from(classes) * (draw(n, 6) % u64::from(classes))
                    / u64::from(classes)
            }
        };
        components.push(group as u32);
        codes.push(class as u32);
    }
    // All groups have rows: numbers without gaps, as components have them.
    let mut seen = vec![u32::MAX; groups as usize];
    let mut next = 0;
    for component in &mut components {
        let number = &mut seen[*component as usize];
        if *number == u32::MAX {
            *number = next;
            next += 1;
        }
        *component = *number;
    }
    Case { name, components, columns: vec![(codes, classes)], folds }
}

/// The fold of each row, by us.
fn ours(case: &Case) -> Vec<u32> {
    let count = case.components.iter().max().map_or(0, |most| *most as usize + 1);
    let columns: Vec<Classes<'_>> =
        case.columns.iter().map(|(codes, classes)| Classes { codes, classes: *classes }).collect();
    let counts = Counts::of(&case.components, count, &columns, false);
    let ranks: Vec<u64> = (0..count as u64).map(|n| draw(n, 77)).collect();
    let shares = vec![1.0 / f64::from(case.folds); case.folds as usize];
    let splits = assign(&counts, &shares, &ranks, vec![OPEN; count]);
    case.components.iter().map(|component| splits[*component as usize].into()).collect()
}

/// How far what folds have of classes is from what they should: mean, mean standard deviation over folds, and largest.
fn off(case: &Case, folds: &[u32]) -> [f64; 3] {
    let (mut sum, mut spread, mut largest, mut number) = (0.0, 0.0, 0.0_f64, 0);
    for (codes, classes) in &case.columns {
        for class in 0..*classes {
            let mut have = vec![0_u32; case.folds as usize];
            let of_class = codes.iter().zip(folds).filter(|(code, _)| **code == class);
            of_class.for_each(|(_, fold)| have[*fold as usize] += 1);
            let all = f64::from(have.iter().sum::<u32>());
            if all == 0.0 {
                continue;
            }
            let k = f64::from(case.folds);
            let mut squares = 0.0;
            for n in have {
                let off = (f64::from(n) / all - 1.0 / k).abs();
                (sum, squares, largest) = (sum + off / k, squares + off * off, largest.max(off));
            }
            spread += (squares / k).sqrt();
            number += 1;
        }
    }
    [sum / f64::from(number), spread / f64::from(number), largest]
}

/// The fold of each row, by a script that has `components`, `columns` and `folds` and sets `fold`.
fn theirs(python: &Path, script: &str, case: &Case) -> Vec<u32> {
    let rows = case.components.len();
    let prelude = format!(
        "import sys, warnings\nimport numpy as np\nwarnings.simplefilter('ignore')\n\
         data = np.frombuffer(sys.stdin.buffer.read(), dtype='<u4').reshape(-1, {rows})\n\
         components, columns, folds = data[0], data[1:], {}\nfold = np.zeros({rows}, dtype='<u4')\n",
        case.folds
    );
    let mut child = Command::new(python)
        .args(["-c", &format!("{prelude}{script}\nsys.stdout.buffer.write(fold.tobytes())")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let all = std::iter::once(&case.components).chain(case.columns.iter().map(|(codes, _)| codes));
    let bytes: Vec<u8> = all.flatten().flat_map(|code| code.to_le_bytes()).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success(), "{}", case.name);
    let folds = output.stdout.as_chunks::<4>().0;
    assert_eq!(folds.len(), rows);
    folds.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

#[test]
fn groups_are_balanced_no_worse_than_by_scikit_learn() {
    let test = "groups_are_balanced_no_worse_than_by_scikit_learn";
    let Some(python) = python_or_skip(test, &["numpy", "sklearn.model_selection"]) else { return };
    let cases = [
        table("few groups", 12, 3, 2_000, 3, 0),
        table("patients", 60, 4, 6_000, 5, 0),
        table("many groups", 1_500, 6, 40_000, 5, 0),
        table("many classes", 300, 80, 20_000, 4, 0),
        table("a giant", 200, 5, 20_000, 5, 9_000),
        table("many folds", 400, 8, 20_000, 20, 0),
    ];
    let script = "
from sklearn.model_selection import StratifiedGroupKFold
parts = StratifiedGroupKFold(n_splits=folds).split(columns[0], columns[0], components)
for k, (_, test) in enumerate(parts):
    fold[test] = k";
    for case in &cases {
        no_worse(case, &ours(case), &theirs(&python, script, case));
    }
}

/// Mean deviations are no larger; the largest single one (of the rarest class, which no sum is made for) not by
/// more than 0.05.
fn no_worse(case: &Case, ours: &[u32], theirs: &[u32]) {
    let (ours, theirs, name) = (off(case, ours), off(case, theirs), case.name);
    println!("{name}: {ours:.6?} (theirs {theirs:.6?})");
    let rounding = 1e-12;
    assert!(ours[0] <= theirs[0] + rounding, "{name}: mean {}, theirs {}", ours[0], theirs[0]);
    assert!(ours[1] <= theirs[1] + rounding, "{name}: deviation {}, theirs {}", ours[1], theirs[1]);
    assert!(ours[2] <= theirs[2] + 0.05, "{name}: largest {}, theirs {}", ours[2], theirs[2]);
}

#[test]
fn several_labels_are_balanced_no_worse_than_by_iterative_stratification() {
    let test = "several_labels_are_balanced_no_worse_than_by_iterative_stratification";
    let Some(python) = python_or_skip(test, &["numpy", "iterstrat.ml_stratifiers"]) else { return };
    // Rows of their own, each with eight labels that it has or has not, from common to rare.
    let rows = 3_000_u32;
    let column = |label: u64| {
        let has = |n: u32| {
            u32::from(draw(u64::from(n) / 3 * 3 + label % 2, 10 + label).is_multiple_of(3 << label))
        };
        ((0..rows).map(has).collect(), 2)
    };
    let columns = (0..8).map(column).collect();
    let case = Case { name: "labels", components: (0..rows).collect(), columns, folds: 5 };
    let script = "
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
parts = MultilabelStratifiedKFold(n_splits=folds, shuffle=True, random_state=0).split(columns.T, columns.T)
for k, (_, test) in enumerate(parts):
    fold[test] = k";
    no_worse(&case, &ours(&case), &theirs(&python, script, &case));
}
