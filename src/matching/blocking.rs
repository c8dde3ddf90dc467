//! Where to look: blocking keys of a record, with all its historic values.
//! How many records a key may hold, and what is said when one holds more, is
//! the index's business.
//!
//! Narrow kinds join two fields that together are rare, chosen so that a true
//! pair with any one field wrong or missing still shares two of them. Broad
//! kinds (one birth date, one postcode, one full name) are stored always, and
//! looked up only for a record that has nothing narrower with that field.
//!
//! A key's hash is FNV-1a (64 bits) over the kind's name, a zero byte and the
//! text, finished with the mixer of MurmurHash3 so that short texts spread. It
//! is part of the stored format: so are the texts and, through name classes,
//! the tables of name variants. [`blocking_format`] changes when they do.

use serde::{Deserialize, Serialize};

use crate::identity::{NameToken, NhsNumber, StandardRecord};
use crate::matching::blocking_values::{Date, Next, Values, class_codes, sex_code, sound_codes};

macro_rules! key_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)+) => {
        /// Which rule made a key. `name()` is what answers show.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum KeyKind {
            $($(#[$doc])* $variant,)+
        }

        impl KeyKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The kind's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

key_kinds! {
    /// NHS number.
    NhsNumber = "nhs_number";
    /// Phone.
    Phone = "phone";
    /// E-mail address.
    Email = "email";
    /// Identifier of another authority, whatever the authority.
    OtherIdentifier = "other_identifier";
    /// Property.
    Uprn = "uprn";
    /// Birth date and given name, by class and by sound.
    BirthDateGiven = "birth_date_given";
    /// Birth date and the sound of a family name.
    BirthDateFamily = "birth_date_family";
    /// Birth year and both names, in either order.
    BirthYearNames = "birth_year_names";
    /// Day and month of birth and both names, in either order: the year is wrong.
    BirthDayNames = "birth_day_names";
    /// Both names and the district: the date is wrong or missing.
    NamesOutward = "names_outward";
    /// Postcode and given name.
    PostcodeGiven = "postcode_given";
    /// Postcode, sound of a family name, birth year.
    PostcodeFamilyYear = "postcode_family_year";
    /// Birth date, day and month in either order, and postcode.
    BirthDatePostcode = "birth_date_postcode";
    /// The mother's identifier and the birth date.
    MotherBirthDate = "mother_birth_date";
    /// Birth date, sex and district, for the nameless.
    BirthDateSexOutward = "birth_date_sex_outward";
    /// Broad: birth date.
    BirthDate = "birth_date";
    /// Broad: postcode.
    Postcode = "postcode";
    /// Broad: both names.
    Names = "names";
    /// A record with nothing that can be looked up, such as one name alone.
    Single = "single_value";
}

impl KeyKind {
    /// Broad kinds hold many records by nature.
    #[must_use]
    pub const fn is_broad(self) -> bool {
        matches!(
            self,
            Self::BirthDate | Self::Postcode | Self::Names | Self::Single
        )
    }
}

/// A key: its kind and a stable 64-bit hash of kind and text. Identifying text
/// is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockingKey {
    /// The rule.
    pub kind: KeyKind,
    /// The hash.
    pub hash: u64,
}

/// A value that a great many records share and that divides the records of a crowded
/// key: birth year, month, sex, district, sound of the first given name. Its hash has
/// the highest bit set and a key's has not, so that both may stand in one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Facet(pub u64);

/// The highest bit of a hash: set in facets alone.
pub const FACET_BIT: u64 = 1 << 63;

/// All keys of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockingKeys {
    /// What the record is stored under (sorted, unique): every kind, broad
    /// ones too.
    pub stored: Vec<BlockingKey>,
    /// What divides crowded keys that the record stands under (sorted, unique).
    pub facets: Vec<Facet>,
    /// What is looked up for this record.
    pub probes: Vec<Probe>,
}

/// One look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The key.
    pub key: BlockingKey,
    /// What narrows it, one after the other, while it holds too many records.
    pub facets: Vec<Facet>,
}

impl BlockingKeys {
    /// The hashes that the record is stored under: of its keys, then of its facets.
    #[must_use]
    pub fn stored_hashes(&self) -> Vec<u64> {
        let keys = self.stored.iter().map(|key| key.hash);
        keys.chain(self.facets.iter().map(|facet| facet.0))
            .collect()
    }

    /// The lock keys: a pure function of the record, never of counts (DESIGN
    /// §4): hashes of `probes[].key`, sorted, unique.
    #[must_use]
    pub fn lock_hashes(&self) -> Vec<u64> {
        let mut hashes: Vec<u64> = self.probes.iter().map(|probe| probe.key.hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    /// Whether both would be registered under a common lock.
    #[must_use]
    pub fn shares_lock_with(&self, other: &Self) -> bool {
        let others = other.lock_hashes();
        self.probes
            .iter()
            .any(|probe| others.binary_search(&probe.key.hash).is_ok())
    }
}

/// Keys of a record.
#[must_use]
pub fn blocking_keys(record: &StandardRecord) -> BlockingKeys {
    let values = Values::of(record);
    let mut maker = Maker::dividing(&values);
    identifier_keys(record, &values, &mut maker);
    name_keys(&values, &mut maker);
    place_keys(&values, &mut maker);
    let nameless = values.given_all.is_empty() && values.family.is_empty();
    if let (true, Some(date), Some(sex)) = (nameless, values.date, values.sex) {
        for outward in &values.outwards {
            let text = format!("{date}|{}|{outward}", sex_code(sex));
            maker.narrow(KeyKind::BirthDateSexOutward, &text, &[]);
        }
    }
    broad_keys(&values, &mut maker);
    if maker.stored.is_empty() && record.identifies() {
        // Each record stands under a key; nobody looks this one up.
        let names = values.family.iter().chain(&values.given_all);
        let only = names.map(String::as_str).next().unwrap_or_default();
        maker.stored(KeyKind::Single, only);
    }
    maker.finish()
}

/// The hash of the key under which a number is looked up.
#[must_use]
pub fn number_key(number: NhsNumber) -> u64 {
    hash(KeyKind::NhsNumber, &number.digits())
}

/// Changes whenever stored keys must be made anew: a hash of the keys of a
/// fixed set of names through the tables and codes that this build has.
#[must_use]
pub fn blocking_format() -> u64 {
    const NAMES: [&str; 12] = [
        "Robert",
        "Bob",
        "Mohammed",
        "Katarzyna",
        "Sarah",
        "Elizabeth",
        "Wei",
        "Siobhan",
        "Dafydd",
        "Agnieszka",
        "Abdul",
        "Catherine",
    ];
    let mut text = String::from("2");
    for name in NAMES {
        if let Some(token) = NameToken::fold(name) {
            let mut codes = Vec::new();
            class_codes(&token, &mut codes);
            sound_codes(&token, &mut codes);
            text.push('|');
            text.push_str(&codes.join(","));
        }
    }
    hash(KeyKind::Names, &text)
}

/// Collects keys.
#[derive(Default)]
struct Maker {
    stored: Vec<BlockingKey>,
    probes: Vec<Probe>,
    facets: Vec<(Next, Facet)>,
}

impl Maker {
    fn dividing(values: &Values) -> Self {
        let facets = values.sharpening().into_iter();
        let facets = facets.map(|(next, value)| {
            let hash = stable_hash(next.name(), &value) | FACET_BIT;
            (next, Facet(hash))
        });
        Self {
            facets: facets.collect(),
            ..Self::default()
        }
    }

    /// A key that is stored and looked up, with what narrows it.
    fn narrow(&mut self, kind: KeyKind, text: &str, sharpening: &[Next]) {
        let key = self.stored(kind, text);
        let probe = self.probe(key, sharpening);
        self.probes.push(probe);
    }

    /// A key that is only stored.
    fn stored(&mut self, kind: KeyKind, text: &str) -> BlockingKey {
        let key = BlockingKey {
            kind,
            hash: hash(kind, text),
        };
        self.stored.push(key);
        key
    }

    fn probe(&self, key: BlockingKey, sharpening: &[Next]) -> Probe {
        let facets = sharpening.iter().filter_map(|field| {
            let own = self.facets.iter().find(|(next, _)| next == field);
            own.map(|(_, facet)| *facet)
        });
        Probe {
            key,
            facets: facets.collect(),
        }
    }

    fn has(&self, kinds: &[KeyKind]) -> bool {
        self.probes
            .iter()
            .any(|probe| kinds.contains(&probe.key.kind))
    }

    fn finish(mut self) -> BlockingKeys {
        self.stored.sort_unstable();
        self.stored.dedup();
        self.probes.sort_by_key(|probe| probe.key);
        self.probes.dedup_by_key(|probe| probe.key);
        let mut facets: Vec<Facet> = self.facets.iter().map(|(_, facet)| *facet).collect();
        facets.sort_unstable();
        facets.dedup();
        BlockingKeys {
            stored: self.stored,
            facets,
            probes: self.probes,
        }
    }
}

fn identifier_keys(record: &StandardRecord, values: &Values, maker: &mut Maker) {
    if let Some(claim) = &record.nhs_number {
        maker.narrow(KeyKind::NhsNumber, &claim.number.digits(), &[]);
    }
    for phone in &record.phones {
        maker.narrow(KeyKind::Phone, phone.as_str(), &[Next::Given, Next::Year]);
    }
    for email in &record.emails {
        maker.narrow(KeyKind::Email, email.as_str(), &[Next::Given, Next::Year]);
    }
    for identifier in &record.identifiers {
        maker.narrow(
            KeyKind::OtherIdentifier,
            &identifier.value,
            &[Next::Year, Next::Given],
        );
    }
    for uprn in &values.uprns {
        maker.narrow(KeyKind::Uprn, uprn, &[Next::Given, Next::Year]);
    }
    let Some(mother) = &record.mother else { return };
    let Some(date) = values.date else { return };
    if let Some((source, local_id)) = &mother.local {
        maker.narrow(
            KeyKind::MotherBirthDate,
            &format!("{source}|{local_id}|{date}"),
            &[],
        );
    }
    if let Some(number) = mother.nhs_number {
        maker.narrow(
            KeyKind::MotherBirthDate,
            &format!("{}|{date}", number.digits()),
            &[],
        );
    }
}

fn name_keys(values: &Values, maker: &mut Maker) {
    if let Some(date) = values.date {
        for given in &values.given_all {
            maker.narrow(
                KeyKind::BirthDateGiven,
                &format!("{date}|{given}"),
                &[Next::Outward],
            );
        }
        for family in &values.family {
            maker.narrow(
                KeyKind::BirthDateFamily,
                &format!("{date}|{family}"),
                &[Next::Sex],
            );
        }
    }
    for pair in values.name_pairs() {
        if let Some(year) = values.year {
            let sharpening = [Next::Month, Next::Outward];
            maker.narrow(
                KeyKind::BirthYearNames,
                &format!("{year}|{pair}"),
                &sharpening,
            );
        }
        if let Some(Date(_, month, day)) = values.date {
            let (low, high) = (month.min(day), month.max(day));
            maker.narrow(
                KeyKind::BirthDayNames,
                &format!("{low}-{high}|{pair}"),
                &[Next::Outward],
            );
        }
        for outward in &values.outwards {
            maker.narrow(
                KeyKind::NamesOutward,
                &format!("{outward}|{pair}"),
                &[Next::Year],
            );
        }
    }
}

fn place_keys(values: &Values, maker: &mut Maker) {
    for postcode in &values.postcodes {
        for given in &values.given_all {
            maker.narrow(
                KeyKind::PostcodeGiven,
                &format!("{postcode}|{given}"),
                &[Next::Year],
            );
        }
        if let Some(year) = values.year {
            for family in &values.family {
                let text = format!("{postcode}|{family}|{year}");
                maker.narrow(KeyKind::PostcodeFamilyYear, &text, &[Next::Sex]);
            }
        }
        if let Some(Date(year, month, day)) = values.date {
            let (low, high) = (month.min(day), month.max(day));
            let text = format!("{postcode}|{year}-{low}-{high}");
            maker.narrow(KeyKind::BirthDatePostcode, &text, &[Next::Sex]);
        }
    }
}

/// Broad keys are stored always, and looked up only where no narrow key of
/// this record holds the field.
fn broad_keys(values: &Values, maker: &mut Maker) {
    const DATED: [KeyKind; 6] = [
        KeyKind::BirthDateGiven,
        KeyKind::BirthDateFamily,
        KeyKind::BirthDatePostcode,
        KeyKind::MotherBirthDate,
        KeyKind::BirthDateSexOutward,
        KeyKind::NhsNumber,
    ];
    const PLACED: [KeyKind; 4] = [
        KeyKind::PostcodeGiven,
        KeyKind::PostcodeFamilyYear,
        KeyKind::BirthDatePostcode,
        KeyKind::BirthDateSexOutward,
    ];
    const NAMED: [KeyKind; 4] = [
        KeyKind::BirthYearNames,
        KeyKind::BirthDayNames,
        KeyKind::NamesOutward,
        KeyKind::PostcodeGiven,
    ];
    let mut broad = Vec::new();
    if let Some(date) = values.date {
        let key = maker.stored(KeyKind::BirthDate, &date.to_string());
        let probe = maker.probe(key, &[Next::Sex, Next::Outward]);
        broad.extend((!maker.has(&DATED)).then_some(probe));
    }
    for postcode in &values.postcodes {
        let key = maker.stored(KeyKind::Postcode, postcode);
        let probe = maker.probe(key, &[Next::Year, Next::Sex]);
        broad.extend((!maker.has(&PLACED)).then_some(probe));
    }
    for pair in values.name_pairs() {
        // With a year or a district there is a narrow key.
        let key = maker.stored(KeyKind::Names, &pair);
        let probe = maker.probe(key, &[Next::Sex]);
        broad.extend((!maker.has(&NAMED)).then_some(probe));
    }
    maker.probes.append(&mut broad);
}

fn hash(kind: KeyKind, text: &str) -> u64 {
    stable_hash(kind.name(), text) & !FACET_BIT
}

/// FNV-1a (64 bits) over the kind's name, zero, and the text, then the
/// finishing mixer of MurmurHash3.
pub(super) fn stable_hash(kind: &str, text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in kind.bytes().chain([0]).chain(text.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
