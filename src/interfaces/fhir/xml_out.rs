//! Answers in FHIR's XML, written from the JSON that says the same (R4 §2.6.2).

use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::{Map, Value};

use crate::interfaces::fhir::xml_order::{kind_of, place};

const FHIR: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// The same resource in XML; `None` where the text is no resource.
pub(super) fn to_xml(json: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let mut out = String::with_capacity(json.len() * 2);
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    resource(&mut out, value.as_object()?, true)?;
    Some(out)
}

fn resource(out: &mut String, members: &Map<String, Value>, outermost: bool) -> Option<()> {
    let kind = members.get("resourceType")?.as_str()?;
    if !is_name(kind) {
        return None;
    }
    out.push('<');
    out.push_str(kind);
    if outermost {
        attribute(out, "xmlns", FHIR);
    }
    out.push('>');
    children(out, kind, members, true);
    close(out, kind);
    Some(())
}

/// The members of a resource or an element, in the order of its type.
fn children(out: &mut String, kind: &str, members: &Map<String, Value>, is_resource: bool) {
    let mut names: Vec<&str> = Vec::new();
    for name in members.keys() {
        let name = name.strip_prefix('_').unwrap_or(name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_by_key(|name| place(kind, name));
    for name in names {
        let in_front = !is_resource && (name == "id" || (name == "url" && kind == "Extension"));
        if name == "resourceType" || in_front || !is_name(name) {
            continue;
        }
        let about = members.get(&format!("_{name}"));
        match (members.get(name), about) {
            (Some(Value::Array(values)), about) => {
                let abouts = about.and_then(Value::as_array);
                let count = values.len().max(abouts.map_or(0, Vec::len));
                for at in 0..count {
                    let about = abouts.and_then(|abouts| abouts.get(at));
                    element(
                        out,
                        kind,
                        name,
                        (values.get(at).unwrap_or(&Value::Null), about),
                    );
                }
            }
            (Some(value), about) => element(out, kind, name, (value, about)),
            (None, Some(Value::Array(abouts))) => {
                for about in abouts {
                    element(out, kind, name, (&Value::Null, Some(about)));
                }
            }
            (None, about) => element(out, kind, name, (&Value::Null, about)),
        }
    }
}

fn element(out: &mut String, parent: &str, name: &str, (value, about): (&Value, Option<&Value>)) {
    if name == "div"
        && let Some(markup) = value.as_str()
    {
        return narrative(out, markup);
    }
    if let Some(members) = value.as_object() {
        if members.contains_key("resourceType") {
            open(out, name);
            // What is no resource after all is left empty.
            let _ = resource(out, members, false);
            return close(out, name);
        }
        let kind = kind_of(parent, name);
        out.push('<');
        out.push_str(name);
        attributes(out, members, kind == "Extension");
        out.push('>');
        children(out, &kind, members, false);
        return close(out, name);
    }
    let about = about.and_then(Value::as_object);
    let text = match value {
        Value::Null if about.is_none() => return,
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    out.push('<');
    out.push_str(name);
    if let Some(about) = about {
        attributes(out, about, false);
    }
    if let Some(text) = text {
        attribute(out, "value", &text);
    }
    match about {
        Some(about) => {
            out.push('>');
            children(out, "Element", about, false);
            close(out, name);
        }
        None => out.push_str("/>"),
    }
}

/// What stands in an element's start: its id, and where an extension is described.
fn attributes(out: &mut String, members: &Map<String, Value>, is_extension: bool) {
    for name in ["id", "url"] {
        if let Some(text) = members.get(name).and_then(Value::as_str)
            && (name == "id" || is_extension)
        {
            attribute(out, name, text);
        }
    }
}

/// A narrative as it is, where it is one element of XHTML; else its letters as text, so
/// that nobody's text becomes elements of ours.
fn narrative(out: &mut String, markup: &str) {
    if is_one_div(markup) {
        out.push_str(markup);
        return;
    }
    out.push_str("<div");
    attribute(out, "xmlns", XHTML);
    out.push('>');
    text(out, markup);
    close(out, "div");
}

/// Whether it is one `div` and nothing beside it, of what every reader of XML takes: one
/// source's narrative must not spoil the answer for the others.
fn is_one_div(markup: &str) -> bool {
    if allowed(markup) != markup {
        return false;
    }
    let mut reader = Reader::from_str(markup);
    let (mut depth, mut divs) = (0_usize, 0);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let is_div = start.name().into_inner() == "div";
                if !is_sound(&start) || (depth == 0 && (!is_div || divs > 0)) {
                    return false;
                }
                divs += usize::from(depth == 0);
                depth += 1;
            }
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Empty(start)) if depth > 0 => {
                if !is_sound(&start) {
                    return false;
                }
            }
            Ok(Event::Text(text)) if depth > 0 => {
                let text: &str = &text;
                if text.contains("]]>") {
                    return false;
                }
            }
            Ok(Event::Comment(_)) if depth > 0 => {}
            Ok(Event::GeneralRef(entity)) if depth > 0 => {
                let name: &str = &entity;
                let is_letter =
                    matches!(entity.resolve_char_ref(), Ok(Some(letter)) if may(letter));
                if !is_letter && !["amp", "lt", "gt", "quot", "apos"].contains(&name) {
                    return false;
                }
            }
            Ok(Event::Eof) => return depth == 0 && divs == 1,
            _ => return false,
        }
    }
}

/// Whether the names of an element and of its attributes are of no namespace that nobody
/// declared, and its values can be read.
fn is_sound(start: &BytesStart<'_>) -> bool {
    let is_plain = |name: &str| {
        let mut letters = name.chars();
        letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
    };
    is_plain(start.name().into_inner())
        && start.attributes().all(|attribute| {
            attribute.is_ok_and(|attribute| {
                let name = attribute.key.into_inner();
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                (is_plain(name) || name == "xml:lang" || name == "xml:space")
                    && !attribute.value.contains('<')
                    && value.is_ok_and(|value| value.chars().all(may))
            })
        })
}

fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    // A reader of XML makes one blank of each of these.
    let escaped = allowed(value);
    let escaped = escape(escaped.as_str())
        .replace('\n', "&#10;")
        .replace('\r', "&#13;")
        .replace('\t', "&#9;");
    out.push_str(&escaped);
    out.push('"');
}

fn text(out: &mut String, value: &str) {
    out.push_str(&escape(allowed(value).as_str()));
}

/// Whether XML has a way to write a letter.
const fn may(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Without what XML has no way to write.
fn allowed(value: &str) -> String {
    let keep = |letter| if may(letter) { letter } else { '\u{fffd}' };
    value.chars().map(keep).collect()
}

/// Whether a member's name can be an element's.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::to_xml;
    use crate::interfaces::fhir::xml::to_json;

    fn written(value: &Value) -> String {
        to_xml(value.to_string().as_bytes()).expect("a resource")
    }

    fn back(value: &Value) -> Value {
        let read = to_json(written(value).as_bytes()).expect("XML of FHIR");
        serde_json::from_str(&read).expect("JSON")
    }

    #[test]
    fn a_patient_is_written_in_the_order_of_fhir_and_says_the_same() {
        let why = json!({"url": "https://example.org/why", "valueCode": "unknown"});
        let patient = json!({
            "resourceType": "Patient", "id": "a", "meta": {"versionId": "2", "profile": ["p"]},
            "text": {"status": "generated", "div":
                "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Caf&#233; &amp; <b>bar</b><br/></p></div>"},
            "extension": [{"url": "https://example.org/x", "valueBoolean": true}],
            "identifier": [{"use": "official", "system": "urn:oid:1.2", "value": "7 & <8>\n\"9\""}],
            "active": true,
            "name": [{"id": "n", "family": "Okoye", "given": ["Ada", null],
                "_given": [null, {"extension": [why]}]}],
            "telecom": [{"system": "phone", "value": "1", "use": "home", "rank": 1}],
            "gender": "female",
            "birthDate": "1970-01-02", "_birthDate": {"id": "b"},
            "multipleBirthInteger": 2,
            "contact": [{"relationship": [{"coding": [{"code": "N"}], "text": "t"}], "name": {"family": "Okoye"}}],
            "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
        });
        assert_eq!(back(&patient), patient);
        let text = written(&patient);
        let order = [
            "<id ",
            "<meta>",
            "<text>",
            "<extension url=\"https://example.org/x\">",
            "<identifier>",
            "<use value=\"official\"/><system ",
            "<active ",
            "<name id=\"n\"><family ",
            "<telecom><system ",
            "<use value=\"home\"/><rank ",
            "<gender ",
            "<birthDate id=\"b\" value=",
            "<contact>",
            "<link><other>",
        ];
        let places: Vec<_> = order.iter().map(|part| text.find(part)).collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{places:?} {text}"
        );
    }

    #[test]
    fn resources_stand_inside_others() {
        let bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": 1,
            "link": [{"relation": "self", "url": "http://x/Patient"}],
            "entry": [{"fullUrl": "http://x/Patient/1",
                "resource": {"resourceType": "Patient", "contained":
                    [{"resourceType": "Organization", "id": "o", "name": "Practice"}]},
                "search": {"mode": "match", "score": 0.75}}]});
        assert_eq!(back(&bundle), bundle);
    }

    #[test]
    fn nobodys_text_becomes_elements_of_ours() {
        for div in [
            "</div></text><active value=\"false\"/>",
            "<div/><div/>",
            "<div>a</div>b",
            "<script>x</script>",
            "<div><!DOCTYPE x></div>",
            "<div>&unheard;</div>",
            "<div><p></div>",
            "<div>\u{1}</div>",
            "<div>&#0;</div>",
            "<div title=\"&unheard;\"></div>",
            "<div title=\"<\"></div>",
            "<div title=\"&#1;\"></div>",
            "<div><x:p></x:p></div>",
            "<div><1></1></div>",
            "<div>]]></div>",
            "plain \u{1} text",
            "",
        ] {
            let patient = json!({"resourceType": "Patient", "active": true,
                "text": {"status": "generated", "div": div}});
            let read = back(&patient);
            assert_eq!(read["active"], true, "{div}");
            assert_eq!(
                read.as_object().map(|it| it.len()),
                Some(3),
                "{div}: {read}"
            );
        }
        let odd = json!({"resourceType": "Patient", "a><b": 1, "active": true});
        assert_eq!(
            back(&odd),
            json!({"resourceType": "Patient", "active": true})
        );
        assert!(to_xml(b"{\"resourceType\":\"<x>\"}").is_none());
        assert!(to_xml(b"[]").is_none() && to_xml(b"no").is_none());
    }

    proptest! {
        #[test]
        fn any_text_of_a_patient_comes_back(family in "\\PC{1,12}", line in "[ -~\\n\\t]{1,20}") {
            let patient = json!({"resourceType": "Patient",
                "name": [{"family": family}], "address": [{"line": [line]}]});
            prop_assert_eq!(back(&patient), patient);
        }
    }
}
