//! How many rows of which class each component has.

use crate::manifest::NULL;

/// Cells of a table of components and classes up to which it is counted as one.
const MOST_CELLS: usize = 1 << 24;

/// A column of classes over rows.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Class of each row, below `classes`, or [`NULL`] for rows that have none: they are a class of their own, the last.
    pub codes: &'a [u32],
    /// Number of classes.
    pub classes: u32,
}

/// What components have. Classes of several columns are numbered through, and each column has one more: rows without a class.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Rows of each component.
    pub rows: Vec<u32>,
    /// What each component weighs: its rows, or 1.
    pub sizes: Vec<u32>,
    /// Where each component's cells begin, and where the last one's end.
    starts: Vec<usize>,
    /// (class, how many), by class.
    cells: Vec<(u32, u32)>,
    /// How many of each class in all.
    pub totals: Vec<u64>,
    /// Squares of what components have of each class, summed: exact integers.
    squares: Vec<u128>,
    /// First class of each column, and the number of all classes.
    pub columns: Vec<u32>,
}

impl Counts {
    /// Counts rows: `components` has the component of each, below `ranks`' number of them. With `by_groups` a component
    /// counts once, in all and in each class that it has.
    ///
    /// # Panics
    /// When codes or components are out of their range, or columns of another length.
    pub fn of(components: &[u32], count: usize, columns: &[Column<'_>], by_groups: bool) -> Self {
        let mut counts =
            Self { rows: vec![0; count], starts: vec![0; count + 1], ..Self::default() };
        for component in components {
            counts.rows[*component as usize] += 1;
        }
        let mut first = vec![0_u32];
        for column in columns {
            assert_eq!(column.codes.len(), components.len(), "a class for each row");
            first.push(first[first.len() - 1] + column.classes + 1);
        }
        let classes = first[columns.len()] as usize;
        counts.columns = first;
        if count.saturating_mul(classes) <= MOST_CELLS.min(components.len().max(1 << 16)) {
            counts.count_in_a_table(components, columns, classes);
        } else {
            counts.count_in_lists(components, columns);
        }
        if by_groups {
            counts.cells.iter_mut().for_each(|(_, n)| *n = 1);
            counts.sizes = vec![1; count];
        } else {
            counts.sizes = counts.rows.clone();
        }
        counts.totals = vec![0; classes];
        counts.squares = vec![0; classes];
        for (class, n) in &counts.cells {
            counts.squares[*class as usize] += u128::from(*n) * u128::from(*n);
            counts.totals[*class as usize] += u64::from(*n);
        }
        counts
    }

    fn count_in_a_table(&mut self, components: &[u32], columns: &[Column<'_>], classes: usize) {
        let mut table = vec![0_u32; self.rows.len() * classes];
        for (column, first) in columns.iter().zip(&self.columns) {
            for (component, code) in components.iter().zip(column.codes) {
                let class = first + (*code).min(column.classes);
                table[*component as usize * classes + class as usize] += 1;
            }
        }
        for (component, row) in table.chunks_exact(classes.max(1)).enumerate() {
            let some = (0..).zip(row).filter(|(_, n)| **n > 0);
            self.cells.extend(some.map(|(class, n)| (class, *n)));
            self.starts[component + 1] = self.cells.len();
        }
    }

    /// Puts the rows of each component side by side, and counts one component after the other.
    fn count_in_lists(&mut self, components: &[u32], columns: &[Column<'_>]) {
        let width = columns.len();
        let mut ends = Vec::with_capacity(self.rows.len());
        let mut all = 0;
        for rows in &self.rows {
            ends.push(all);
            all += *rows as usize * width;
        }
        let mut lists = vec![0_u32; all];
        for (row, component) in components.iter().enumerate() {
            let end = &mut ends[*component as usize];
            for (column, first) in columns.iter().zip(&self.columns) {
                lists[*end] = first + column.codes[row].min(column.classes);
                *end += 1;
            }
        }
        let mut begin = 0;
        for (component, end) in ends.iter().enumerate() {
            let list = &mut lists[begin..*end];
            list.sort_unstable();
            let runs = list.chunk_by(|a, b| a == b);
            self.cells.extend(runs.map(|run| (run[0], run.len() as u32)));
            self.starts[component + 1] = self.cells.len();
            begin = *end;
        }
    }

    /// Number of components.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// (class, how many) of a component.
    pub fn of_component(&self, component: usize) -> &[(u32, u32)] {
        &self.cells[self.starts[component]..self.starts[component + 1]]
    }

    /// How far a class is bound to few components: 1 where it lies in a single one, 1/k where in k equal ones, 0 where in
    /// none.
    pub fn bound(&self, class: usize) -> f64 {
        let n = self.totals[class] as f64;
        if n > 0.0 { self.squares[class] as f64 / (n * n) } else { 0.0 }
    }

    /// The same of all that components weigh.
    pub fn bound_of_all(&self) -> f64 {
        let sum =
            |of: fn(u128) -> u128| self.sizes.iter().map(|n| of(u128::from(*n))).sum::<u128>();
        let n = sum(|n| n) as f64;
        if n > 0.0 { sum(|n| n * n) as f64 / (n * n) } else { 0.0 }
    }

    /// Different classes of each column that something has.
    pub fn classes(&self) -> Vec<u32> {
        let found = self.columns.windows(2).map(|of| {
            let totals = &self.totals[of[0] as usize..of[1] as usize];
            totals.iter().filter(|n| **n > 0).count() as u32
        });
        found.collect()
    }

    /// The variance of a component's class counts, times a number that is the same for all components: an exact
    /// integer. Summed over columns.
    pub fn variance(&self, component: usize, classes: &[u32]) -> u128 {
        let mut sums = [0_u128; 2];
        let (mut column, mut variance) = (0, 0);
        let mut close = |sums: &mut [u128; 2], column: usize| {
            let [sum, squares] = std::mem::take(sums);
            let c = u128::from(classes.get(column).copied().unwrap_or(0));
            variance += (c * squares).saturating_sub(sum * sum);
        };
        for (class, n) in self.of_component(component) {
            while *class >= self.columns[column + 1] {
                close(&mut sums, column);
                column += 1;
            }
            sums[0] += u128::from(*n);
            sums[1] += u128::from(*n) * u128::from(*n);
        }
        close(&mut sums, column);
        variance
    }
}

const _: () = assert!(NULL == u32::MAX, "rows without a class come last");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_counting_agree() {
        let rows = 3000_u32;
        let draw = |n: u32, of: u32, salt: u32| (n ^ salt).wrapping_mul(2_654_435_761) % of;
        let components: Vec<u32> = (0..rows).map(|n| draw(n, 40, 1) % 37).collect();
        let a: Vec<u32> = (0..rows).map(|n| draw(n, 5, 2)).collect();
        let null = |n: u32| if n.is_multiple_of(7) { NULL } else { draw(n, 3, 9) };
        let b: Vec<u32> = (0..rows).map(null).collect();
        let columns = [Column { codes: &a, classes: 5 }, Column { codes: &b, classes: 3 }];
        let table = Counts::of(&components, 37, &columns, false);
        let mut lists = Counts { cells: Vec::new(), starts: vec![0; 38], ..table.clone() };
        lists.count_in_lists(&components, &columns);
        assert_eq!(lists, table);
        assert_eq!(table.totals.iter().sum::<u64>(), u64::from(2 * rows));
        assert_eq!(table.totals[9], u64::from(rows.div_ceil(7)));
        let by_groups = Counts::of(&components, 37, &columns, true);
        assert!(by_groups.totals.iter().all(|n| *n <= 37) && by_groups.sizes == [1; 37]);
    }

    #[test]
    fn the_variance_is_that_of_the_books() {
        // Component 0 has counts 2 and 0, component 1 counts 1 and 1 (and nobody is without a class).
        let codes = [0, 0, 0, 1];
        let column = Column { codes: &codes, classes: 2 };
        let counts = Counts::of(&[0, 0, 1, 1], 2, &[column], false);
        let classes = counts.classes();
        assert_eq!(classes, [2]);
        assert_eq!((counts.variance(0, &classes), counts.variance(1, &classes)), (4, 0));
    }
}
