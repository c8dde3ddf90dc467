//! What is read of bytes without anybody to answer: for whoever tries the readers of this
//! door (`fuzz/`).

use crate::identity::SubmittedRecord;
use crate::interfaces::hl7v2::character_set::decode;
use crate::interfaces::hl7v2::er7::Message;
use crate::interfaces::hl7v2::frame::Frames;
use crate::interfaces::hl7v2::header::Header;
use crate::interfaces::hl7v2::patient_in::{PatientGroup, read_patient};
use crate::interfaces::hl7v2::settings::Settings;

/// Bytes of a message at most.
const MESSAGE_BYTES_MAX: usize = 64 * 1_024;

/// One sender, whose ids have a namespace.
const SETTINGS: &str = "[[authority]]\nnamespace = \"RVV\"\nsource = \"pas\"\n\
    [[sender]]\napplication = \"PAS\"\nsource = \"pas\"\n";

/// The patients of all framed messages that arrive in these pieces, whoever sent them; what
/// is no message, and what names no id, is passed over.
pub fn patients_of<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> Vec<SubmittedRecord> {
    let Ok(settings) = Settings::parse(SETTINGS) else {
        return Vec::new();
    };
    let mut frames = Frames::new(MESSAGE_BYTES_MAX);
    let mut records = Vec::new();
    for piece in pieces {
        frames.take(piece);
        loop {
            match frames.next() {
                Ok(Some(message)) => records.extend(read(&settings, &message)),
                Ok(None) => break,
                Err(_) => return records,
            }
        }
    }
    records
}

fn read(settings: &Settings, bytes: &[u8]) -> Vec<SubmittedRecord> {
    let Ok((text, _)) = decode(bytes) else {
        return Vec::new();
    };
    let Ok(message) = Message::parse(&text) else {
        return Vec::new();
    };
    let header = Header::read(&message);
    // What it says is answered; a patient is read all the same here.
    let _ = header.check();
    let Some(sender) = settings.sender("PAS", "") else {
        return Vec::new();
    };
    let groups = PatientGroup::all(&message).into_iter();
    let read = groups.map(|group| read_patient(&group, settings, sender, header.at.clone()));
    read.filter_map(|patient| Some(patient.ok()?.record))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::patients_of;
    use crate::interfaces::hl7v2::frame::framed;

    const HEAD: &str = "MSH|^~\\&|PAS|RVV|A|B|20261122||ADT^A28|1|P|2.4\r";

    #[test]
    fn a_patient_is_read_however_its_bytes_arrive() {
        let text = format!("{HEAD}PID|1||7^^^RVV^MR||Okoye^Ada||19700102|F\r");
        let bytes = framed(text.as_bytes());
        let whole = patients_of([bytes.as_slice()]);
        assert_eq!(whole.len(), 1);
        assert_eq!(whole[0].family_name.as_deref(), Some("Okoye"));
        assert_eq!(patients_of(bytes.chunks(1)), whole);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_alike_however_they_arrive(
            bytes in prop::collection::vec(prop_oneof![Just(0x0B_u8), Just(0x1C), Just(0x0D),
                Just(b'|'), Just(b'^'), Just(b'\\'), any::<u8>()], 0..200),
            size in 1_usize..9,
        ) {
            let message = [HEAD.as_bytes(), b"PID|1||7^^^RVV|", &bytes].concat();
            let stream = framed(&message);
            prop_assert_eq!(patients_of(stream.chunks(size)), patients_of([stream.as_slice()]));
        }
    }
}
