//! Times of photos, as the columns `exif.time` and `capture.time` have them.

/// Seconds since 1970 of `YYYY-MM-DDTHH:MM:SS`, of a clock without a zone; what follows (fractions, a zone) is
/// let pass. `None` for what is no such time.
pub fn seconds(text: &str) -> Option<i64> {
    let head = text.as_bytes().get(..19)?;
    let fits = head.iter().zip(b"0000-00-00T00:00:00").all(|(found, form)| match form {
        b'0' => found.is_ascii_digit(),
        b'T' => matches!(found, b'T' | b' '),
        other => found == other,
    });
    if !fits {
        return None;
    }
    let number =
        |from: usize, to: usize| head[from..to].iter().fold(0, |n, d| n * 10 + i64::from(d - b'0'));
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day at the end (H. Hinnant, "days from civil").
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (m * 153 + 2) / 5 + day
            - 1
            - 719_468;
    Some(days * 86_400 + number(11, 13) * 3600 + number(14, 16) * 60 + number(17, 19))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn days_are_counted_as_calendars_do() {
        assert_eq!(seconds("1970-01-01T00:00:00"), Some(0));
        assert_eq!(seconds("2000-03-01T00:00:00"), Some(951_868_800));
        assert_eq!(seconds("2021-04-11 20:43:09.5+01:00"), Some(1_618_173_789));
        assert_eq!(seconds("2016-02-29T23:59:59"), Some(1_456_790_399));
        for wrong in [
            "",
            "2021",
            "ä016-02-29T23:59:59",
            "2021:04:11 20:43:09",
            "2021-13-11T20:43:09",
            "2021-04-11T20:43",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
