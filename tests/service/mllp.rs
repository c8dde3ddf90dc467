//! A service that listens for HL7 v2, and an engine that speaks to it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::world::{Place, Setting, World};

/// How long a story waits for an acknowledgement.
const PATIENCE: Duration = Duration::from_mins(1);

/// Settings of the stories: five authorities on sources that every world knows.
pub(crate) const SETTINGS: &str = r#"
[[authority]]
namespace = "GP"
oid = "2.16.840.1.113883.2.1.3.2.4.18.1"
source = "gp"

[[authority]]
namespace = "RVV"
oid = "2.16.840.1.113883.2.1.3.2.4.18.2"
source = "pas"

[[authority]]
namespace = "NID"
uri = "https://id.example.org/nid"
quoted = true

[[sender]]
application = "PRACTICE"
facility = "G82001"
source = "gp"

[[sender]]
application = "PAS"
source = "pas"
asks_for_all = true
shows_to_people = true
"#;

/// A service with a listener.
pub(crate) struct Hl7World {
    pub(crate) world: World,
    _settings: NamedTempFile,
}

impl Hl7World {
    /// A service as [`SETTINGS`] say, with more about the listener.
    pub(crate) fn start(listener: &str) -> Self {
        Self::with(&format!(
            "[[listener]]\ntrusts_network = true\n{listener}\n{SETTINGS}"
        ))
    }

    /// A service with these settings.
    pub(crate) fn with(settings: &str) -> Self {
        Self::with_more(settings, &[])
    }

    /// The same, with more in its environment.
    pub(crate) fn with_more(settings: &str, more: &[(&'static str, String)]) -> Self {
        let mut file = NamedTempFile::new().expect("a file for the settings");
        file.write_all(settings.as_bytes())
            .expect("the settings can be written");
        let mut environment = vec![
            ("ACCORD_MLLP", "127.0.0.1:0".to_owned()),
            ("ACCORD_HL7", file.path().display().to_string()),
        ];
        environment.extend_from_slice(more);
        let setting = Setting {
            environment,
            ..Setting::default()
        };
        let world = World::prepared(Place::of_the_stories(), setting);
        Self {
            world,
            _settings: file,
        }
    }

    /// The same, serving.
    pub(crate) fn serves(self) -> Self {
        self.world.serves();
        self
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        let log = self.world.log();
        let said = log.lines().rev().find_map(|line| {
            let (_, address) = line.split_once("hl7 on ")?;
            Some(address.split_once("://")?.1.to_owned())
        });
        said.expect("the service says where it listens for HL7")
    }

    /// A connection.
    pub(crate) fn connects(&self) -> Engine {
        Engine::connect(&self.address())
    }
}

/// An integration engine on one connection.
pub(crate) struct Engine {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Engine {
    pub(crate) fn connect(address: &str) -> Self {
        Self::over(TcpStream::connect(address).expect("somebody listens for HL7"))
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        let bounded = stream.set_read_timeout(Some(PATIENCE));
        bounded.expect("a socket takes a time-out");
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// The same connection, to write to while this one reads.
    pub(crate) fn twin(&self) -> Self {
        Self {
            stream: self.stream.try_clone().expect("a socket can be shared"),
            unread: Vec::new(),
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn sends_bytes(&mut self, bytes: &[u8]) {
        self.stream
            .write_all(bytes)
            .expect("the service takes bytes");
    }

    /// Sends a message in its frame.
    pub(crate) fn sends(&mut self, message: &str) {
        self.sends_bytes(&framed(message));
    }

    /// The next message that comes back; `None` when the service closes.
    pub(crate) fn receives(&mut self) -> Option<Reply> {
        loop {
            let end = self.unread.windows(2).position(|pair| pair == [0x1C, 0x0D]);
            if let Some(end) = end {
                let message: Vec<u8> = self.unread.drain(..end + 2).collect();
                assert_eq!(message[0], 0x0B, "a frame begins where the one before ends");
                let text = String::from_utf8_lossy(&message[1..end]).into_owned();
                return Some(Reply { text });
            }
            let mut buffer = [0; 4_096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(read) => self.unread.extend_from_slice(&buffer[..read]),
                Err(fault) => panic!("no acknowledgement came: {fault}"),
            }
        }
    }

    /// Whether the service closes without a message: what it may say is no MLLP.
    pub(crate) fn receives_nothing(&mut self) -> bool {
        let mut said = Vec::new();
        let _ = self.stream.read_to_end(&mut said);
        !said.contains(&0x0B)
    }

    /// Sends a message and gives its answer.
    #[track_caller]
    pub(crate) fn asks(&mut self, message: &str) -> Reply {
        self.sends(message);
        self.receives().expect("the service answers")
    }
}

/// A message in its frame.
pub(crate) fn framed(message: &str) -> Vec<u8> {
    let text = message.trim().replace('\n', "\r");
    [b"\x0b", text.as_bytes(), b"\r\x1c\r"].concat()
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) text: String,
}

impl Reply {
    /// Segments of a name.
    pub(crate) fn segments<'r>(&'r self, name: &str) -> impl Iterator<Item = &'r str> + use<'r> {
        let name = name.to_owned();
        let lines = self.text.split('\r');
        lines.filter(move |line| line.starts_with(name.as_str()))
    }

    /// A field of the first segment of a name; MSH-1 is the separator.
    pub(crate) fn field<'r>(&'r self, name: &str, number: usize) -> &'r str {
        let place = if name == "MSH" { number - 1 } else { number };
        let segment = self.segments(name).next().unwrap_or_default();
        segment.split('|').nth(place).unwrap_or_default()
    }

    /// Its acknowledgement code has to be this one.
    #[track_caller]
    pub(crate) fn expect(self, code: &str) -> Self {
        assert_eq!(
            self.field("MSA", 1),
            code,
            "{}",
            self.text.replace('\r', "\n")
        );
        self
    }

    /// The ids of all persons in it, sorted: the first component of each PID-3.
    pub(crate) fn ids(&self) -> Vec<String> {
        let persons = self
            .segments("PID")
            .map(|pid| pid.split('|').nth(3).unwrap_or_default());
        let ids = persons.flat_map(|field| field.split('~'));
        let mut ids: Vec<String> = ids
            .map(|id| id.split('^').next().unwrap_or_default().to_owned())
            .filter(|id| !id.is_empty())
            .collect();
        ids.sort();
        ids
    }
}
