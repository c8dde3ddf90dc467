//! Which bytes are which characters: MSH-18, and what is done without one.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Why bytes are no text. Holds no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum CharacterFault {
    /// A name that this program does not know.
    #[error(
        "MSH-18 names a character set that is not understood; send UTF-8 (UNICODE UTF-8) or 8859/1"
    )]
    Unknown,
    /// The bytes are of another.
    #[error("the bytes are not of the character set that MSH-18 names")]
    OtherBytes,
}

/// HL7 table 0211, as far as senders in Europe use it. What calls itself ISO 8859-1 is
/// nearly always Windows-1252, which has the same letters and some more.
fn named(name: &str) -> Option<&'static Encoding> {
    let label = match name {
        "ASCII" | "8859/1" | "WINDOWS-1252" | "CP1252" => return Some(WINDOWS_1252),
        "UNICODE UTF-8" | "UNICODE" | "UTF-8" | "UTF8" => return Some(UTF_8),
        "8859/2" => "iso-8859-2",
        "8859/3" => "iso-8859-3",
        "8859/4" => "iso-8859-4",
        "8859/5" => "iso-8859-5",
        "8859/6" => "iso-8859-6",
        "8859/7" => "iso-8859-7",
        "8859/8" => "iso-8859-8",
        "8859/9" => "windows-1254",
        "8859/15" => "iso-8859-15",
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

/// The text of a message. Without MSH-18 it is UTF-8 where the bytes are, else
/// Windows-1252.
///
/// # Errors
/// [`CharacterFault`].
pub(super) fn decode(bytes: &[u8]) -> Result<(String, Declared), CharacterFault> {
    let declared = declared(bytes);
    let encoding = match declared.as_deref() {
        None => match std::str::from_utf8(bytes) {
            Ok(text) => return Ok((text.to_owned(), Declared(None))),
            Err(_) => WINDOWS_1252,
        },
        Some(name) => named(name).ok_or(CharacterFault::Unknown)?,
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    let text = text.ok_or(CharacterFault::OtherBytes)?.into_owned();
    Ok((text, Declared(declared)))
}

/// A text for what cannot be decoded as it says: to tell its sender so.
pub(super) fn decode_anyhow(bytes: &[u8]) -> String {
    WINDOWS_1252
        .decode_without_bom_handling(bytes)
        .0
        .into_owned()
}

/// What MSH-18 said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Declared(Option<String>);

impl Declared {
    /// The bytes of an answer to a message that was so declared, and the MSH-18 that
    /// says so: in the sender's character set where it has all characters, else UTF-8.
    pub(super) fn encode(&self, write: impl Fn(&str) -> String) -> Vec<u8> {
        let name = self.0.as_deref().unwrap_or_default();
        let text = write(name);
        if text.is_ascii() {
            return text.into_bytes();
        }
        if let Some(encoding) = self.0.as_deref().and_then(named) {
            let (bytes, _, replaced) = encoding.encode(&text);
            if !replaced {
                return bytes.into_owned();
            }
        }
        write("UNICODE UTF-8").into_bytes()
    }
}

/// MSH-18, its first repetition. The separators are single bytes in every character
/// set that is understood.
fn declared(bytes: &[u8]) -> Option<String> {
    let start = bytes.windows(3).position(|window| window == b"MSH")?;
    let header = bytes[start..]
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()?;
    let field = *header.get(3)?;
    let repetition = *header.get(5)?;
    let set = header.split(|byte| *byte == field).nth(17)?;
    let set = set.split(|byte| *byte == repetition).next()?;
    let name = String::from_utf8_lossy(set).trim().to_uppercase();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{CharacterFault, Declared, decode};

    fn message(set: &str, name: &[u8]) -> Vec<u8> {
        let mut bytes =
            format!("MSH|^~\\&|A|B|C|D|20261122||ADT^A31|1|P|2.4||||||{set}\rPID|||1||")
                .into_bytes();
        bytes.extend_from_slice(name);
        bytes
    }

    #[test]
    fn a_declared_character_set_is_believed_and_held_to() {
        let latin = message("8859/1", b"Siob\xE1n \x92");
        assert!(decode(&latin).expect("text").0.ends_with("Siobán \u{2019}"));
        let utf8 = message("UNICODE UTF-8", "Łukasz".as_bytes());
        assert!(decode(&utf8).expect("text").0.ends_with("Łukasz"));
        let broken = message("UNICODE UTF-8", b"Siob\xE1n");
        assert_eq!(decode(&broken), Err(CharacterFault::OtherBytes));
        let unknown = message("ISO IR87", b"x");
        assert_eq!(decode(&unknown), Err(CharacterFault::Unknown));
    }

    #[test]
    fn without_a_declaration_both_usual_ones_are_read() {
        let latin = message("", b"Siob\xE1n");
        assert!(decode(&latin).expect("text").0.ends_with("Siobán"));
        let utf8 = message("", "Łukasz".as_bytes());
        assert!(decode(&utf8).expect("text").0.ends_with("Łukasz"));
    }

    #[test]
    fn an_answer_is_in_the_senders_character_set_where_it_has_the_letters() {
        let latin = Declared(Some("8859/1".to_owned()));
        assert_eq!(latin.encode(|set| format!("{set} \u{e1}")), b"8859/1 \xE1");
        let beyond = latin.encode(|set| format!("{set} Ł"));
        assert_eq!(beyond, "UNICODE UTF-8 Ł".as_bytes());
    }
}
