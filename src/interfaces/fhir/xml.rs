//! FHIR's XML as it comes in, read as the JSON that says the same (R4 §2.6.2): one reader
//! judges both then. No document types, no entities of their own, no prefixes: what an
//! attacker brings in with those is not looked at.

use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::{Map, Number, Value, json};

use crate::interfaces::fhir::xml_shape::{is_boolean, is_number, is_object, is_read, repeats};

/// The namespace of FHIR.
const FHIR: &str = "http://hl7.org/fhir";
/// Elements inside each other.
const DEPTH_MAX: usize = 32;
/// Elements of a body.
const ELEMENTS_MAX: usize = 400_000;

/// Why it cannot be read: without a value of anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}, before byte {at}")]
pub(super) struct XmlFault {
    what: &'static str,
    at: u64,
}

/// The same resource as JSON.
///
/// # Errors
/// It is no XML, or none of FHIR.
pub(super) fn to_json(bytes: &[u8]) -> Result<String, XmlFault> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| fault("the body is not UTF-8", 0))?;
    let root = Parser::new(text).root()?;
    if !root.is_resource() {
        return Err(fault("the outermost element is no resource", 0));
    }
    Ok(resource(&root)?.to_string())
}

const fn fault(what: &'static str, at: u64) -> XmlFault {
    XmlFault { what, at }
}

/// An element as it came.
#[derive(Default)]
struct Element {
    name: String,
    value: Option<String>,
    id: Option<String>,
    url: Option<String>,
    /// All of a narrative's `div`.
    markup: Option<String>,
    children: Vec<Element>,
}

impl Element {
    fn is_resource(&self) -> bool {
        self.name
            .starts_with(|first: char| first.is_ascii_uppercase())
    }

    /// Whether it stands for one value, which may be left out.
    fn is_plain(&self) -> bool {
        let about = |child: &Element| child.name == "extension";
        self.value.is_some()
            || (self.url.is_none() && self.children.iter().all(about) && !is_object(&self.name))
    }
}

struct Parser<'t> {
    text: &'t str,
    reader: Reader<&'t [u8]>,
    open: Vec<Element>,
    elements: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        // The reader counts from behind it.
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self {
            text,
            reader,
            open: Vec::new(),
            elements: 0,
        }
    }

    fn fault(&self, what: &'static str) -> XmlFault {
        fault(what, self.reader.buffer_position())
    }

    fn root(mut self) -> Result<Element, XmlFault> {
        let mut root = None;
        loop {
            let before = self.reader.buffer_position();
            let event = self.reader.read_event();
            let event = event.map_err(|_| self.fault("this is not well-formed XML"))?;
            match event {
                Event::Start(_) if root.is_some() => {
                    return Err(self.fault("there is a second outermost element"));
                }
                Event::Start(start) => self.begin(&start, before)?,
                Event::End(_) => root = self.end(),
                Event::Text(text) if text.chars().all(char::is_whitespace) => {}
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(declaration) => self.declared(&declaration)?,
                Event::Eof => break,
                Event::DocType(_) => return Err(self.fault("no document type is taken")),
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) | Event::Empty(_) => {
                    return Err(self.fault("text stands beside elements; values are attributes"));
                }
            }
        }
        match root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(self.fault("the body ends before its element does")),
        }
    }

    fn declared(&self, declaration: &BytesDecl<'_>) -> Result<(), XmlFault> {
        let utf8 = match declaration.encoding() {
            None => true,
            Some(named) => named.is_ok_and(|named| named.eq_ignore_ascii_case("utf-8")),
        };
        if utf8 {
            return Ok(());
        }
        Err(self.fault("send the body in UTF-8"))
    }

    fn begin(&mut self, start: &BytesStart<'_>, before: u64) -> Result<(), XmlFault> {
        self.elements += 1;
        if self.open.len() >= DEPTH_MAX || self.elements > ELEMENTS_MAX {
            return Err(self.fault("there are too many elements, or too deep ones"));
        }
        let mut element = self.element(start)?;
        let narrative = self.open.last().is_some_and(|above| above.name == "text");
        if element.name == "div" && narrative {
            let ended = self.reader.read_to_end(start.name());
            ended.map_err(|_| self.fault("this is not well-formed XML"))?;
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            let whole = place(before)..place(self.reader.buffer_position());
            element.markup = self.text.get(whole).map(str::to_owned);
            if let Some(above) = self.open.last_mut() {
                above.children.push(element);
            }
            return Ok(());
        }
        self.open.push(element);
        Ok(())
    }

    fn element(&self, start: &BytesStart<'_>) -> Result<Element, XmlFault> {
        let name = start.name().into_inner().to_owned();
        if name.contains(':') {
            return Err(self.fault("elements are written without a prefix"));
        }
        let mut element = Element {
            name,
            ..Element::default()
        };
        let narrative = element.name == "div";
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| self.fault("an attribute cannot be read"))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|_| self.fault("a value has an entity that is not known"))?;
            let value = Some(value.into_owned());
            match attribute.key.into_inner() {
                _ if narrative => {}
                "value" => element.value = value,
                "id" => element.id = value,
                "url" => element.url = value,
                "xmlns" if value.as_deref() == Some(FHIR) => {}
                "xmlns" => return Err(self.fault("the namespace is not FHIR's")),
                other if other.starts_with("xmlns:") || other.starts_with("xsi:") => {}
                _ => return Err(self.fault("an attribute is not known in FHIR")),
            }
        }
        Ok(element)
    }

    /// The outermost element, when it has ended.
    fn end(&mut self) -> Option<Element> {
        let ended = self.open.pop()?;
        match self.open.last_mut() {
            Some(above) => {
                above.children.push(ended);
                None
            }
            None => Some(ended),
        }
    }
}

fn resource(element: &Element) -> Result<Value, XmlFault> {
    if !is_read(&element.name) {
        return Err(fault("a resource of this type is read in JSON alone", 0));
    }
    let mut members = Map::new();
    members.insert("resourceType".to_owned(), json!(element.name));
    fill(&mut members, element)?;
    Ok(Value::Object(members))
}

/// The members of an element: those of one name together, in the order of their first.
fn fill(members: &mut Map<String, Value>, element: &Element) -> Result<(), XmlFault> {
    if let Some(id) = &element.id {
        members.insert("id".to_owned(), json!(id));
    }
    if let Some(url) = &element.url {
        members.insert("url".to_owned(), json!(url));
    }
    let mut names: Vec<&str> = Vec::new();
    for child in &element.children {
        if !names.contains(&child.name.as_str()) {
            names.push(&child.name);
        }
    }
    for name in names {
        let group: Vec<&Element> = element
            .children
            .iter()
            .filter(|child| child.name == name)
            .collect();
        let list = group.len() > 1 || repeats(&element.name, name);
        let (mut values, mut abouts) = (Vec::new(), Vec::new());
        for child in group {
            values.push(value_of(child)?);
            abouts.push(about(child)?);
        }
        insert(members, name, values, list);
        insert(members, &format!("_{name}"), abouts, list);
    }
    Ok(())
}

fn insert(members: &mut Map<String, Value>, name: &str, mut values: Vec<Value>, list: bool) {
    if values.iter().all(Value::is_null) {
        return;
    }
    let value = if list {
        Value::Array(values)
    } else {
        values.pop().unwrap_or_default()
    };
    members.insert(name.to_owned(), value);
}

/// What an element says; nothing for a value that is left out.
fn value_of(element: &Element) -> Result<Value, XmlFault> {
    if let Some(markup) = &element.markup {
        return Ok(json!(markup));
    }
    if let Some(value) = &element.value {
        return Ok(typed(&element.name, value));
    }
    if let [held] = element.children.as_slice()
        && held.is_resource()
    {
        return resource(held);
    }
    if element.is_plain() {
        return Ok(Value::Null);
    }
    let mut members = Map::new();
    fill(&mut members, element)?;
    Ok(Value::Object(members))
}

/// What is said of a value beside it: its id and extensions.
fn about(element: &Element) -> Result<Value, XmlFault> {
    let nothing = element.id.is_none() && element.children.is_empty();
    if !element.is_plain() || element.markup.is_some() || nothing {
        return Ok(Value::Null);
    }
    let mut members = Map::new();
    fill(&mut members, element)?;
    Ok(Value::Object(members))
}

/// A value by the type that its name has; what is none of it is judged as text.
fn typed(name: &str, value: &str) -> Value {
    if is_boolean(name) && (value == "true" || value == "false") {
        return json!(value == "true");
    }
    let number = is_number(name).then(|| serde_json::from_str::<Number>(value));
    match number {
        Some(Ok(number)) => Value::Number(number),
        _ => json!(value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::to_json;

    fn read(text: &str) -> Value {
        let said = to_json(text.as_bytes()).expect("XML of FHIR");
        serde_json::from_str(&said).expect("JSON")
    }

    #[test]
    fn a_patient_says_the_same_in_both() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <!-- as it comes -->
            <Patient xmlns="http://hl7.org/fhir">
              <id value="a"/>
              <text><status value="generated"/>
                <div xmlns="http://www.w3.org/1999/xhtml"><p>Caf&#233; &amp; <b>bar</b></p></div></text>
              <extension url="https://example.org/x"><valueBoolean value="true"/></extension>
              <identifier><system value="urn:oid:1.2"/><value value="7 &amp; 8"/></identifier>
              <active value="true"/>
              <name id="n"><family value="Okoye"/><given value="Ada"/>
                <given><extension url="https://example.org/why"><valueCode value="unknown"/></extension></given>
              </name>
              <gender value="female"/>
              <birthDate id="b" value="1970-01-02"/>
              <multipleBirthInteger value="2"/>
              <address><line value="4 Heron Close"/><postalCode value="LS9 4QX"/></address>
              <contact><relationship><coding><code value="N"/></coding></relationship>
                <name><family value="Okoye"/></name></contact>
            </Patient>"#;
        let why = json!({"url": "https://example.org/why", "valueCode": "unknown"});
        let said = json!({
            "resourceType": "Patient", "id": "a",
            "text": {"status": "generated", "div":
                "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Caf&#233; &amp; <b>bar</b></p></div>"},
            "extension": [{"url": "https://example.org/x", "valueBoolean": true}],
            "identifier": [{"system": "urn:oid:1.2", "value": "7 & 8"}],
            "active": true,
            "name": [{"id": "n", "family": "Okoye", "given": ["Ada", null],
                "_given": [null, {"extension": [why]}]}],
            "gender": "female",
            "birthDate": "1970-01-02", "_birthDate": {"id": "b"},
            "multipleBirthInteger": 2,
            "address": [{"line": ["4 Heron Close"], "postalCode": "LS9 4QX"}],
            "contact": [{"relationship": [{"coding": [{"code": "N"}]}], "name": {"family": "Okoye"}}],
        });
        assert_eq!(read(text), said);
    }

    #[test]
    fn resources_stand_inside_others_and_names_mean_what_their_place_says() {
        let text = r#"<Bundle xmlns="http://hl7.org/fhir"><type value="message"/>
            <entry><resource><MessageHeader><eventUri value="urn:x"/>
              <source><name value="EHR"/><endpoint value="urn:y"/></source>
              <focus><reference value="Bundle/1"/></focus></MessageHeader></resource></entry>
            <entry><resource><Patient><contained><Organization><id value="o"/>
              <name value="Practice"/></Organization></contained>
              <link><other><reference value="Patient/2"/></other><type value="seealso"/></link>
            </Patient></resource></entry></Bundle>"#;
        let said = json!({
            "resourceType": "Bundle", "type": "message", "entry": [
                {"resource": {"resourceType": "MessageHeader", "eventUri": "urn:x",
                    "source": {"name": "EHR", "endpoint": "urn:y"},
                    "focus": [{"reference": "Bundle/1"}]}},
                {"resource": {"resourceType": "Patient",
                    "contained": [{"resourceType": "Organization", "id": "o", "name": "Practice"}],
                    "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}]}},
            ],
        });
        assert_eq!(read(text), said);
    }

    #[test]
    fn what_is_no_xml_of_fhir_is_refused() {
        let deep = format!("<Patient>{}", "<a>".repeat(40));
        for text in [
            "",
            "{}",
            "<Patient>",
            "<Patient/><Patient/>",
            "<Patient></Person>",
            "<patient/>",
            "<Observation/>",
            "<Patient xmlns=\"urn:other\"/>",
            "<f:Patient xmlns:f=\"http://hl7.org/fhir\"/>",
            "<Patient>text</Patient>",
            "<Patient><![CDATA[text]]></Patient>",
            "<Patient other=\"1\"/>",
            "<Patient><active value=\"true\" value=\"false\"/></Patient>",
            "<Patient><gender value=\"&sex;\"/></Patient>",
            "<!DOCTYPE Patient [<!ENTITY sex \"male\">]><Patient><gender value=\"&sex;\"/></Patient>",
            "<!DOCTYPE Patient SYSTEM \"file:///etc/passwd\"><Patient/>",
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Patient/>",
            deep.as_str(),
        ] {
            assert!(to_json(text.as_bytes()).is_err(), "{text}");
        }
        assert!(to_json(b"<Patient>\xff</Patient>").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_shown_by_no_fault(
            text in "(<|>|/|\"|=|Patient|name|text|div|value| |&|;|#|x|!|\\[|Zebedee){0,60}"
        ) {
            if let Err(fault) = to_json(text.as_bytes()) {
                prop_assert!(!fault.to_string().contains("Zebedee"));
            }
        }
    }
}
