//! What one record says of each field of a golden record: a value that can be
//! used, something that cannot, or nothing.

use crate::foundation::Instant;
use crate::identity::{
    AddressUse, NameUse, Namespace, NhsNumber, NumberStatus, StandardRecord, StandardiseOptions,
    SubmittedRecord, standardise,
};
use crate::registry::{GoldenField, LocalId, SourceCode};

/// A version of a record, as a golden record takes it in.
#[derive(Debug, Clone)]
pub struct Contribution {
    /// Where the value comes from.
    pub origin: Origin,
    /// Trust of the source, 0 to 100.
    trust: u8,
    submitted: SubmittedRecord,
    standard: StandardRecord,
    /// Addresses, phones and e-mails that can be used, as sent.
    reachable: SubmittedRecord,
}

/// The version that a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The source.
    pub source: SourceCode,
    /// The record's id there.
    pub local_id: LocalId,
    /// Its version.
    pub version: u32,
    /// When it was so at the source.
    pub effective_at: Option<Instant>,
    /// When it came; shown, and never a reason to prefer a value.
    pub received_at: Instant,
}

/// A value that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// The value as sent, in the members that it has in a record.
    pub(super) value: SubmittedRecord,
    /// Equal for values that say the same.
    pub(super) same: String,
    /// The number that it is, where it is one.
    pub(super) number: Option<NhsNumber>,
    /// How sure it is; more is better.
    pub(super) sure: u8,
    /// How many parts it has.
    pub(super) parts: usize,
}

/// What a record says of a field.
pub(super) enum Said {
    /// Nothing.
    Nothing,
    /// A placeholder, a default, or something with a fault.
    Unusable(SubmittedRecord),
    /// A value.
    Value(Claim),
}

impl Contribution {
    /// Reads a version of a record.
    #[must_use]
    pub fn read(
        origin: Origin,
        trust: u8,
        submitted: SubmittedRecord,
        options: &StandardiseOptions,
    ) -> Self {
        let (standard, _) = standardise(&submitted, options);
        let reads = |part: SubmittedRecord| standardise(&part, options).0;
        let homes = submitted.addresses.iter().filter(|address| {
            let part = SubmittedRecord {
                addresses: vec![(*address).clone()],
                ..SubmittedRecord::default()
            };
            let read = reads(part);
            read.addresses
                .iter()
                .any(|read| read.address_use == AddressUse::Home)
        });
        let phones = submitted.phones.iter().filter(|phone| {
            let part = SubmittedRecord {
                phones: vec![(*phone).clone()],
                ..SubmittedRecord::default()
            };
            !reads(part).phones.is_empty()
        });
        let emails = submitted.emails.iter().filter(|email| {
            let part = SubmittedRecord {
                emails: vec![(*email).clone()],
                ..SubmittedRecord::default()
            };
            !reads(part).emails.is_empty()
        });
        let reachable = SubmittedRecord {
            addresses: homes.take(1).cloned().collect(),
            phones: phones.cloned().collect(),
            emails: emails.cloned().collect(),
            ..SubmittedRecord::default()
        };
        Self {
            origin,
            trust,
            submitted,
            standard,
            reachable,
        }
    }

    /// Trust of the source, 0 to 100.
    #[must_use]
    pub const fn trust(&self) -> u8 {
        self.trust
    }

    /// The NHS number that it has.
    #[must_use]
    pub fn number(&self) -> Option<NhsNumber> {
        self.standard.nhs_number.map(|claim| claim.number)
    }

    /// What it says of a field.
    pub(super) fn says(&self, field: GoldenField) -> Said {
        let raw = self.raw(field);
        if raw == SubmittedRecord::default() {
            return Said::Nothing;
        }
        self.claim(field).map_or(Said::Unusable(raw), Said::Value)
    }

    /// The members of the record that are a field, as sent.
    fn raw(&self, field: GoldenField) -> SubmittedRecord {
        let sent = &self.submitted;
        let none = SubmittedRecord::default();
        match field {
            GoldenField::NhsNumber | GoldenField::ChiNumber | GoldenField::HealthAndCareNumber => {
                let field_of = self.number().map_or(GoldenField::NhsNumber, number_field);
                if field_of != field {
                    return none;
                }
                SubmittedRecord {
                    nhs_number: sent.nhs_number.clone(),
                    nhs_number_status: sent
                        .nhs_number_status
                        .clone()
                        .filter(|_| sent.nhs_number.is_some()),
                    ..none
                }
            }
            GoldenField::Name => SubmittedRecord {
                title: sent.title.clone(),
                given_names: sent.given_names.clone(),
                family_name: sent.family_name.clone(),
                ..none
            },
            GoldenField::BirthDate => SubmittedRecord {
                birth_date: sent.birth_date.clone(),
                birth_date_estimated: sent
                    .birth_date_estimated
                    .filter(|_| sent.birth_date.is_some()),
                ..none
            },
            GoldenField::Gender => SubmittedRecord {
                gender: sent.gender.clone(),
                ..none
            },
            GoldenField::BirthSex => SubmittedRecord {
                birth_sex: sent.birth_sex.clone(),
                ..none
            },
            GoldenField::GenderIdentity => SubmittedRecord {
                gender_identity: sent.gender_identity.clone(),
                ..none
            },
            GoldenField::Address => SubmittedRecord {
                addresses: sent.addresses.iter().take(1).cloned().collect(),
                ..none
            },
            GoldenField::Phones => SubmittedRecord {
                phones: sent.phones.clone(),
                ..none
            },
            GoldenField::Emails => SubmittedRecord {
                emails: sent.emails.clone(),
                ..none
            },
            GoldenField::GpPractice => SubmittedRecord {
                gp_practice: sent.gp_practice.clone(),
                ..none
            },
            GoldenField::Death => SubmittedRecord {
                death_date: sent.death_date.clone(),
                death_status: sent.death_status.clone(),
                ..none
            },
        }
    }

    /// The value, when it can be used.
    fn claim(&self, field: GoldenField) -> Option<Claim> {
        let standard = &self.standard;
        let plain = |same: String| Claim {
            value: self.raw(field),
            same,
            number: None,
            sure: 1,
            parts: 1,
        };
        let sex = |sex: Option<crate::identity::Sex>| Some(plain(format!("{:?}", sex?)));
        match field {
            GoldenField::NhsNumber | GoldenField::ChiNumber | GoldenField::HealthAndCareNumber => {
                self.number_claim(field)
            }
            GoldenField::Name => self.name_claim(plain),
            GoldenField::BirthDate => {
                let birth = standard.birth_date?;
                let known = [birth.date.month(), birth.date.day()];
                Some(Claim {
                    sure: u8::from(!birth.year_only),
                    parts: 1 + known.iter().flatten().count(),
                    ..plain(birth.date.to_iso())
                })
            }
            GoldenField::Gender => sex(standard.gender),
            GoldenField::BirthSex => sex(standard.birth_sex),
            GoldenField::GenderIdentity => sex(standard.gender_identity),
            GoldenField::Address => self.address_claim(plain),
            GoldenField::Phones => {
                let said = standard
                    .phones
                    .iter()
                    .map(|phone| phone.as_str().to_owned());
                let value = SubmittedRecord {
                    phones: self.reachable.phones.clone(),
                    ..SubmittedRecord::default()
                };
                contacts(said.collect(), value)
            }
            GoldenField::Emails => {
                let said = standard
                    .emails
                    .iter()
                    .map(|email| email.as_str().to_owned());
                let value = SubmittedRecord {
                    emails: self.reachable.emails.clone(),
                    ..SubmittedRecord::default()
                };
                contacts(said.collect(), value)
            }
            GoldenField::GpPractice => Some(plain(standard.gp_practice.clone()?)),
            GoldenField::Death => self.death_claim(plain),
        }
    }

    fn number_claim(&self, field: GoldenField) -> Option<Claim> {
        let claim = self.standard.nhs_number?;
        if number_field(claim.number) != field || claim.number.namespace() == Namespace::Unknown {
            return None;
        }
        Some(Claim {
            value: SubmittedRecord {
                nhs_number: Some(claim.number.digits()),
                nhs_number_status: self.submitted.nhs_number_status.clone(),
                ..SubmittedRecord::default()
            },
            same: claim.number.digits(),
            number: Some(claim.number),
            sure: match claim.status {
                NumberStatus::Verified => 3,
                status if status.is_suspect() => 0,
                _ => 2,
            },
            parts: 1,
        })
    }

    fn name_claim(&self, plain: impl Fn(String) -> Claim) -> Option<Claim> {
        let usual = |use_| matches!(use_, NameUse::Usual | NameUse::KnownAs);
        let name = self.standard.usual_name();
        let name = name.filter(|name| usual(name.name_use))?;
        let given: Vec<&str> = name.given.iter().map(|token| token.as_str()).collect();
        let family = name.family.as_ref().map(|family| family.whole.as_str());
        let real = !self.standard.newborn_placeholder && !given.is_empty() && family.is_some();
        Some(Claim {
            sure: u8::from(real),
            parts: given.len() + usize::from(family.is_some()),
            ..plain(format!("{given:?} {family:?}"))
        })
    }

    fn address_claim(&self, plain: impl Fn(String) -> Claim) -> Option<Claim> {
        let standard = &self.standard;
        let address = standard.addresses.first();
        let address = address.filter(|read| read.address_use == AddressUse::Home)?;
        let parts = [
            !address.street.is_empty(),
            address.number.is_some(),
            address.town.is_some(),
            address.postcode.is_some(),
            address.uprn.is_some(),
        ];
        let postcode = address.postcode.as_ref().map(|postcode| postcode.text());
        let number = address.number.as_ref();
        let number = number.map(|number| (number.from, number.to, number.suffix));
        let (flat, street) = (&address.flat, &address.street);
        Some(Claim {
            value: SubmittedRecord {
                addresses: self.reachable.addresses.clone(),
                ..SubmittedRecord::default()
            },
            parts: parts.into_iter().filter(|known| *known).count(),
            ..plain(format!("{postcode:?} {flat:?} {number:?} {street:?}"))
        })
        .filter(|claim| !claim.value.addresses.is_empty())
    }

    fn death_claim(&self, plain: impl Fn(String) -> Claim) -> Option<Claim> {
        if !self.standard.deceased {
            return None;
        }
        let date = self.standard.death_date;
        let status = self.submitted.death_status.as_deref().map(str::trim);
        let value = SubmittedRecord {
            death_date: self.submitted.death_date.clone().filter(|_| date.is_some()),
            death_status: self.submitted.death_status.clone(),
            ..SubmittedRecord::default()
        };
        Some(Claim {
            value,
            sure: u8::from(matches!(status, Some("2" | "02"))),
            parts: usize::from(date.is_some()),
            ..plain(date.map_or_else(|| "dead".to_owned(), |date| date.to_iso()))
        })
    }

    /// Whether it says a birth after this one's death, which cannot be.
    pub(super) fn dies_before(&self, birth: &Self) -> bool {
        let died = self.standard.death_date;
        let born = birth.standard.birth_date;
        died.zip(born)
            .is_some_and(|(died, born)| died.latest_day() < born.date.earliest_day())
    }
}

/// The field that a number belongs to, by its range (R3).
fn number_field(number: NhsNumber) -> GoldenField {
    match number.namespace() {
        Namespace::EnglandWales | Namespace::Test | Namespace::Unknown => GoldenField::NhsNumber,
        Namespace::Scotland => GoldenField::ChiNumber,
        Namespace::NorthernIreland => GoldenField::HealthAndCareNumber,
    }
}

/// A list of contacts; its order does not make it another.
fn contacts(mut said: Vec<String>, value: SubmittedRecord) -> Option<Claim> {
    said.sort_unstable();
    said.dedup();
    let parts = said.len();
    (parts > 0).then(|| Claim {
        value,
        same: said.join(" "),
        number: None,
        sure: 1,
        parts,
    })
}
