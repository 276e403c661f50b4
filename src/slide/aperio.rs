//! Aperio SVS: a TIFF whose description begins with "Aperio" and lists `key = value` pairs between
//! bars. Tiled pages are levels; striped ones are the thumbnail (second page), label and macro (named
//! in the second line of their own description). The rules are those of OpenSlide's documentation of
//! the format, <https://openslide.org/formats/aperio/>.

use super::tiff::{Page, Plan};

/// Says how an Aperio file is put together; `None` for other files.
pub fn recognise(pages: &[Page]) -> Option<Plan> {
    let base = pages.first()?;
    let description = base.description.as_deref()?;
    if !base.tiled || !description.starts_with("Aperio") {
        return None;
    }
    let mut levels: Vec<usize> = (0..pages.len()).filter(|&i| pages[i].tiled).collect();
    levels.sort_by_key(|&i| std::cmp::Reverse(pages[i].width_px));
    levels.dedup_by_key(|&mut i| pages[i].width_px);
    let mut associated: Vec<(String, usize)> = Vec::new();
    for (index, page) in pages.iter().enumerate().filter(|(_, page)| !page.tiled) {
        let name = if index == 1 { Some("thumbnail".into()) } else { picture_name(page) };
        if let Some(name) = name.filter(|n| !associated.iter().any(|(other, _)| other == n)) {
            associated.push((name, index));
        }
    }
    let mpp = value(description, "MPP").filter(|&mpp| mpp > 0.0);
    Some(Plan {
        vendor: "aperio",
        levels,
        associated,
        mpp: mpp.map(|mpp| (mpp, mpp)),
        objective: value(description, "AppMag").filter(|&m| m > 0.0),
    })
}

/// `label` or `macro`: the first word of the second line, or what NewSubfileType says (1 and 9).
fn picture_name(page: &Page) -> Option<String> {
    let line = page.description.as_deref().and_then(|text| text.lines().nth(1));
    let word = line.and_then(|line| line.split_whitespace().next());
    match (word, page.subfile_type) {
        (Some(word), _) => Some(word.to_lowercase()),
        (None, 1) => Some("label".into()),
        (None, 9) => Some("macro".into()),
        (None, _) => None,
    }
}

/// The number behind `key = ` in a description.
fn value(description: &str, key: &str) -> Option<f64> {
    description.split('|').skip(1).find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let number: f64 = (name.trim() == key).then(|| value.trim().parse().ok())??;
        number.is_finite().then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(width_px: u32, tiled: bool, subfile_type: u64, description: &str) -> Page {
        Page {
            width_px,
            height_px: width_px / 2,
            tiled,
            subfile_type,
            description: (!description.is_empty()).then(|| description.to_owned()),
            mpp: None,
            compression: "jpeg".into(),
            ndpi: false,
        }
    }

    #[test]
    fn levels_and_pictures_are_told_apart() {
        let pages = [
            page(4000, true, 0, "Aperio Image Library v1\r\n4000x2000|AppMag = 40|MPP = 0.2520"),
            page(400, false, 0, "Aperio Image Library v1\r\n400x200"),
            page(1000, true, 0, "Aperio Image Library v1\r\n1000x500"),
            page(300, false, 1, "Aperio Image Library v1\r\nlabel 300x150"),
            page(600, false, 9, ""),
        ];
        let plan = recognise(&pages).unwrap();
        assert_eq!(plan.levels, [0, 2]);
        assert_eq!(plan.mpp, Some((0.252, 0.252)));
        assert_eq!(plan.objective, Some(40.0));
        let names: Vec<_> = plan.associated.iter().map(|(n, i)| (n.as_str(), *i)).collect();
        assert_eq!(names, [("thumbnail", 1), ("label", 3), ("macro", 4)]);
    }

    #[test]
    fn other_descriptions_are_not_ours() {
        assert_eq!(recognise(&[page(10, true, 0, "")]), None);
        assert_eq!(recognise(&[page(10, true, 0, "Leica")]), None);
        assert_eq!(recognise(&[page(10, false, 0, "Aperio Image Library")]), None);
        assert_eq!(recognise(&[]), None);
    }

    #[test]
    fn odd_values_are_no_numbers() {
        for text in ["Aperio|MPP = x", "Aperio|MPP", "Aperio|XMPP = 1", "Aperio|MPP = inf"] {
            assert_eq!(value(text, "MPP"), None, "{text}");
        }
    }
}
