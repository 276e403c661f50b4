use super::*;

#[test]
fn tables_by_hand() {
    assert_eq!(Table::linear(1.5, -20.0).entries()[..16], [0; 16]);
    assert_eq!(Table::linear(1.5, -20.0).of(15), 3); // 2.5, away from zero
}
