//! What `sample` says of a draw: in numbers, and in notes for people.

use serde::Serialize;

use super::target::shown;

/// Classes that are listed for each split: those with the most rows. The others are added up.
pub const MOST_CLASSES: usize = 1000;
/// How often a row may be drawn before a note says so.
pub const MANY_REPEATS: u64 = 20;
/// Classes that a note names.
const NAMED: usize = 5;
/// Characters of a name that are shown.
const MOST_CHARS: usize = 80;

/// All that is said.
#[derive(Serialize, Debug, Default, Clone, PartialEq)]
pub struct Findings {
    /// The splits that were balanced.
    pub splits: Vec<OfSplit>,
    /// What each cap took away, in their order.
    pub caps: Vec<OfCap>,
    /// What the spacing took away.
    pub spacing: Option<OfSpacing>,
    /// How evenly each level was drawn from.
    pub levels: Vec<OfLevel>,
    /// Draws that show an image which another draw shows too: repeats, and rows with equal digests.
    pub duplicates_drawn: u64,
}

/// One split.
#[derive(Serialize, Debug, Default, Clone, PartialEq)]
pub struct OfSplit {
    /// Its name; null for a manifest without splits.
    pub split: Option<String>,
    /// Its rows.
    pub rows: u64,
    /// Those of them without a class.
    pub unlabelled: u64,
    /// Those that caps and spacing took away.
    pub thinned: u64,
    /// Draws, each as often as it counts.
    pub drawn: u64,
    /// Different rows that were drawn.
    pub distinct: u64,
    /// Draws that the target asked for and could not have.
    pub short: u64,
    /// Its classes, the largest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<OfClass>,
    /// Its classes, where a row may have several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masses: Vec<OfMass>,
    /// Classes that are not listed.
    pub more_classes: u64,
    /// Those, added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<OfClass>,
}

/// One class.
#[derive(Serialize, Debug, Default, Clone, PartialEq)]
pub struct OfClass {
    /// Its name.
    pub class: String,
    /// Its rows.
    pub rows: u64,
    /// Those that caps and spacing left.
    pub available: u64,
    /// Its share of the target.
    pub share: f64,
    /// How many draws the target asks for.
    pub quota: u64,
    /// Draws, each as often as it counts.
    pub drawn: u64,
    /// Different rows that were drawn.
    pub distinct: u64,
    /// Draws that repeat a row.
    pub repeats: u64,
    /// Draws that are missing.
    pub short: u64,
}

/// A class, where a row may have several.
#[derive(Serialize, Debug, Default, Clone, PartialEq)]
pub struct OfMass {
    /// Its name.
    pub class: String,
    /// The sum of its shares, over rows that caps and spacing left.
    pub mass: f64,
    /// Its share of the target.
    pub share: f64,
    /// The sum of its shares over rows that were drawn.
    pub drawn_mass: f64,
}

/// One cap.
#[derive(Serialize, Debug, Default, Clone, PartialEq)]
pub struct OfCap {
    /// Over which column.
    pub column: String,
    /// Whether each class was capped alone.
    pub within_classes: bool,
    /// Rows that each value may have.
    pub most: u64,
    /// Rows that were taken away.
    pub removed: u64,
    /// Rows without a value, which no cap touches.
    pub without_value: u64,
}

/// The spacing.
#[derive(Serialize, Debug, Default, Clone, PartialEq)]
pub struct OfSpacing {
    /// The least distance.
    pub spacing_px: f64,
    /// Rows that were taken away.
    pub removed: u64,
    /// Rows without a slide or a place, which no spacing touches.
    pub without_place: u64,
}

/// One level: draws of each of the column's values, within a class and what lies above.
#[derive(Serialize, Debug, Default, Clone, PartialEq)]
pub struct OfLevel {
    /// The column.
    pub column: String,
    /// Different values, within classes and what lies above.
    pub values: u64,
    /// Fewest draws of one.
    pub min: u64,
    /// The middle one's (of an even number, the lower).
    pub median: u64,
    /// Most draws of one.
    pub max: u64,
}

/// A name as findings carry it.
pub fn cut(name: &str) -> String {
    match name.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_string(),
    }
}

impl OfLevel {
    /// The spread of the draws of a level's values.
    pub fn of(column: &str, mut draws: Vec<u64>) -> Self {
        draws.sort_unstable();
        let at = |place: usize| draws.get(place).copied().unwrap_or(0);
        Self {
            column: column.into(),
            values: draws.len() as u64,
            min: at(0),
            median: at(draws.len().saturating_sub(1) / 2),
            max: at(draws.len().saturating_sub(1)),
        }
    }
}

impl OfSplit {
    /// Adds the classes up, and lists the largest.
    pub fn list(&mut self, mut classes: Vec<OfClass>) {
        for class in &classes {
            self.drawn += class.drawn;
            self.distinct += class.distinct;
            self.short += class.short;
        }
        classes.retain(|class| class.rows > 0 || class.quota > 0);
        classes.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.class.cmp(&b.class)));
        let rest = classes.split_off(classes.len().min(MOST_CLASSES));
        self.more_classes = rest.len() as u64;
        self.others = rest.into_iter().reduce(|sum, next| OfClass {
            class: String::new(),
            rows: sum.rows + next.rows,
            available: sum.available + next.available,
            share: sum.share + next.share,
            quota: sum.quota + next.quota,
            drawn: sum.drawn + next.drawn,
            distinct: sum.distinct + next.distinct,
            repeats: sum.repeats + next.repeats,
            short: sum.short + next.short,
        });
        self.classes = classes;
    }

    /// The split as a note names it.
    pub fn place(&self) -> String {
        self.split.as_ref().map_or(String::new(), |split| format!(" of split {}", shown(split)))
    }
}

/// Some classes in words: each with what `tell` says of it, the first few by name.
pub fn some<'a>(
    classes: impl ExactSizeIterator<Item = &'a OfClass>,
    tell: impl Fn(&OfClass) -> String,
) -> String {
    let more = classes.len().saturating_sub(NAMED);
    let named = classes.take(NAMED).map(|class| format!("{} {}", shown(&class.class), tell(class)));
    let named: Vec<String> = named.collect();
    let more = if more > 0 { format!(", and {more} more classes") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

/// What people should know of the classes of a split: (notes, those that are short in words).
pub fn notes(split: &OfSplit, classes: &[OfClass]) -> (Vec<String>, Option<String>) {
    let place = split.place();
    let mut notes = Vec::new();
    let which = |is: &dyn Fn(&OfClass) -> bool| -> Vec<&OfClass> {
        let mut found: Vec<&OfClass> = classes.iter().filter(|c| is(c)).collect();
        found.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.class.cmp(&b.class)));
        found
    };
    let unnamed = which(&|c| c.available > 0 && c.share <= 0.0);
    if !unnamed.is_empty() {
        let rows: u64 = unnamed.iter().map(|c| c.available).sum();
        let some = some(unnamed.into_iter(), |c| format!("({})", c.available));
        notes.push(format!("{rows} rows{place} of classes that have no share are dropped: {some}"));
    }
    let none = which(&|c| c.share > 0.0 && c.quota == 0);
    if !none.is_empty() {
        let some = some(none.into_iter(), |c| format!("({} rows)", c.available));
        notes.push(format!("classes{place} whose share is less than a row get none: {some}"));
    }
    let often = which(&|c| c.distinct > 0 && c.drawn.div_ceil(c.distinct) > MANY_REPEATS);
    if !often.is_empty() {
        let some = some(often.into_iter(), |c| format!("({} rows, {} draws)", c.distinct, c.drawn));
        notes.push(format!("rows{place} are drawn more than {MANY_REPEATS} times: {some}"));
    }
    let short = which(&|c| c.short > 0);
    let short = (!short.is_empty()).then(|| {
        let some = some(short.into_iter(), |c| {
            format!("has {} of the {} draws it is to have", c.drawn, c.quota)
        });
        format!("classes{place} have too few rows: {some}")
    });
    (notes, short)
}
