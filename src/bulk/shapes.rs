//! The words of a record's names by number, in the few bytes of a brief.

/// Given names and family names that are looked at one by one.
const WORDS_MAX: usize = 6;

/// The words of a list of names, where bounds hold for them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Given names in order, of all namings; then family names and their parts, of
    /// all namings, the whole of the first one first.
    words: [u32; WORDS_MAX],
    given_count: u8,
    family_count: u8,
    /// The family name says hardly anything.
    pub(super) generic: bool,
    pub(super) kind: ShapeKind,
}

/// What a glance at words may conclude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShapeKind {
    /// Nothing.
    Opaque,
    /// That no two words are alike, or that there is no given name.
    Loose,
    /// Levels of given names too: one naming has them, no prefix name before.
    GivenPlain,
    /// Levels of all names: one naming, with a family name of one part.
    Plain,
}

impl ShapeKind {
    /// Whether levels of given names show.
    pub(super) const fn given_is_plain(self) -> bool {
        matches!(self, Self::GivenPlain | Self::Plain)
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            words: [0; WORDS_MAX],
            given_count: 0,
            family_count: 0,
            generic: false,
            kind: ShapeKind::Opaque,
        }
    }
}

impl Shape {
    /// Of words by number; `None` for too many.
    pub(super) fn new(
        given: &[u32],
        families: &[u32],
        generic: bool,
        kind: ShapeKind,
    ) -> Option<Self> {
        let mut words = [0; WORDS_MAX];
        let all = given.iter().chain(families);
        for (place, word) in words.iter_mut().zip(all) {
            *place = *word;
        }
        (given.len() + families.len() <= WORDS_MAX).then(|| Self {
            words,
            given_count: u8::try_from(given.len()).unwrap_or_default(),
            family_count: u8::try_from(families.len()).unwrap_or_default(),
            generic,
            kind,
        })
    }

    /// Given names.
    pub(super) fn givens(&self) -> &[u32] {
        &self.words[..usize::from(self.given_count)]
    }

    /// Family names and their parts.
    pub(super) fn families(&self) -> &[u32] {
        let given = usize::from(self.given_count);
        &self.words[given..given + usize::from(self.family_count)]
    }

    /// The first given name and the whole family name; word 0 where nothing is known.
    pub(super) const fn firsts(&self) -> (u32, u32) {
        (self.words[0], self.words[self.given_count as usize])
    }
}
