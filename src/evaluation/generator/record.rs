//! A generated row, in the columns of the records file.

/// Columns of the records file, in this order.
pub const RECORD_COLUMNS: [&str; 19] = [
    "record_id",
    "source",
    "nhs_number",
    "nhs_number_status",
    "title",
    "given_name",
    "middle_name",
    "family_name",
    "previous_family_name",
    "date_of_birth",
    "gender",
    "address_line",
    "town",
    "postcode",
    "phone",
    "email",
    "birth_order",
    "date_of_death",
    "effective_at",
];

/// What one source says about one invented person; empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GeneratedRecord {
    /// Unique in the whole file: the source's code and its local id.
    pub record_id: String,
    /// The source's code.
    pub source: String,
    /// As written: may be missing, mistyped or somebody else's.
    pub nhs_number: String,
    /// `01` to `08`.
    pub nhs_number_status: String,
    /// Title.
    pub title: String,
    /// Given name.
    pub given_name: String,
    /// Middle names or initial.
    pub middle_name: String,
    /// Family name.
    pub family_name: String,
    /// An earlier family name that the source has kept.
    pub previous_family_name: String,
    /// In the source's notation.
    pub date_of_birth: String,
    /// In the source's notation.
    pub gender: String,
    /// All of the address before the town.
    pub address_line: String,
    /// Post town.
    pub town: String,
    /// In the source's notation.
    pub postcode: String,
    /// In the source's notation.
    pub phone: String,
    /// E-mail address.
    pub email: String,
    /// 1 or 2 for twins where the source keeps it.
    pub birth_order: String,
    /// `YYYY-MM-DD`.
    pub date_of_death: String,
    /// When the source last changed it, `YYYY-MM-DDThh:mm:ssZ`.
    pub effective_at: String,
    /// The truth: whose record it is. Not a column of the records file.
    pub person_id: String,
    /// The community whose names the person's family has. Not a column of the records file
    /// either, nor is what follows: no source knows it (R138).
    pub ethnicity: String,
    /// Fifth of deprivation of the neighbourhood that the person lives in, 1 the most
    /// deprived; absent without an abode.
    pub deprivation: Option<u8>,
}

/// Columns of the file of groups.
pub const GROUP_COLUMNS: [&str; 3] = ["record_id", "ethnicity", "deprivation"];

impl GeneratedRecord {
    /// The values of [`RECORD_COLUMNS`], in their order.
    #[must_use]
    pub fn columns(&self) -> [&str; 19] {
        [
            &self.record_id,
            &self.source,
            &self.nhs_number,
            &self.nhs_number_status,
            &self.title,
            &self.given_name,
            &self.middle_name,
            &self.family_name,
            &self.previous_family_name,
            &self.date_of_birth,
            &self.gender,
            &self.address_line,
            &self.town,
            &self.postcode,
            &self.phone,
            &self.email,
            &self.birth_order,
            &self.date_of_death,
            &self.effective_at,
        ]
    }
    /// The values of [`GROUP_COLUMNS`], in their order.
    #[must_use]
    pub fn groups(&self) -> [String; 3] {
        let fifth = self.deprivation.map(|fifth| fifth.to_string());
        [
            self.record_id.clone(),
            self.ethnicity.clone(),
            fifth.unwrap_or_default(),
        ]
    }
}
