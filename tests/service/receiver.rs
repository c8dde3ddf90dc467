//! A reader's end of a webhook: takes messages, or says no when told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// A message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub headers: BTreeMap<String, String>,
    pub text: String,
    pub body: Value,
}

impl Received {
    pub(crate) fn events(&self) -> &Vec<Value> {
        self.body["data"]["events"].as_array().expect("events")
    }

    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }
}

/// Listens until the test ends.
pub(crate) struct Receiver {
    address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    taken: Vec<Received>,
    refused: Vec<Received>,
    refusing: bool,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // What breaks off was not taken.
                let _ = serve(stream, &shared);
            }
        });
        Self { address, state }
    }

    /// What `ACCORD_WEBHOOK_HOSTS` must list.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/accord", self.origin())
    }

    /// Answers 500 from now on, or takes messages again.
    pub(crate) fn refuses(&self, refusing: bool) {
        self.state.lock().expect("the receiver lives").refusing = refusing;
    }

    pub(crate) fn taken(&self) -> Vec<Received> {
        self.state.lock().expect("the receiver lives").taken.clone()
    }

    pub(crate) fn refused(&self) -> Vec<Received> {
        let state = self.state.lock().expect("the receiver lives");
        state.refused.clone()
    }

    /// Events of all messages that were taken, in order of arrival.
    pub(crate) fn events(&self) -> Vec<Value> {
        let taken = self.taken();
        taken.iter().flat_map(Received::events).cloned().collect()
    }

    /// Waits until the receiver has seen what it must.
    #[track_caller]
    pub(crate) fn waits(&self, what: &str, until: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !until(self) {
            let seen = (self.taken().len(), self.refused().len());
            assert!(begun.elapsed() < PATIENCE, "{what} never came: {seen:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|it| it.parse().ok());
    let mut bytes = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut bytes)?;
    let text = String::from_utf8(bytes).expect("UTF-8");
    let received = Received {
        headers,
        body: match text.as_str() {
            // Who is told without a payload is told nothing else.
            "" => Value::Null,
            text => serde_json::from_str(text).expect("a JSON body"),
        },
        text,
    };
    let mut state = state.lock().expect("the receiver lives");
    let status = if state.refusing {
        state.refused.push(received);
        "500 No"
    } else {
        state.taken.push(received);
        "204 Taken"
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}
