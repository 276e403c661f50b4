//! What is done to whole manifests: `cargo bench --bench tables [-- ROWS]`, and the tables for it:
//! `cargo bench --bench tables -- make FOLDER ROWS`.
//!
//! Prints `work<TAB>ours<TAB>seconds`. The table is drawn by arithmetic: 10 classes, each with about half of the rows of
//! the one before; 20,000 patients of very different sizes; 3 slides each. `tables_vs_peers.sh` puts other programs
//! beside it, on the same rows.

#[path = "tables/rows.rs"]
mod rows;
#[path = "tables/works.rs"]
mod works;

fn main() {
    // cargo adds a flag of its own.
    let given: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    match given[..] {
        ["make", folder, count] => rows::make(folder, count.parse().expect("a number of rows")),
        [count] => works::all(count.parse().expect("a number of rows")),
        _ => works::all(10_000_000),
    }
}
