//! Made-up people. Each story names its own, so that stories can share one
//! service without meeting. Numbers come from the example range and carry a
//! correct check digit; phones and e-mail from ranges kept for examples.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

/// The fixture numbers of RULES, in order: `NUMBERS[0]` is …018.
pub(crate) const NUMBERS: [&str; 11] = [
    "9990000018",
    "9990000026",
    "9990000034",
    "9990000042",
    "9990000050",
    "9990000069",
    "9990000077",
    "9990000085",
    "9990000093",
    "9990000107",
    "9990000115",
];

const WOMEN: [&str; 12] = [
    "Rosalind",
    "Philippa",
    "Imogen",
    "Clarissa",
    "Beatrix",
    "Henrietta",
    "Cordelia",
    "Winifred",
    "Marguerite",
    "Theodora",
    "Ottoline",
    "Perdita",
];
const MEN: [&str; 12] = [
    "Barnaby",
    "Crispin",
    "Leopold",
    "Montague",
    "Percival",
    "Rupert",
    "Sylvester",
    "Thaddeus",
    "Ambrose",
    "Cornelius",
    "Fitzroy",
    "Lysander",
];
const FAMILY_STARTS: [&str; 16] = [
    "Bram", "Thorn", "Quill", "Ashen", "Wicken", "Langen", "Fernan", "Hollin", "Kesten", "Marren",
    "Norring", "Pender", "Raven", "Stenning", "Tallan", "Wexen",
];
const FAMILY_ENDS: [&str; 16] = [
    "brook", "wick", "thorpe", "combe", "dale", "ford", "gate", "holm", "ley", "mere", "ness",
    "shaw", "stead", "worth", "wold", "garth",
];
const STREETS: [&str; 8] = [
    "Orchard Rise",
    "Quarry Lane",
    "Sandstone Terrace",
    "Heron Close",
    "Foundry Street",
    "Larkspur Avenue",
    "Windmill Hill",
    "Canal Walk",
];
const INWARD_LETTERS: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";

/// A person with everything a good source knows, except an NHS number. The
/// same story gives the same person; another story gives somebody unrelated.
pub(crate) fn person(story: &str) -> Value {
    let mut draw = Draw(seed(story));
    let woman = draw.below(2) == 0;
    let given = if woman { WOMEN } else { MEN }[draw.below(12)];
    let family = format!(
        "{}{}",
        FAMILY_STARTS[draw.below(16)],
        FAMILY_ENDS[draw.below(16)]
    );
    let born = format!(
        "{}-{:02}-{:02}",
        1931 + draw.below(70),
        1 + draw.below(12),
        2 + draw.below(26)
    );
    let inward_letter = |at: usize| char::from(INWARD_LETTERS[at]);
    let postcode = format!(
        "LS{} {}{}{}",
        1 + draw.below(28),
        1 + draw.below(9),
        inward_letter(draw.below(20)),
        inward_letter(draw.below(20)),
    );
    json!({
        "given_names": [given],
        "family_name": family,
        "birth_date": born,
        "gender": if woman { "female" } else { "male" },
        "addresses": [{
            "use": "home",
            "lines": [format!("{} {}", 1 + draw.below(190), STREETS[draw.below(8)])],
            "town": "Leeds",
            "postcode": postcode,
        }],
        "phones": [format!("07700 900{:03}", draw.below(1000))],
    })
}

/// The same with a verified number of the story's own.
pub(crate) fn verified_person(story: &str) -> Value {
    with(
        &person(story),
        json!({"nhs_number": number(story), "nhs_number_status": "01"}),
    )
}

/// John Smith of RULES R79: a name and a birth date that many share.
pub(crate) fn john_smith() -> Value {
    json!({
        "given_names": ["John"], "family_name": "Smith",
        "birth_date": "1961-03-04", "gender": "male",
    })
}

/// `base` with the members of `changes`; a null takes a member out.
pub(crate) fn with(base: &Value, changes: Value) -> Value {
    let mut changed = base.clone();
    let members = changed.as_object_mut().expect("a person is an object");
    let Value::Object(changes) = changes else {
        panic!("changes are an object");
    };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    changed
}

/// A number of the example range that belongs to the story alone.
pub(crate) fn number(story: &str) -> String {
    let start = seed(story) % 90_000;
    (0..)
        .find_map(|step| with_check_digit(999_100_000 + (start + step) % 90_000))
        .expect("one in eleven has no check digit, not all")
}

/// A number of the example range that nobody had before in this process, for
/// proofs with more people than `number` can keep apart.
pub(crate) fn fresh_number() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let nine = 999_200_000 + NEXT.fetch_add(1, Ordering::SeqCst) % 799_999;
        if let Some(number) = with_check_digit(nine) {
            return number;
        }
    }
}

/// Nine digits and their Mod 11 check digit; none when that would be ten.
fn with_check_digit(nine: u64) -> Option<String> {
    let digits = format!("{nine:09}");
    let sum: u32 = digits
        .chars()
        .zip((2..=10).rev())
        .filter_map(|(digit, weight)| digit.to_digit(10).map(|value| value * weight))
        .sum();
    match 11 - sum % 11 {
        11 => Some(format!("{digits}0")),
        10 => None,
        check => Some(format!("{digits}{check}")),
    }
}

/// FNV-1a, so that a story's people stay the same on every run.
fn seed(story: &str) -> u64 {
    story.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A small generator (splitmix64): good enough to keep people apart.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("below a usize")
    }
}

#[test]
fn the_numbers_of_the_stories_are_like_those_of_the_rules() {
    assert_eq!(with_check_digit(999_000_001).as_deref(), Some(NUMBERS[0]));
    assert_eq!(with_check_digit(999_000_011).as_deref(), Some(NUMBERS[10]));
    assert_eq!(number("a story"), number("a story"));
    assert_ne!(number("a story"), number("another story"));
}
