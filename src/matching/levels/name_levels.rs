//! The levels of names: given, further given, and family. How two namings come
//! to a level is in `names`.

use crate::matching::levels::levels;

levels! {
    /// How two first given names stand to each other.
    GivenNameLevel {
        Exact = "exact", RANKED, "The given names are equal.";
        SpellingVariant = "spelling_variant", RANKED, "The given names are spellings of one name.";
        Nickname = "nickname", RANKED, "One given name is a usual short form of the other.";
        Historic = "historic", RANKED, "A given name equals another name that the person has used.";
        Initial = "initial", RANKED, "One given name is an initial that fits the other.";
        MiddleUsed = "middle_used", RANKED, "One given name is a middle name of the other.";
        FuzzyNear = "fuzzy_near", RANKED, "The given names differ by a slip or sound alike.";
        NicknameWeak = "nickname_weak", RANKED, "One given name may be a short form of the other.";
        Fuzzy = "fuzzy", RANKED, "The given names are somewhat alike.";
        Different = "different", RANKED, "The given names differ.";
        Swapped = "swapped", SPECIAL, "Given and family name are exchanged.";
        Missing = "missing", SPECIAL, "A given name is missing: no evidence.";
    }
}

impl GivenNameLevel {
    /// Agreement that twins do not show: equal, a spelling or a usual short
    /// form, also of another naming or in the other slot. Lifts the twin cap (R90).
    #[must_use]
    pub const fn names_the_same(self) -> bool {
        matches!(
            self,
            Self::Exact | Self::SpellingVariant | Self::Nickname | Self::Historic | Self::Swapped
        )
    }

    /// Agreement in the sense of R7: also a middle name or an initial.
    #[must_use]
    pub const fn agrees(self) -> bool {
        self.names_the_same() || matches!(self, Self::MiddleUsed | Self::Initial)
    }

    /// Agreement at variant or fuzzy level in its own slot (R9).
    #[must_use]
    pub const fn is_at_least_fuzzy(self) -> bool {
        matches!(
            self,
            Self::Exact
                | Self::SpellingVariant
                | Self::Nickname
                | Self::Historic
                | Self::FuzzyNear
                | Self::Fuzzy
        )
    }

    /// Neither missing nor in any agreement.
    #[must_use]
    pub const fn differs(self) -> bool {
        matches!(self, Self::Different)
    }
}

levels! {
    /// How the further given names stand to each other.
    MiddleNameLevel {
        Same = "same", RANKED, "A middle name is equal.";
        InitialCompatible = "initial_compatible", RANKED, "A middle name fits an initial or another spelling.";
        Conflict = "conflict", RANKED, "The middle names differ.";
        Missing = "missing", SPECIAL, "A middle name is missing: no evidence.";
    }
}

levels! {
    /// How two family names stand to each other.
    FamilyNameLevel {
        Exact = "exact", RANKED, "The family names are equal.";
        Truncated = "truncated", RANKED, "One family name is the other, cut at the length of a field.";
        Reordered = "reordered", RANKED, "The parts of the family names are equal in another order.";
        Historic = "historic", RANKED, "A family name equals another name that the person has used.";
        CompoundPart = "compound_part", RANKED, "The family names share a part.";
        Variant = "variant", RANKED, "The family names are spellings of one name.";
        Initial = "initial", RANKED, "One family name is an initial that fits the other.";
        FuzzyNear = "fuzzy_near", RANKED, "The family names differ by a slip.";
        Phonetic = "phonetic", RANKED, "The family names sound alike.";
        Fuzzy = "fuzzy", RANKED, "The family names are somewhat alike.";
        DifferentWoman = "different_woman", RANKED, "The family names differ, as they may of a woman or of an adult of unknown sex.";
        Different = "different", RANKED, "The family names differ.";
        Generic = "generic", SPECIAL, "A name that many use in place of a family name differs from a family name: no evidence.";
        Swapped = "swapped", SPECIAL, "Given and family name are exchanged.";
        Missing = "missing", SPECIAL, "A family name is missing: no evidence.";
    }
}

impl FamilyNameLevel {
    /// Equal, cut, reordered, a spelling, or an earlier name.
    #[must_use]
    pub const fn is_at_least_variant(self) -> bool {
        matches!(
            self,
            Self::Exact | Self::Truncated | Self::Reordered | Self::Historic | Self::Variant
        )
    }

    /// Also a shared part, a slip, or sound.
    #[must_use]
    pub const fn is_at_least_fuzzy(self) -> bool {
        self.is_at_least_variant()
            || matches!(
                self,
                Self::CompoundPart | Self::FuzzyNear | Self::Phonetic | Self::Fuzzy
            )
    }

    /// Neither missing, neutral, nor in any agreement.
    #[must_use]
    pub const fn differs(self) -> bool {
        matches!(self, Self::Different | Self::DifferentWoman)
    }
}
